"""Who may ask the embedded store, and what."""

from __future__ import annotations

from pathlib import Path
from urllib.request import urlopen

import pytest
from asking import PASSWORD, READER, READER_PASSWORD, ask, authorization
from clickhouse_connect.driver.client import Client

from ops.embedded.store import EmbeddedStore


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
