"""Requests made from the gateway's own OpenAPI document, good and bad, answered as the document says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import schemathesis
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation.modes import GenerationMode

from models.clock import VirtualClock
from models.intake import Limits
from ops.gateway.app import Bounds, Gateway
from ops.gateway.body import Reader
from ops.gateway.idempotency import Answers
from ops.gateway.openapi import document
from ops.gateway.proxies import Proxies
from ops.gateway.tokens import Bucket, Tokens

TOKEN = "a-token-of-the-shop"
REQUESTS = 40


class Always:
    """A publisher that confirms."""

    problem = ""
    ready = True

    async def publish(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the gateway on loopback, in a loop of its own."""
    clock = VirtualClock(1_790_000_000)
    gateway = Gateway(
        Tokens.parse(f"shop={TOKEN}", lambda: Bucket(1e6, 1_000_000, clock.now)),
        Reader(Limits(max_bytes=20_000)),
        Always(),
        Answers(5000, clock.now),
        Proxies("127.0.0.0/8", ""),
        Bounds(50_000, 40, 8, 5.0),
        clock,
    )
    loop = asyncio.new_event_loop()
    server = TestServer(gateway.application())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start_server(), loop).result(10)
        yield f"http://127.0.0.1:{server.port}"
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def operations(mode: GenerationMode) -> list[st.SearchStrategy[schemathesis.Case]]:
    schema = schemathesis.openapi.from_dict(document(version("hark"), "", 50_000, 40))
    return [found.ok().as_strategy(generation_mode=mode) for found in schema.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_one_the_document_names(address: str, mode: GenerationMode) -> None:
    seen: set[int] = set()

    @settings(max_examples=REQUESTS, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(case=st.one_of(operations(mode)))
    def ask(case: schemathesis.Case) -> None:
        response = case.call(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"})
        seen.add(response.status_code)
        case.validate_response(
            response,
            checks=[
                schemathesis.checks.not_a_server_error,
                schemathesis.specs.openapi.checks.status_code_conformance,
                schemathesis.specs.openapi.checks.content_type_conformance,
                schemathesis.specs.openapi.checks.response_schema_conformance,
            ],
        )

    ask()
    assert (202 if mode is GenerationMode.POSITIVE else 400) in seen, seen
