"""A worker started before everything it needs waits for each part by name; its end is bounded."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from ops.embedded.broker import EmbeddedBroker
from ops.embedded.process import Child, free_port
from ops.embedded.store import EmbeddedStore
from ops.topic_admin import apply
from sinks.clickhouse.client import connect
from sinks.clickhouse.schema import Schema
from streams.settings import Settings
from streams.worker import STOP_SECONDS

SECONDS = 120.0


def migrate(url: str) -> None:
    client = connect(url)
    try:
        Schema(client, "hark").migrate()
    finally:
        client.close()


def test_any_order_of_starting_and_an_end_in_time_though_the_store_is_gone(tmp_path: Path) -> None:
    async def run() -> None:
        broker = EmbeddedBroker(free_port(0, "broker"), tmp_path)
        store = EmbeddedStore(tmp_path / "store", free_port(0, "store"))
        values = {
            "HARK_BROKER": f"127.0.0.1:{broker._wanted}",
            "HARK_CLICKHOUSE_URL": f"http://127.0.0.1:{store._wanted}",
            "HARK_PARTITIONS": "2",
        }
        settings = Settings.model_validate({k.removeprefix("HARK_").lower(): v for k, v in values.items()})
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("HARK_")}, **values}
        command = [sys.executable, "-m", "ops.cli", "worker", "--agent", "archive"]
        worker = Child("worker", command, tmp_path / "worker.log", environment=environment, grace=1.0)

        async def says(words: str) -> None:
            async def said() -> bool:
                return words in worker.log.read_text(errors="replace")

            await worker.ready(said, SECONDS, 0.05)

        try:
            await worker.start()
            await says("waiting for Kafka at")
            await broker.start()
            await says("waiting for topics: ")
            await apply(settings)
            await says("ClickHouse does not answer; waiting for it")
            await store.start()
            await says("waiting for the store: ClickHouse refused: the database is missing: run `hark store")
            await asyncio.to_thread(migrate, store.url)
            await says("all agents are assigned")
            await store.stop()
            assert worker.pid is not None
            began = time.monotonic()
            os.kill(worker.pid, signal.SIGTERM)
            assert await asyncio.wait_for(worker.wait(), STOP_SECONDS + 10) == 0
            assert time.monotonic() - began < STOP_SECONDS
        finally:
            await worker.stop()
            await store.stop()
            await broker.stop()

    asyncio.run(run())
