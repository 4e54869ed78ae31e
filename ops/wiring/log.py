"""Small topics from the command line: read whole, or written to and confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer

from streams import kafka
from streams.outbox import Layout, Outbox
from streams.settings import Settings
from streams.whole import Records, read_whole

ROLE = "cli"


def read(
    settings: Settings, topic: str, wanted: Callable[[bytes | None], bool] = lambda key: True
) -> Records:
    """Return (key, value) of every record still in a topic."""
    (records,) = read_together(settings, (topic,), wanted)
    return records


def read_together(
    settings: Settings, topics: Sequence[str], wanted: Callable[[bytes | None], bool] = lambda key: True
) -> list[Records]:
    """Return what `read` does of each topic; the waits for silence at their ends are one."""

    async def opened() -> AIOKafkaConsumer:
        consumer = kafka.reader(settings, ROLE)
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        return consumer

    async def read_all() -> list[Records]:
        return await asyncio.gather(*(read_whole(opened, topic, wanted) for topic in topics))

    return asyncio.run(read_all())


def send(settings: Settings, fill: Callable[[Outbox], None]) -> None:
    """Write what `fill` puts into an outbox, each record placed, and return once it is confirmed."""

    async def deliver() -> None:
        out = Outbox(Layout({}))
        fill(out)
        producer = kafka.producer(settings, ROLE)
        try:
            await producer.start()
            await out.send(kafka.BatchWriter(producer, settings))
        finally:
            await producer.stop()

    asyncio.run(deliver())
