"""The gateway process against the embedded broker: confirmed events, a broker that goes, a gentle stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import aiohttp
import orjson
from broker_world import published

from ops.embedded.broker import EmbeddedBroker
from ops.embedded.process import free_port
from ops.gateway.server import Server
from ops.topic_admin import apply
from streams.settings import Settings
from streams.topics import FEEDBACK_RAW

TOKEN = "a-token-of-the-shop"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}


def config(broker: str, port: int = 0) -> Settings:
    return Settings(
        broker=broker,
        partitions=2,
        gateway_port=port,
        gateway_tokens=f"shop={TOKEN}",
        gateway_confirm_s=2.0,
        gateway_drain_s=5.0,
    )


def event(number: int, size: int = 10) -> bytes:
    return orjson.dumps({"id": f"f-{number}", "channel": "app", "text": "好" * size, "author": f"a{number}"})


async def ready(session: aiohttp.ClientSession, url: str, status: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                async with session.get(f"{url}/readyz") as response:
                    if response.status == status:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)


async def post(session: aiohttp.ClientSession, url: str, body: bytes) -> tuple[int, Any]:
    async with session.post(f"{url}/v1/feedback", data=body, headers=HEADERS) as response:
        return response.status, await response.json()


def test_what_is_confirmed_stands_on_the_topic() -> None:
    async def scenario() -> None:
        async with EmbeddedBroker() as broker, aiohttp.ClientSession() as session:
            settings = config(broker.address)
            await apply(settings)
            server = Server(settings)
            await server.start()
            url = f"http://127.0.0.1:{server.port}"
            await ready(session, url, 200)
            # One value near the largest, to see that it fits a batch.
            body = b"\n".join([*(event(n) for n in range(20)), event(20, 19_000)])
            status, answer = await post(session, url, body)
            assert (status, answer["ids"]) == (202, [f"f-{n}" for n in range(21)])
            records = await published(settings, FEEDBACK_RAW, 21)
            assert {record.key.decode() for record in records} == {f"a{n}" for n in range(21)}
            headers = dict(records[0].headers)
            assert headers["ce_source"] == b"gateway/shop"
            assert headers["ce_type"] == b"hark.feedback.raw"
            await server.stop()

    asyncio.run(scenario())


def test_a_broker_that_is_not_there_at_first_and_goes_later() -> None:
    async def scenario() -> None:
        port = free_port(0, "broker")
        settings = config(f"127.0.0.1:{port}")
        server = Server(settings)
        await server.start()
        url = f"http://127.0.0.1:{server.port}"
        async with aiohttp.ClientSession() as session:
            await ready(session, url, 503)
            assert (await post(session, url, event(1)))[0] == 503
            async with EmbeddedBroker(port) as broker:
                await apply(settings)
                assert broker.address == settings.broker
                await ready(session, url, 200)
                assert (await post(session, url, event(1)))[0] == 202
            status, answer = await post(session, url, event(2))
            assert status == 503
            assert "repeat is harmless" in answer["error"]
            await ready(session, url, 503)
        await server.stop()

    asyncio.run(scenario())


def test_a_request_at_work_is_finished_before_the_process_ends() -> None:
    async def scenario() -> None:
        async with EmbeddedBroker() as broker, aiohttp.ClientSession() as session:
            settings = config(broker.address)
            await apply(settings)
            port = free_port(0, "gateway")
            environment = {
                name: value for name, value in os.environ.items() if not name.startswith("HARK_")
            } | {
                "HARK_BROKER": broker.address,
                "HARK_GATEWAY_TOKENS": f"shop={TOKEN}",
                "HARK_GATEWAY_PORT": str(port),
            }
            command = [sys.executable, "-m", "ops.cli", "gateway"]
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, stderr=asyncio.subprocess.PIPE
            )
            try:
                url = f"http://127.0.0.1:{port}"
                await ready(session, url, 200)
                half = asyncio.Event()

                async def body() -> Any:
                    yield event(1)[:10]
                    half.set()
                    await gone(url)
                    yield event(1)[10:]

                async def gone(url: str) -> None:
                    async with (
                        asyncio.timeout(10),
                        aiohttp.ClientSession(headers={"Connection": "close"}) as other,
                    ):
                        while True:
                            try:
                                async with other.get(f"{url}/healthz"):
                                    pass
                            except aiohttp.ClientConnectionError:
                                return

                request = asyncio.create_task(
                    session.post(f"{url}/v1/feedback", data=body(), headers=HEADERS)
                )
                await half.wait()
                process.send_signal(signal.SIGTERM)
                async with await request as response:
                    assert response.status == 202
                assert await asyncio.wait_for(process.wait(), 15) == 0
                assert len(await published(settings, FEEDBACK_RAW, 1)) == 1
                assert process.stderr is not None
                said = (await process.stderr.read()).decode()
                assert "stopping" in said
                assert TOKEN not in said
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.communicate()

    asyncio.run(scenario())
