"""The gateway's producer: one whose task has ended is replaced, however well the brokers are."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from ops.gateway.publisher import Publisher
from streams.outbox import BatchProducer


class Producer:
    """A producer whose sender ends when told to."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.stopped = False
        self._sender: Any = None
        found = SimpleNamespace(topics=lambda: ["feedback.raw"], partitions_for_topic=lambda topic: {0})

        async def metadata() -> Any:
            return found

        self.client = SimpleNamespace(_sync_task=None, fetch_all_metadata=metadata)

    async def start(self) -> None:
        self._sender = SimpleNamespace(sender_task=asyncio.create_task(self.end.wait()))

    async def stop(self) -> None:
        self.stopped = True
        self.end.set()
        await self._sender.sender_task


def test_a_producer_whose_sender_has_ended_is_replaced() -> None:
    async def run() -> None:
        made: list[Producer] = []

        def producer() -> Producer:
            made.append(Producer())
            return made[-1]

        def writer(found: Any) -> BatchProducer:
            return cast(BatchProducer, found)

        publisher = Publisher(producer, writer, ["feedback.raw"], 5.0, lambda: 0.0)
        await publisher._connect()
        await publisher._connect()
        assert len(made) == 1
        made[0].end.set()
        await made[0]._sender.sender_task
        await publisher._connect()
        assert (len(made), made[0].stopped) == (2, True)
        await publisher.stop()

    asyncio.run(run())
