"""Rows on their way into the embedded store, and their life in its directory."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from urllib.request import urlopen

import clickhouse_connect
import pytest
from asking import ask, post, until
from clickhouse_connect.driver.client import Client

from ops.embedded.process import EmbeddedError
from ops.embedded.store import EmbeddedStore


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
