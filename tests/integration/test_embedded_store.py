"""The embedded store through clients that are not ours: clickhouse-connect, urllib, sockets."""

from __future__ import annotations

import asyncio
import base64
import datetime
import gzip
import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from ops.embedded.process import EmbeddedError
from ops.embedded.store import EmbeddedStore

USER, PASSWORD = "hark", "p4ss wörd"
READER, READER_PASSWORD = "viewer", "look"


@pytest.fixture(scope="module")
def store() -> Iterator[EmbeddedStore]:
    with asyncio.Runner() as runner:
        store = EmbeddedStore(user=USER, password=PASSWORD, readers={READER: READER_PASSWORD})
        runner.run(store.start())
        yield store
        runner.run(store.stop())


@pytest.fixture
def client(store: EmbeddedStore) -> Iterator[Client]:
    client = connect(store)
    columns = "a UInt64, b String, d DateTime64(3, 'UTC')"
    client.command(f"CREATE TABLE t ({columns}) ENGINE = MergeTree ORDER BY a")
    yield client
    client.command("DROP TABLE t SYNC")
    client.close()


def connect(store: EmbeddedStore, **options: object) -> Client:
    return clickhouse_connect.get_client(
        host="127.0.0.1", port=store.port, username=USER, password=PASSWORD, **options
    )


def authorization(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def ask(
    store: EmbeddedStore, body: bytes | None, headers: dict[str, str] | None = None, **query: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    """Send a request with plain urllib and return status, body and headers."""
    request = Request(f"{store.url}/?{urlencode(query)}", data=body, headers=headers or authorization())
    try:
        with urlopen(request, timeout=20) as response:
            return response.status, response.read(), response.headers
    except HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Ask again until it holds or the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("path", ["/ping", "/replicas_status"])
def test_health_needs_no_password(store: EmbeddedStore, path: str) -> None:
    with urlopen(store.url + path, timeout=5) as response:
        assert response.read() == b"Ok.\n"


@pytest.mark.parametrize(
    "headers",
    [{"X": "y"}, authorization(password="wrong"), authorization(user="default", password="")],
)
def test_nobody_else_gets_in(store: EmbeddedStore, headers: dict[str, str]) -> None:
    status, body, answer = ask(store, b"SELECT 1", headers)
    assert (status, answer["X-ClickHouse-Exception-Code"]) == (403, "516")
    assert b"AUTHENTICATION_FAILED" in body


def test_the_password_is_in_no_process_list(store: EmbeddedStore) -> None:
    for name in ("cmdline", "environ"):
        assert PASSWORD.encode() not in Path(f"/proc/{store.pid}/{name}").read_bytes()


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


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "rebound.example:8123"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
    ],
)
def test_foreign_web_pages_stay_out(store: EmbeddedStore, headers: dict[str, str], status: int) -> None:
    assert ask(store, b"SELECT 1", {**authorization(), **headers})[0] == status


def test_formats_and_parameters(store: EmbeddedStore) -> None:
    assert ask(store, b"SELECT 1 AS x", None, default_format="JSONEachRow")[1] == b'{"x":1}\n'
    assert ask(store, b"SELECT 1 AS x FORMAT CSVWithNames", None, default_format="JSON")[1] == b'"x"\n1\n'
    assert ask(store, b"SELECT {a:Array(UInt8)}, {b:String}", None, param_a="[1,2]", param_b="x'y")[1] == (
        b"[1,2]\tx\\'y\n"
    )
    _, _, headers = ask(store, b"SELECT 1 FORMAT JSON", None, query_id="mine")
    assert (headers["X-ClickHouse-Query-Id"], headers["X-ClickHouse-Format"]) == ("mine", "JSON")
    assert headers["X-ClickHouse-Timezone"] == "UTC"


def test_get_only_reads(store: EmbeddedStore, client: Client) -> None:
    assert ask(store, None, None, query="SELECT count() FROM t")[1] == b"0\n"
    for query in ("INSERT INTO t (a) VALUES (1)", "DROP TABLE t", "TRUNCATE TABLE t"):
        for session in ({}, {"session_id": "get"}):
            status, body, _ = ask(store, None, None, query=query, **session)
            assert (status, b"(READONLY)" in body) == (500, True)
    assert client.command("SELECT count() FROM t") == 0


@pytest.mark.parametrize("session", [{}, {"session_id": "reader"}])
@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO t (a) VALUES (1)",
        "DROP TABLE t",
        "SET readonly = 0",
        "SELECT * FROM file('/etc/hosts', 'LineAsString')",
    ],
)
def test_readers_only_read(store: EmbeddedStore, client: Client, query: str, session: dict[str, str]) -> None:
    reader = authorization(READER, READER_PASSWORD)
    assert ask(store, b"SELECT count() FROM t", reader, **session)[1] == b"0\n"
    status, body, _ = ask(store, query.encode(), reader, **session)
    assert status in (403, 500), body
    assert b"READONLY" in body or b"ACCESS_DENIED" in body
    assert client.command("SELECT count() FROM t") == 0


def test_temporary_tables_live_in_a_session(store: EmbeddedStore) -> None:
    for query in (b"CREATE TEMPORARY TABLE mine (a UInt8)", b"INSERT INTO mine VALUES (3)"):
        assert ask(store, query, None, session_id="temp")[0] == 200
    assert ask(store, b"SELECT a FROM mine", None, session_id="temp")[1] == b"3\n"
    assert ask(store, b"SELECT a FROM mine")[0] == 404
    reader = authorization(READER, READER_PASSWORD)
    assert ask(store, b"SELECT a FROM mine", reader, session_id="temp")[0] == 404
    assert ask(store, b"SELECT 1", None, session_id="none", session_check="1")[0] == 500


