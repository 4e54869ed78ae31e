"""What the embedded store answers, as ClickHouse would."""

from __future__ import annotations

import datetime
import gzip
import http.client
import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from asking import READER, READER_PASSWORD, ask, authorization, connect, post, until
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from ops.embedded.store import EmbeddedStore


def memory(pid: int, field: str) -> int:
    """Return a size of a process in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(field)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_clickhouse_connect_writes_and_reads(store: EmbeddedStore, compress: bool | str) -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.UTC)
    rows = [(number, f"第{number}条 '\\\n", moment) for number in range(3000)]
    packed = connect(store, compress=compress)
    summary = packed.insert("t", rows, column_names=["a", "b", "d"])
    assert summary.written_rows == 3000
    result = packed.query("SELECT a, b, d FROM t WHERE a < {limit:UInt64} ORDER BY a", {"limit": 2})
    assert [(a, b, d.replace(tzinfo=datetime.UTC)) for a, b, d in result.result_rows] == rows[:2]
    quoted = "'; DROP TABLE t; --\t\\"
    assert packed.query("SELECT {text:String}", {"text": quoted}).result_rows == [(quoted,)]
    packed.close()


def test_an_empty_result_names_its_columns(client: Client) -> None:
    result = client.query("SELECT a, b FROM t WHERE a = 77")
    assert (result.column_names, result.result_rows) == (("a", "b"), [])


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "lz4", "zstd"])
def test_results_are_compressed_on_demand(store: EmbeddedStore, encoding: str) -> None:
    plain = ask(store, b"SELECT number FROM numbers(100000)")[1]
    _, packed, headers = ask(
        store, b"SELECT number FROM numbers(100000)", {**authorization(), "Accept-Encoding": encoding}
    )
    assert headers["Content-Encoding"] == encoding
    assert len(packed) < len(plain)
    _, without, headers = ask(
        store,
        b"SELECT 1",
        {**authorization(), "Accept-Encoding": encoding},
        enable_http_compression="0",
    )
    assert (headers["Content-Encoding"], without) == (None, b"1\n")


def test_a_compressed_body(store: EmbeddedStore, client: Client) -> None:
    body = gzip.compress(b"1,x,2026-01-01 00:00:00\n2,y,2026-01-01 00:00:00\n")
    headers = {**authorization(), "Content-Encoding": "gzip"}
    status, _, answer = ask(store, body, headers, query="INSERT INTO t FORMAT CSV")
    assert status == 200
    assert json.loads(answer["X-ClickHouse-Summary"])["written_rows"] == "2"
    status, text, _ = ask(store, body[:-9], headers, query="INSERT INTO t FORMAT CSV")
    assert (status, b"CANNOT_DECOMPRESS" in text) == (500, True)
    assert client.command("SELECT count() FROM t") == 2


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("SELECT nosuch", 404, 47),
        ("SELECT * FROM nosuch", 404, 60),
        ("SELEC 1", 400, 62),
        ("SELECT 1; SELECT 2", 400, 62),
        ("SELECT 1 FORMAT NoSuch", 404, 73),
        ("SELECT throwIf(1, 'no')", 500, 395),
        ("SELECT {a:UInt8}", 500, 456),
        ("INSERT INTO nosuch VALUES (1)", 404, 60),
        ("INSERT INTO system.one FORMAT JSONEachRow {", 501, 48),
        ("SELECT 1 INTO OUTFILE '/nosuch/file'", 500, 358),
        ("", 400, 62),
    ],
)
def test_errors_carry_clickhouses_codes(store: EmbeddedStore, query: str, status: int, code: int) -> None:
    got, body, headers = ask(store, query.encode())
    assert (got, headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"max_execution_time": "0.2"}, 159),
        ({"nosuch_setting": "1"}, 115),
        ({"max_threads=1, readonly": "0"}, 115),
        ({"compress": "1"}, 48),
        ({"database": "nosuch`; DROP TABLE t"}, 81),
    ],
)
def test_settings_of_a_request(store: EmbeddedStore, settings: dict[str, str], code: int) -> None:
    _, body, headers = ask(store, b"SELECT sleepEachRow(0.1) FROM numbers(20)", None, **settings)
    assert headers["X-ClickHouse-Exception-Code"] == str(code), body


def test_settings_end_with_their_request(store: EmbeddedStore) -> None:
    query = b"SELECT getSetting('max_block_size')"
    for session in ({}, {"session_id": "settings"}):
        assert ask(store, query, None, max_block_size="7", **session)[1] == b"7\n"
        assert ask(store, query, None, **session)[1] == b"65409\n"


def test_a_refused_setting_does_not_stick_to_its_session(store: EmbeddedStore) -> None:
    session = {"session_id": "refused"}
    assert ask(store, b"SELECT 1", None, nosuch_setting="1", **session)[0] == 404
    assert ask(store, b"SELECT 1", None, **session)[:2] == (200, b"1\n")


def test_formats_and_parameters(store: EmbeddedStore) -> None:
    assert ask(store, b"SELECT 1 AS x", None, default_format="JSONEachRow")[1] == b'{"x":1}\n'
    assert ask(store, b"SELECT 1 AS x FORMAT CSVWithNames", None, default_format="JSON")[1] == b'"x"\n1\n'
    assert ask(store, b"SELECT {a:Array(UInt8)}, {b:String}", None, param_a="[1,2]", param_b="x'y")[1] == (
        b"[1,2]\tx\\'y\n"
    )
    _, _, headers = ask(store, b"SELECT 1 FORMAT JSON", None, query_id="mine")
    assert (headers["X-ClickHouse-Query-Id"], headers["X-ClickHouse-Format"]) == ("mine", "JSON")
    assert headers["X-ClickHouse-Timezone"] == "UTC"


def test_temporary_tables_live_in_a_session(store: EmbeddedStore) -> None:
    for query in (b"CREATE TEMPORARY TABLE mine (a UInt8)", b"INSERT INTO mine VALUES (3)"):
        assert ask(store, query, None, session_id="temp")[0] == 200
    assert ask(store, b"SELECT a FROM mine", None, session_id="temp")[1] == b"3\n"
    assert ask(store, b"SELECT a FROM mine")[0] == 404
    reader = authorization(READER, READER_PASSWORD)
    assert ask(store, b"SELECT a FROM mine", reader, session_id="temp")[0] == 404
    assert ask(store, b"SELECT 1", None, session_id="none", session_check="1")[0] == 500


def test_large_results_are_streamed(store: EmbeddedStore) -> None:
    assert store.pid is not None
    query = b"SELECT number, repeat('x', 300) FROM numbers(2000000) FORMAT TSV"
    ask(store, b"SELECT number, repeat('x', 300) FROM numbers(200000) FORMAT TSV")
    before, size = memory(store.pid, "VmRSS"), 0
    with urlopen(Request(store.url, data=query, headers=authorization()), timeout=60) as response:
        while piece := response.read(1 << 20):
            size += len(piece)
    assert size > 600_000_000
    # Held as a whole it would grow by at least its size; allocators and threads keep up to 220 MB.
    assert memory(store.pid, "VmRSS") - before < size / 2


def test_an_error_in_the_middle_is_not_taken_for_the_end(store: EmbeddedStore, client: Client) -> None:
    query = "SELECT throwIf(number = 300000, 'boom'), number FROM numbers(500000)"
    with pytest.raises((StreamFailureError, DatabaseError), match="boom"):
        client.query(query)
    # Late enough that the engine cannot run into it before the first rows are on their way.
    late = b"SELECT throwIf(number = 5000000, 'boom'), number FROM numbers(6000000) SETTINGS max_threads = 1"
    request = Request(store.url, data=late, headers=authorization())
    with urlopen(request, timeout=20) as response, pytest.raises(http.client.IncompleteRead):
        response.read()


def test_hanging_up_stops_a_query(store: EmbeddedStore, client: Client) -> None:
    query = b"SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
    running = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = 'long'"
    with post(store, {"query_id": "long"}, query, len(query)):
        assert until(lambda: client.command(running) == 1)
    assert until(lambda: client.command(running) == 0)
