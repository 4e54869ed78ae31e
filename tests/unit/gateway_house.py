"""A gateway over a publisher in memory, and a client that asks it; shared by the tests of the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from models.clock import VirtualClock
from models.intake import Limits
from ops.gateway.app import Bounds, Gateway
from ops.gateway.body import Entry, Reader
from ops.gateway.idempotency import Answers
from ops.gateway.proxies import Proxies
from ops.gateway.publisher import Unavailable
from ops.gateway.tokens import Bucket, Tokens
from streams.codec import Header

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


WITHOUT_ID = {key: value for key, value in GOOD.items() if key != "id"}
