"""A running broker with Hark's topics, and what stands on them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import TopicPartition

from ops.embedded.broker import EmbeddedBroker
from ops.topic_admin import apply
from streams import kafka
from streams.settings import Settings


@contextmanager
def running_broker(partitions: int) -> Iterator[Settings]:
    """Yield the settings of a running embedded broker with all topics."""
    with asyncio.Runner() as runner:
        broker = EmbeddedBroker()
        runner.run(broker.start())
        try:
            settings = Settings(broker=broker.address, partitions=partitions)
            runner.run(apply(settings))
            yield settings
        finally:
            runner.run(broker.stop())


async def published(settings: Settings, topic: str, count: int) -> list[Any]:
    """Return the records of a topic from its beginning, as soon as there are `count`."""
    consumer = kafka.reader(settings, "test")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(settings.partitions)])
        await consumer.seek_to_beginning()
        found: list[Any] = []
        async with asyncio.timeout(20):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
        return found
    finally:
        await consumer.stop()
