"""Requests nobody should send and faults of its own: the gateway answers, and tells no content."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from gateway_house import GOOD, NOW, WITHOUT_ID, Ask, House, Memory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.intake import Limits
from ops.gateway.body import ID_ROOM, Entry, Reader, lines_of
from ops.gateway.server import Discreet
from streams.codec import Header


class Broken(Memory):
    """A publisher with a fault."""

    async def publish(
        self, topic: str, kind: str, source: str, entries: Sequence[Entry], passed: Sequence[Header]
    ) -> None:
        raise RuntimeError("secret-words")


def test_faults_are_answered_and_logged_without_content(caplog: pytest.LogCaptureFixture) -> None:
    house = House(memory=Broken())

    async def scenario(ask: Ask) -> None:
        status, answer, _ = await ask(orjson.dumps(GOOD))
        assert (status, answer) == (500, {"error": "a fault of the gateway"})

    house.run(scenario)
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_what_aiohttp_logs_is_stripped() -> None:
    try:
        raise ValueError("secret-words")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "Error from %s", ("secret-words",), info)
    assert Discreet().filter(record)
    text = logging.Formatter().format(record)
    assert "ValueError" in text
    assert "secret" not in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["id", "channel", "text", "author", "customer_id", "rating", "scale", "occurred_at", "attributes",
     "attachments", "kind", "amount", "since"]
)  # fmt: skip
VALUES = JSON | st.sampled_from(["app", "好", "moon", "purchase", "0001-01-01T00:00:00+14:00", 1e300, -1e18])


def _line(event: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps({**WITHOUT_ID, "customer_id": "c", **event})
    except TypeError:  # lone surrogates, whole numbers over 64 bits
        return repr(event).encode("utf-8", "surrogatepass")


EVENTS = st.dictionaries(FIELDS, VALUES, max_size=8).map(_line)
BODIES = st.lists(EVENTS | st.binary(max_size=40), max_size=5).map(b"\n".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=BODIES, target=st.sampled_from(["feedback", "customer"]), scope=st.none() | st.text(max_size=5))
def test_any_body_is_either_published_whole_or_named_line_by_line(
    body: bytes, target: Any, scope: str | None
) -> None:
    reader = Reader(Limits(max_bytes=20_000))
    lines = lines_of(body, single=False)
    batch = reader.read(lines, target, NOW * 1000, scope)
    assert len(batch.entries) + len(batch.bad) == len(lines)
    again = Reader(Limits(max_bytes=20_000 + ID_ROOM)).read(
        [(n, entry.value) for n, entry in enumerate(batch.entries)], target, NOW * 1000, None
    )
    assert not again.bad, "what is accepted is valid with the id it got"
    assert [entry.ident for entry in again.entries] == [entry.ident for entry in batch.entries]


@settings(max_examples=60, deadline=None)
@given(
    body=st.binary(max_size=200) | BODIES,
    kind=st.sampled_from(
        ["application/json", "application/x-ndjson", "", "text/;;", "application/json; charset=x"]
    ),
    encoding=st.sampled_from(["identity", "gzip", "deflate", "br", "gzip, br"]),
    key=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=10),
)
def test_no_request_is_a_fault(body: bytes, kind: str, encoding: str, key: str | None) -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        headers = {"Content_Encoding": encoding} | ({} if key is None else {"Idempotency_Key": key})
        status, answer, _ = await ask(body, kind=kind, **headers)
        assert status in (202, 400, 413, 415)
        assert isinstance(answer, dict)

    house.run(scenario)
