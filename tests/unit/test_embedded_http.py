"""Encodings, accounts, errors and sessions of the embedded store, without the engine."""

from __future__ import annotations

import asyncio
import base64
import gzip
import zlib
from collections.abc import Callable
from importlib import import_module

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from models.clock import VirtualClock
from ops.embedded.clickhouse_http.coding import ENCODINGS, Decoder, Encoder, choose
from ops.embedded.clickhouse_http.errors import StoreError, from_engine, refuse
from ops.embedded.clickhouse_http.results import varint
from ops.embedded.clickhouse_http.sessions import Sessions
from ops.embedded.clickhouse_http.users import User, Users

lz4_frame = import_module("lz4.frame")
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "lz4": lz4_frame.compress,
    "zstd": zstd.compress,
}


@given(
    frames=st.lists(st.binary(max_size=200), max_size=3),
    cut=st.integers(1, 50),
    name=st.sampled_from(ENCODINGS),
)
def test_decoding_does_not_depend_on_the_cut(frames: list[bytes], cut: int, name: str) -> None:
    body = b"".join(COMPRESS[name](frame) for frame in frames)
    decoder = Decoder(name)
    out = b"".join(decoder.feed(body[at : at + cut]) for at in range(0, len(body), cut))
    decoder.end()
    assert out == b"".join(frames)


@given(pieces=st.lists(st.binary(max_size=200), max_size=4), name=st.sampled_from((*ENCODINGS, "")))
def test_what_is_encoded_decodes(pieces: list[bytes], name: str) -> None:
    encoder, decoder = Encoder(name), Decoder(name)
    out = decoder.feed(b"".join(encoder.feed(piece) for piece in pieces) + encoder.end())
    decoder.end()
    assert out == b"".join(pieces)


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_frame_cut_short_is_an_error(name: str) -> None:
    decoder = Decoder(name)
    decoder.feed(COMPRESS[name](b"rows" * 100)[:-1])
    with pytest.raises(StoreError, match="ends inside a frame") as caught:
        decoder.end()
    assert caught.value.code == 271


@pytest.mark.parametrize("name", ENCODINGS)
def test_nonsense_is_an_error(name: str) -> None:
    with pytest.raises(StoreError, match=f"Cannot decompress the {name} body"):
        Decoder(name).feed(b"this is no compressed body at all")


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(StoreError, match="'brotli'") as caught:
        Decoder("brotli")
    assert caught.value.code == 89


@pytest.mark.parametrize(
    ("accepted", "chosen"), [("", ""), ("identity", ""), ("gzip", "gzip"), ("gzip, zstd", "zstd"), ("br", "")]
)
def test_choice_of_encoding(accepted: str, chosen: str) -> None:
    assert choose(accepted) == chosen


BASIC = "Basic " + base64.b64encode("ann:p:ä".encode()).decode()


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"X-ClickHouse-User": "ann", "X-ClickHouse-Key": "p:ä"}, {}),
        ({"Authorization": BASIC}, {}),
        ({}, {"user": "ann", "password": "p:ä"}),
    ],
)
def test_three_ways_in(headers: dict[str, str], query: dict[str, str]) -> None:
    assert Users([User("ann", "p:ä")]).authenticate(headers, query).name == "ann"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"user": "ann"},
        {"user": "ann", "password": "x"},
        {"user": "bob", "password": "p"},
        {"user": "bob"},
    ],
)
def test_everybody_else_stays_out(query: dict[str, str]) -> None:
    with pytest.raises(StoreError) as caught:
        Users([User("ann", "p")]).authenticate({}, query)
    assert (caught.value.code, caught.value.status) == (516, 403)


def test_a_user_never_shows_its_password() -> None:
    assert "secret" not in repr(User("ann", "secret"))


@pytest.mark.parametrize(
    ("code", "status"), [(62, 400), (60, 404), (115, 404), (159, 408), (497, 403), (48, 501), (241, 500)]
)
def test_statuses_are_the_servers(code: int, status: int) -> None:
    assert refuse(code, "x", "X").status == status


def test_an_engine_error_without_a_code_is_unknown() -> None:
    assert from_engine(RuntimeError("boom")).code == 1002


@given(st.integers(0, 2**63))
def test_varint_is_leb128(number: int) -> None:
    decoded = sum((byte & 127) << (7 * place) for place, byte in enumerate(varint(number)))
    assert decoded == number


class Connections:
    """Counts connections in place of the engine."""

    def __init__(self) -> None:
        self.opened: list[Connection] = []

    def connect(self) -> Connection:
        self.opened.append(Connection())
        return self.opened[-1]

    async def call(self, function: Callable[[], None]) -> None:
        function()


class Connection:
    """Remembers what happened to it."""

    def __init__(self) -> None:
        self.closed = False
        self.restricted = False

    def restrict(self) -> None:
        self.restricted = True

    def close(self) -> None:
        self.closed = True


ANN, BOB = ("ann", "s"), ("bob", "s")


def test_a_session_keeps_its_connection_until_it_expires() -> None:
    engine, clock = Connections(), VirtualClock(0.0)
    sessions = Sessions(engine, clock.now)

    async def use(key: tuple[str, str]) -> Connection:
        async with sessions.lend(key, 60.0, must_exist=False, reads_only=False) as handle:
            return handle

    async def scenario() -> None:
        first = await use(ANN)
        clock.advance(59)
        assert await use(ANN) is first
        assert await use(BOB) is not first
        clock.advance(61)
        assert await use(ANN) is not first
        assert first.closed

    asyncio.run(scenario())
    sessions.close()
    assert all(connection.closed for connection in engine.opened)


def test_a_session_runs_one_statement_at_a_time() -> None:
    sessions = Sessions(Connections(), VirtualClock(0.0).now)

    async def scenario() -> None:
        async with sessions.lend(ANN, 60.0, must_exist=False, reads_only=False):
            with pytest.raises(StoreError, match="locked by a concurrent client") as caught:
                async with sessions.lend(ANN, 60.0, must_exist=False, reads_only=False):
                    pass
            assert caught.value.code == 373

    asyncio.run(scenario())


def test_a_session_that_must_exist() -> None:
    sessions = Sessions(Connections(), VirtualClock(0.0).now)

    async def scenario() -> None:
        with pytest.raises(StoreError, match="not found") as caught:
            async with sessions.lend(ANN, 60.0, must_exist=True, reads_only=False):
                pass
        assert caught.value.code == 372

    asyncio.run(scenario())


def test_a_readers_session_is_restricted_once() -> None:
    engine = Connections()
    sessions = Sessions(engine, VirtualClock(0.0).now)

    async def scenario() -> None:
        async with sessions.lend(ANN, 60.0, must_exist=False, reads_only=True):
            assert engine.opened[0].restricted

    asyncio.run(scenario())
