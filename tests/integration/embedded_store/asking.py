"""Requests to the embedded store, with clickhouse-connect and without."""

from __future__ import annotations

import base64
import http.client
import socket
import time
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from ops.embedded.store import EmbeddedStore

USER, PASSWORD = "hark", "p4ss wörd"
READER, READER_PASSWORD = "viewer", "look"


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


def post(store: EmbeddedStore, query: dict[str, str], sent: bytes, announced: int) -> socket.socket:
    """Send a request, or its beginning, over a bare socket and wait for nothing."""
    line = socket.create_connection(("127.0.0.1", store.port))
    head = f"POST /?{urlencode(query)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n"
    line.sendall(f"{head}Authorization: {authorization()['Authorization']}\r\n\r\n".encode() + sent)
    return line