@pytest.mark.parametrize("form", ["JSONEachRow", "CSV", "TabSeparated", "RowBinary", "Native", "Parquet"])
def test_raw_rows_in_every_format(store: EmbeddedStore, client: Client, form: str) -> None:
    rows = ask(
        store,
        f"SELECT number AS a, repeat('文', 10) AS b, toDateTime64(0, 3, 'UTC') AS d "
        f"FROM numbers(150000) FORMAT {form}".encode(),
    )[1]
    status, body, headers = ask(store, rows, None, query=f"INSERT INTO t FORMAT {form}")
    assert status == 200, body
    assert json.loads(headers["X-ClickHouse-Summary"])["written_rows"] == "150000"
    assert client.query("SELECT count(), sum(a), uniq(b) FROM t").result_rows == [(150000, 11249925000, 1)]


def test_an_insert_is_one_part(store: EmbeddedStore, client: Client) -> None:
    rows = b"".join(b'{"a":%d,"b":"x"}\n' % number for number in range(120_000))
    assert ask(store, rows, None, query="INSERT INTO t FORMAT JSONEachRow")[0] == 200
    parts = "SELECT count(), sum(rows) FROM system.parts WHERE table = 't' AND active"
    assert client.query(parts).result_rows == [(1, 120_000)]


def test_a_bad_row_writes_nothing(store: EmbeddedStore, client: Client) -> None:
    rows = b'{"a":1,"b":"x"}\n' * 100 + b'{"a":"x"}\n'
    status, body, headers = ask(store, rows, None, query="INSERT INTO t FORMAT JSONEachRow")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (400, "27"), body
    assert client.command("SELECT count() FROM t") == 0


def post(store: EmbeddedStore, query: dict[str, str], sent: bytes, announced: int) -> socket.socket:
    """Send a request, or its beginning, over a bare socket and wait for nothing."""
    line = socket.create_connection(("127.0.0.1", store.port))
    head = f"POST /?{urlencode(query)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n"
    line.sendall(f"{head}Authorization: {authorization()['Authorization']}\r\n\r\n".encode() + sent)
    return line


def test_an_insert_cut_short_writes_nothing_and_holds_nobody_up(store: EmbeddedStore, client: Client) -> None:
    rows = b"1,x,2026-01-01 00:00:00\n" * 100_000
    insert = {"query": "INSERT INTO t FORMAT CSV", "query_id": "cut"}
    running = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = 'cut'"
    with post(store, insert, rows, 2 * len(rows)):
        assert until(lambda: client.command(running) == 1)
        assert client.command("SELECT count() FROM t") == 0
        assert ask(store, b"SELECT 1", None, query_id="cut")[2]["X-ClickHouse-Exception-Code"] == "216"
    assert until(lambda: client.command(running) == 0)
    assert client.command("SELECT count() FROM t") == 0


def memory(pid: int, field: str) -> int:
    """Return a size of a process in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(field)


def test_large_results_are_streamed(store: EmbeddedStore) -> None:
    assert store.pid is not None
    query = b"SELECT number, repeat('x', 300) FROM numbers(1000000) FORMAT TSV"
    ask(store, b"SELECT number, repeat('x', 300) FROM numbers(200000) FORMAT TSV")
    before, size = memory(store.pid, "VmRSS"), 0
    with urlopen(Request(store.url, data=query, headers=authorization()), timeout=60) as response:
        while piece := response.read(1 << 20):
            size += len(piece)
    assert size > 300_000_000
    # Held as a whole it would grow by at least its size; allocators and threads keep some tens of megabytes.
    assert memory(store.pid, "VmRSS") - before < size * 2 / 3


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


def test_data_survive_and_a_directory_has_one_owner(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with EmbeddedStore(tmp_path / "data") as first:
            client = clickhouse_connect.get_client(host="127.0.0.1", port=first.port)
            client.command("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a")
            client.insert("kept", [[7]], column_names=["a"])
            client.close()
            with pytest.raises(EmbeddedError, match="is in use by another process"):
                async with EmbeddedStore(tmp_path / "data"):
                    pass
            with pytest.raises(EmbeddedError, match=f"store: port {first.port} on 127.0.0.1 is in use"):
                async with EmbeddedStore(tmp_path / "other", first.port):
                    pass
        async with EmbeddedStore(tmp_path / "data", first.port) as second:
            assert second.url == first.url
            with urlopen(f"{second.url}/?query=SELECT+a+FROM+kept", timeout=10) as response:
                assert response.read() == b"7\n"
            assert second.pid is not None
            os.kill(second.pid, signal.SIGKILL)
        async with EmbeddedStore(tmp_path / "data") as third:
            with urlopen(f"{third.url}/?query=SELECT+a+FROM+kept", timeout=10) as response:
                assert response.read() == b"7\n"

    asyncio.run(scenario())


def test_it_runs_by_hand_and_ends_on_sigterm(tmp_path: Path) -> None:
    async def scenario() -> None:
        command = [sys.executable, "-m", "ops.embedded.store", str(tmp_path / "data"), "70000"]
        failed = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, text = await failed.communicate()
        assert (failed.returncode, text.count(b"\n")) == (1, 1), text

    asyncio.run(scenario())
