"""The gateway's routes over a publisher in memory: answers, limits, idempotency, hostile requests."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
import pytest
import typer
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from typer.testing import CliRunner

from models.clock import VirtualClock
from models.intake import Limits
from ops.commands.gateway import gateway
from ops.failures import UserError
from ops.gateway.app import Bounds, Gateway
from ops.gateway.body import ID_ROOM, Entry, Reader, lines_of
from ops.gateway.idempotency import KEEP_SECONDS, Answers
from ops.gateway.openapi import document
from ops.gateway.proxies import Proxies
from ops.gateway.publisher import Unavailable
from ops.gateway.server import Discreet
from ops.gateway.tokens import Bucket, Tokens
from streams.codec import Header
from streams.topics import CUSTOMER_EVENTS, FEEDBACK_RAW

NOW = 1_790_000_000
SHOP, LAB = "a-token-of-the-shop", "a-token-of-the-lab-1"
GOOD = {"id": "f-1", "channel": "app", "text": "发货太慢了", "author": "moon_42"}
Ask = Callable[..., Awaitable[tuple[int, Any, ClientResponse]]]


class Memory:
    """A publisher that keeps what it gets, waits for `gate`, and fails on request."""

    def __init__(self) -> None:
        self.problem = "no broker answers"
        self.ready = True
        self.fail = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls = 0
        self.records: list[tuple[str, Entry, list[Header]]] = []

    async def publish(
        self, topic: str, kind: str, source: str, entries: Sequence[Entry], passed: Sequence[Header]
    ) -> None:
        self.calls += 1
        await self.gate.wait()
        if self.fail:
            raise Unavailable("not confirmed")
        self.records += [(topic, entry, list(passed)) for entry in entries]


class Broken(Memory):
    """A publisher with a fault."""

    async def publish(
        self, topic: str, kind: str, source: str, entries: Sequence[Entry], passed: Sequence[Header]
    ) -> None:
        raise RuntimeError("secret-words")


class House:
    """A gateway with its parts, and a client."""

    def __init__(
        self, prefix: str = "", burst: int = 100, in_flight: int = 8, memory: Memory | None = None
    ) -> None:
        self.clock = VirtualClock(NOW)
        self.memory = memory or Memory()
        self.answers = Answers(50, self.clock.now)
        tokens = Tokens.parse(f"shop={SHOP},lab={LAB}", lambda: Bucket(10.0, burst, self.clock.now))
        self.gateway = Gateway(
            tokens,
            Reader(Limits(max_bytes=20_000)),
            self.memory,
            self.answers,
            Proxies("127.0.0.0/8", prefix),
            Bounds(50_000, 40, in_flight, 0.3),
            self.clock,
        )

    def run(self, scenario: Callable[[Ask], Awaitable[None]]) -> None:
        async def outer() -> None:
            server = TestServer(self.gateway.application())
            await server.start_server(auto_decompress=False)
            async with TestClient(server) as client:

                async def ask(
                    body: Any = b"",
                    path: str = "/v1/feedback",
                    token: str | None = SHOP,
                    kind: str = "application/json",
                    method: str = "POST",
                    **headers: str,
                ) -> tuple[int, Any, ClientResponse]:
                    given = {name.replace("_", "-"): value for name, value in headers.items()}
                    if token is not None:
                        given["Authorization"] = f"Bearer {token}"
                    given["Content-Type"] = kind
                    async with client.request(method, path, data=body, headers=given) as response:
                        return response.status, orjson.loads(await response.read()), response

                await scenario(ask)

        asyncio.run(outer())

    @property
    def values(self) -> list[Any]:
        return [orjson.loads(entry.value) for _, entry, _ in self.memory.records]


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


WITHOUT_ID = {key: value for key, value in GOOD.items() if key != "id"}


def test_a_repeated_key_gives_the_same_answer_and_publishes_once() -> None:
    house = House()
    body = orjson.dumps(WITHOUT_ID)

    async def scenario(ask: Ask) -> None:
        first, second = [await ask(body, Idempotency_Key="order-1") for _ in range(2)]
        assert first[:2] == second[:2]
        assert second[2].headers["Idempotency-Replayed"] == "true"
        assert len(house.values) == 1
        assert house.values[0]["id"] == first[1]["ids"][0]
        other_key = await ask(body, Idempotency_Key="order-2")
        other_sender = await ask(body, Idempotency_Key="order-1", token=LAB)
        assert len({str(answer["ids"]) for _, answer, _ in (first, other_key, other_sender)}) == 3
        status, _, _ = await ask(orjson.dumps({**WITHOUT_ID, "text": "别的"}), Idempotency_Key="order-1")
        assert status == 422

    house.run(scenario)


def test_ids_are_the_same_in_another_process_and_a_day_later() -> None:
    houses, ids = [House(), House()], []

    async def scenario(ask: Ask) -> None:
        for body in (WITHOUT_ID, {**WITHOUT_ID, "id": None}):
            _, answer, _ = await ask(orjson.dumps(body), Idempotency_Key="order-1")
            ids.append(answer["ids"])
            houses[0].clock.advance(KEEP_SECONDS + 1)
            houses[1].clock.advance(KEEP_SECONDS + 1)

    for house in houses:
        house.run(scenario)
        assert [value["id"] for value in house.values] == [ids[0][0]] * 2
    assert ids == [ids[0]] * 4


def test_two_at_once_with_one_key_are_one() -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        house.memory.gate.clear()
        pair = [asyncio.create_task(ask(orjson.dumps(WITHOUT_ID), Idempotency_Key="k")) for _ in range(2)]
        while house.memory.calls < 1 or house.gateway._at_work < 2:
            await asyncio.sleep(0)
        house.memory.gate.set()
        first, second = await asyncio.gather(*pair)
        assert first[:2] == second[:2]
        assert house.memory.calls == 1

    house.run(scenario)


def test_kept_answers_are_bounded_by_their_ids() -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        for number in range(12):
            body = b"\n".join(orjson.dumps({**GOOD, "id": f"{number}-{n}"}) for n in range(10))
            house.clock.advance(60)
            assert (await ask(body, kind="application/x-ndjson", Idempotency_Key=f"k{number}"))[0] == 202
        assert len(house.answers) == 5

    house.run(scenario)


def test_behind_a_proxy() -> None:
    house = House(prefix="/hark")
    said = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "api.example.com"}

    async def scenario(ask: Ask) -> None:
        assert (await ask(orjson.dumps(GOOD)))[0] == 404
        assert (await ask(orjson.dumps(GOOD), path="/hark/v1/feedback"))[0] == 202
        _, answer, _ = await ask(path="/hark/v1/openapi.json", method="GET", **said)
        assert answer["servers"] == [{"url": "https://api.example.com/hark"}]
        _, answer, _ = await ask(
            path="/hark/v1/openapi.json", method="GET", X_Forwarded_Proto="ftp", X_Forwarded_Prefix="/<b>"
        )
        assert answer["servers"] == [{"url": "/hark"}]

    house.run(scenario)


def test_nobody_is_trusted_by_default() -> None:
    proxies = Proxies("", "")
    assert proxies.public_url("127.0.0.1", {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil"}) == ""


@pytest.mark.parametrize(("networks", "prefix"), [("10.0.0.0/99", ""), ("", "hark"), ("", "/a b")])
def test_proxy_settings_that_do_not_parse(networks: str, prefix: str) -> None:
    with pytest.raises(UserError, match="HARK_GATEWAY_"):
        Proxies(networks, prefix)


@pytest.mark.parametrize(
    "text", ["", " , ", "shop", "shop=", "shop=short", f"a b={SHOP}", f"shop={SHOP},shop={LAB}"]
)
def test_token_settings_that_do_not_parse_are_refused_without_quoting(text: str) -> None:
    with pytest.raises(UserError) as problem:
        Tokens.parse(text, lambda: Bucket(1, 1, lambda: 0.0))
    assert SHOP not in str(problem.value)


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


@pytest.mark.parametrize("tokens", ["", "shop=short"])
def test_without_tokens_the_command_says_so_in_one_sentence(
    tokens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARK_GATEWAY_TOKENS", tokens)
    app = typer.Typer()
    app.command()(gateway)
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert result.output.startswith("hark: ")
    assert result.output.count("\n") == 1
