"""The gateway's routes over a publisher in memory: what is published, statuses, limits, its document."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import orjson
import pytest
from gateway_house import GOOD, LAB, SHOP, Ask, House
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from ops.gateway.openapi import document
from streams.topics import CUSTOMER_EVENTS, FEEDBACK_RAW


def test_one_event_is_published_and_named() -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        trace = f"00-{'a' * 32}-{'b' * 16}-01"
        status, answer, _ = await ask(orjson.dumps(GOOD), traceparent=trace)
        assert (status, answer) == (202, {"ids": ["f-1"]})
        (topic, entry, passed), *rest = house.memory.records
        assert (topic, entry.key, entry.value, rest) == (FEEDBACK_RAW, "moon_42", orjson.dumps(GOOD), [])
        assert passed == [("traceparent", trace.encode())]

    house.run(scenario)


def test_lines_and_customer_events() -> None:
    house = House()
    bought = {"customer_id": "c-1", "kind": "purchase", "amount": 20}

    async def scenario(ask: Ask) -> None:
        body = (
            b"\xef\xbb\xbf" + b"\n\n".join(orjson.dumps({**GOOD, "id": f"f-{n}"}) for n in range(3)) + b"\r\n"
        )
        status, answer, _ = await ask(body, kind="application/x-ndjson; charset=utf-8")
        assert (status, answer["ids"]) == (202, ["f-0", "f-1", "f-2"])
        status, answer, _ = await ask(orjson.dumps(bought), path="/v1/customers/events")
        assert status == 202
        topic, entry, _ = house.memory.records[-1]
        assert (topic, entry.key) == (CUSTOMER_EVENTS, "c-1")
        assert house.values[-1] == {**bought, "id": answer["ids"][0]}

    house.run(scenario)


def test_bad_lines_are_named_without_content_and_nothing_is_published() -> None:
    house = House()
    lines = [
        orjson.dumps(GOOD),
        b'{"channel": "app", "text": "secret-words", "author": "a", "rating": 9}',
        b"secret-words",
        b'{"channel": "fax", "text": "secret-words", "author": "a"}',
        b'{"channel": "app", "text": "secret-words"}',
        b'{"channel": "app", "text": "\\ud800secret-words", "author": "a"}',
        b'{"channel": "app", "text": "\xff", "author": "a"}',
        b'{"channel": "app", "text": "secret-words", "author": "a", "occurred_at": "2090-01-01T00:00:00Z"}',
        orjson.dumps({**GOOD, "text": "长" * 7000}),
        b"[" * 5000 + b"]" * 5000,
    ]

    async def scenario(ask: Ask) -> None:
        status, answer, _ = await ask(b"\n".join(lines), kind="application/x-ndjson")
        assert status == 400
        assert [(bad["line"], bad["reason"], bad["field"]) for bad in answer["lines"]] == [
            (2, "rating_out_of_scale", "rating"),
            (3, "not_json", ""),
            (4, "invalid_field", "channel"),
            (5, "no_customer_or_author", "customer_id"),
            (6, "lone_surrogate", ""),
            (7, "not_utf8", ""),
            (8, "time_in_future", "occurred_at"),
            (9, "too_large", ""),
            (10, "not_json", ""),
        ]
        assert "secret" not in str(answer)
        assert house.memory.calls == 0

    house.run(scenario)


@pytest.mark.parametrize("token", [None, "", "wrong", SHOP + "x", SHOP[:-1], "Ünïcode-token-of-odd"])
def test_without_a_known_token(token: str | None) -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        status, answer, response = await ask(orjson.dumps(GOOD), token=token)
        assert status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert house.memory.calls == 0

    house.run(scenario)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"body": b""}, 400),
        ({"body": b"\n \n", "kind": "application/x-ndjson"}, 400),
        ({"body": b"{}", "kind": "text/plain"}, 415),
        ({"body": b"x" * 50_001}, 413),
        ({"body": b"{}\n" * 41, "kind": "application/x-ndjson"}, 413),
        ({"body": b"{}", "Idempotency_Key": "with space"}, 400),
        ({"body": b"{}", "Idempotency_Key": "k" * 256}, 400),
        ({"body": b"no gzip", "Content_Encoding": "gzip"}, 400),
        ({"body": gzip.compress(b" " * 9_000_000), "Content_Encoding": "gzip"}, 413),
        ({"path": "/v1/other"}, 404),
        ({"method": "PUT"}, 405),
        ({"path": "/healthz", "method": "GET", "token": None}, 200),
        ({"path": "/readyz", "method": "GET", "token": None}, 200),
    ],
)
def test_statuses(request_: dict[str, Any], status: int) -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        got, answer, _ = await ask(**request_)
        assert got == status
        assert isinstance(answer, dict)
        assert house.memory.calls == 0

    house.run(scenario)


def test_compressed_bodies_are_read() -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        status, _, _ = await ask(gzip.compress(orjson.dumps(GOOD)), Content_Encoding="gzip")
        assert status == 202

    house.run(scenario)


def test_a_body_that_does_not_arrive_is_given_up() -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        never = asyncio.Event()

        async def slow() -> Any:
            yield b'{"channel"'
            await never.wait()

        status, _, _ = await ask(slow())
        assert status == 408

    house.run(scenario)


def test_rates_are_counted_by_token_and_in_events() -> None:
    house = House(burst=20)
    twenty = b"\n".join([orjson.dumps(GOOD)] * 20)

    async def scenario(ask: Ask) -> None:
        assert (await ask(twenty, kind="application/x-ndjson"))[0] == 202
        status, _, response = await ask(twenty, kind="application/x-ndjson")
        assert (status, response.headers["Retry-After"]) == (429, "2")
        assert (await ask(orjson.dumps(GOOD), token=LAB))[0] == 202
        house.clock.advance(2.0)
        assert (await ask(twenty, kind="application/x-ndjson"))[0] == 202

    house.run(scenario)


def test_when_the_broker_is_away() -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        house.memory.fail = True
        status, answer, response = await ask(orjson.dumps(GOOD), Idempotency_Key="k1")
        assert status == 503
        assert response.headers["Retry-After"]
        house.memory.ready = False
        status, answer, _ = await ask(path="/readyz", method="GET")
        assert (status, answer["error"]) == (503, "no broker answers")
        house.memory.fail = False
        status, _, response = await ask(orjson.dumps(GOOD), Idempotency_Key="k1")
        assert status == 202, "an answer that failed is not kept"
        assert "Idempotency-Replayed" not in response.headers

    house.run(scenario)


def test_more_requests_than_allowed_at_once_are_told_to_wait() -> None:
    house = House(in_flight=2)

    async def scenario(ask: Ask) -> None:
        house.memory.gate.clear()
        waiting = [asyncio.create_task(ask(orjson.dumps({**GOOD, "id": f"w{n}"}))) for n in range(2)]
        while house.memory.calls < 2:
            await asyncio.sleep(0)
        status, _, response = await ask(orjson.dumps(GOOD))
        assert (status, response.headers["Retry-After"]) == (503, "1")
        house.memory.gate.set()
        assert [status for status, _, _ in await asyncio.gather(*waiting)] == [202, 202]
        assert (await ask(orjson.dumps(GOOD)))[0] == 202

    house.run(scenario)


def test_a_draining_gateway_is_not_ready() -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        house.gateway.draining = True
        assert (await ask(path="/readyz", method="GET"))[0] == 503
        assert (await ask(path="/healthz", method="GET"))[0] == 200

    house.run(scenario)


def test_the_document_is_sound() -> None:
    api = document("1.0", "", 10, 10)
    names = set(api["components"]["schemas"])
    references = [value for key, value in _walk(api) if key == "$ref"]
    assert references
    assert {value.rpartition("/")[2] for value in references} <= names
    whole = Resource.from_contents(api, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:api", whole)
    for name in names:
        Draft202012Validator.check_schema(api["components"]["schemas"][name])
    reference = {"$ref": "urn:api#/components/schemas/Feedback"}
    check = Draft202012Validator(reference, registry=registry)
    assert check.is_valid(GOOD)
    assert not check.is_valid({**GOOD, "channel": "fax"})
    operations = [operation["operationId"] for path in api["paths"].values() for operation in path.values()]
    assert len(set(operations)) == len(operations) == 5


def _walk(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in [(key, item), *_walk(item)]]
    return [pair for item in value for pair in _walk(item)] if isinstance(value, list) else []
