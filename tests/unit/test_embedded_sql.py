"""The statement scanner and what the HTTP interface refuses by it."""

from __future__ import annotations

import pytest

from ops.embedded.clickhouse_http import policy
from ops.embedded.clickhouse_http.errors import StoreError
from ops.embedded.clickhouse_http.sql import parse
from ops.embedded.clickhouse_http.users import User

WRITER = User("writer", "")
READER = User("reader", "", reads_only=True)
FUNCTIONS = frozenset({"numbers", "file", "url", "view"})


@pytest.mark.parametrize(
    ("sql", "text", "form"),
    [
        (b"SELECT 1", b"SELECT 1", None),
        (b"select 1 format JSON", b"select 1 ", "JSON"),
        (b"SELECT 1 FORMAT CSV;", b"SELECT 1 ", "CSV"),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads=1", b"SELECT 1  SETTINGS max_threads=1", "CSV"),
        (b"SELECT ' FORMAT CSV'", b"SELECT ' FORMAT CSV'", None),
        (b"SELECT 1 -- FORMAT CSV", b"SELECT 1 -- FORMAT CSV", None),
        (b"SELECT format FROM t", b"SELECT format FROM t", None),
        (b"SELECT 'it''s' FORMAT TSV", b"SELECT 'it''s' ", "TSV"),
        (b"SELECT 'a\\'b' FORMAT TSV", b"SELECT 'a\\'b' ", "TSV"),
        (b"SELECT (SELECT 1 FORMAT x)", b"SELECT (SELECT 1 FORMAT x)", None),
    ],
)
def test_format_clause(sql: bytes, text: bytes, form: str | None) -> None:
    statement = parse(sql)
    assert (statement.text, statement.format, statement.rows) == (text, form, None)


@pytest.mark.parametrize(
    ("sql", "head", "form", "rows"),
    [
        (b"INSERT INTO t FORMAT TSV\n\ta\n", b"INSERT INTO t", "TSV", b"\ta\n"),
        (b"INSERT INTO t FORMAT TSV \r\n1\n", b"INSERT INTO t", "TSV", b"1\n"),
        (b"insert into t (a, b) values (1, 'x')", b"insert into t (a, b)", "Values", b" (1, 'x')"),
        (b"INSERT INTO `FORMAT` FORMAT Native\n\n\x01", b"INSERT INTO `FORMAT`", "Native", b"\n\x01"),
        (
            b"/* x */ INSERT INTO t SETTINGS a=1 FORMAT CSV\n1",
            b"/* x */ INSERT INTO t SETTINGS a=1",
            "CSV",
            b"1",
        ),
        (b"INSERT INTO t FORMAT Values (1)", b"INSERT INTO t", "Values", b"(1)"),
    ],
)
def test_rows_of_an_insert(sql: bytes, head: bytes, form: str, rows: bytes) -> None:
    statement = parse(sql)
    assert statement.rows is not None
    assert (statement.kind, statement.text, statement.format) == ("INSERT", head, form)
    assert sql[statement.rows :] == rows


def test_rows_are_never_scanned() -> None:
    statement = parse(b"INSERT INTO t FORMAT CSV\n1;DROP TABLE t; 'open")
    assert not statement.more
    assert statement.rows is not None


def test_insert_select_has_no_rows() -> None:
    statement = parse(b"INSERT INTO t SELECT a FROM s FORMAT Null")
    assert statement.rows is None
    assert statement.format == "Null"


@pytest.mark.parametrize(
    "sql", [b"SELECT 1; DROP TABLE t", b"SELECT ';'; SELECT 2", b"INSERT INTO t SELECT 1; SELECT 2"]
)
def test_several_statements_are_refused(sql: bytes) -> None:
    with pytest.raises(StoreError, match="Multi-statements") as caught:
        policy.check(parse(sql), WRITER, False, FUNCTIONS)
    assert caught.value.code == 62


@pytest.mark.parametrize("sql", [b"SELECT 1;", b"SELECT 1; -- done\n", b"SELECT ';'", b"SELECT 1;;"])
def test_one_statement_passes(sql: bytes) -> None:
    policy.check(parse(sql), WRITER, True, FUNCTIONS)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (b"SELECT 1 INTO OUTFILE '/x'", 358),
        (b"INSERT INTO t FROM INFILE '/x' FORMAT CSV", 78),
    ],
)
def test_nobody_touches_files_of_the_host(sql: bytes, code: int) -> None:
    with pytest.raises(StoreError) as caught:
        policy.check(parse(sql), WRITER, False, FUNCTIONS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (b"INSERT INTO t VALUES (1)", 164),
        (b"insert into function file('/x') select 1", 164),
        (b"DROP TABLE t", 164),
        (b"ALTER TABLE t DELETE WHERE 1", 164),
        (b"SELECT * FROM file('/etc/hosts')", 497),
        (b"SELECT * FROM `url`('http://a')", 497),
        (b"SELECT (SELECT count() FROM file ('/etc/hosts'))", 497),
        (b"SELECT * FROM `/etc/hosts`", 497),
        (b"SELECT * FROM a JOIN '/etc/hosts' ON 1", 497),
    ],
)
def test_readers_only_read_tables(sql: bytes, code: int) -> None:
    with pytest.raises(StoreError) as caught:
        policy.check(parse(sql), READER, True, FUNCTIONS)
    assert caught.value.code == code
    assert caught.value.status == {164: 500, 497: 403}[code]


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT file FROM numbers(3)",
        b"WITH 1 AS x SELECT x",
        b"(SELECT 1) UNION ALL (SELECT 2)",
        b"SHOW TABLES",
        b"SELECT 'url(1)' FROM hark.decisions WHERE text = '/etc'",
    ],
)
def test_readers_may_ask(sql: bytes) -> None:
    policy.check(parse(sql), READER, True, FUNCTIONS)
