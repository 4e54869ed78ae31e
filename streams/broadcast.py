"""Topics every process reads whole: rules, model snapshots, identity links.

No consumer group: each process assigns itself all partitions, reads from the beginning at start
and follows from there, so that a change reaches every worker within a second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.vital import Vital, failed, of_consumer

log = logging.getLogger(__name__)

QUIET_POLLS = 2
POLL_MS = 300

CUT_OFF_S = 6 * 3600.0
"""Without a word from the brokers for longer, all is read again: what was deleted meanwhile, a rule or a
consent, may be gone from the topic without a trace after a day (`delete.retention.ms`)."""


class CutOff(RuntimeError):
    """No broker has answered for hours."""


Handler = Callable[[bytes | None, bytes | None], Awaitable[None] | None]
"""Called with key and value of each record, and awaited if need be; must not raise on bad content."""


class Broadcast:
    """Follows compacted topics from their beginning.

    Parameters
    ----------
    open_reader
        Makes a started aiokafka consumer without a group.
    handlers
        What to do with the records of each topic.
    """

    def __init__(self, open_reader: Callable[[], Any], handlers: dict[str, Handler]) -> None:
        self._open_reader = open_reader
        self._handlers = handlers
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read what there is, then go on in the background."""
        if not self._handlers:
            return
        self._consumer = await self._open_reader()
        self._consumer.assign(await self._places())
        await self._consumer.seek_to_beginning()
        quiet = 0
        # End offsets are not trusted (Tansu); two quiet polls mean the beginning has been read.
        while quiet < QUIET_POLLS:
            quiet = 0 if await self._poll() else quiet + 1
        self._task = asyncio.create_task(self._follow(), name="broadcast")

    def vital(self) -> Iterator[Vital]:
        """Yield the tasks without which rules and models would stay as they are, unnoticed."""
        if self._consumer is not None:
            yield "what follows rules and models", self._task
            yield from of_consumer("the broadcast", self._consumer)
            if time.time() - self._consumer._client.cluster._last_successful_refresh_ms / 1000 > CUT_OFF_S:
                yield "contact with the brokers", failed(CutOff())

    async def stop(self) -> None:
        """Stop following and close the consumer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    async def _places(self) -> list[TopicPartition]:
        assert self._consumer is not None
        places: list[TopicPartition] = []
        for topic in self._handlers:
            partitions: Iterable[int] = self._consumer.partitions_for_topic(topic) or {0}
            places += [TopicPartition(topic, partition) for partition in sorted(partitions)]
        return places

    async def _follow(self) -> None:
        while True:
            await self._poll()

    async def _poll(self) -> int:
        assert self._consumer is not None
        got = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=5000)
        count = 0
        for place, records in got.items():
            handler = self._handlers[place.topic]
            for record in records:
                if (work := handler(record.key, record.value)) is not None:
                    await work
            count += len(records)
        return count
