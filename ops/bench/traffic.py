"""The demo's mix as a list, and a publisher that keeps to a rate without bursts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from ops.simulator.world import Produced, World
from streams.codec import partition_of
from streams.topics import CUSTOMER_LINKS, FEEDBACK_RAW

DAY_MS = 86_400_000
DAYS = 60
TICK_S = 0.02
_BATCH = 2000


def mix(feedback: int, seed: int = 7, days_ago: int = 0) -> tuple[list[Produced], list[Produced]]:
    """Return what stands before the first day (profiles, links) and what happens in 60 days.

    The last of them ended `days_ago`. Chinese and English, 10 % with personal data, 30 % rated, 2 % copies,
    1 % malformed, and the customers' behaviour between: about one fact a feedback.
    """
    world = World(seed, feedback, int(time.time() * 1000) - (DAYS + days_ago) * DAY_MS, DAYS)
    return list(world.beginning()), [record for day in range(DAYS) for record in world.day(day)]


class Publisher:
    """Appends records in batches and remembers when each feedback was.

    Attributes
    ----------
    sent_ms
        Milliseconds since the epoch at which the append of a feedback was begun, by its id.
    logged
        Records that end in a customer's log or as a dead letter: all but links.
    """

    def __init__(self, producer: AIOKafkaProducer, partitions: int) -> None:
        self._producer = producer
        self._partitions = partitions
        self._round = 0
        self.sent_ms: dict[str, float] = {}
        self.logged = 0
        self.links = 0

    async def all(self, records: Sequence[Produced]) -> None:
        """Append as fast as the broker takes it."""
        for at in range(0, len(records), _BATCH):
            await self._append(records[at : at + _BATCH])

    async def paced(self, records: Sequence[Produced], rate: float) -> int:
        """Append `rate` records a second, a few every 20 ms; returns how many ticks came late by one or more.

        A publisher that falls behind would hide the queueing it should show, so lateness is told.
        """
        began, at, late, waiting = time.monotonic(), 0, 0, set[asyncio.Task[None]]()
        while at < len(records):
            due = int((time.monotonic() - began + TICK_S) * rate)
            if due > at:
                late += due - at > 2 * rate * TICK_S + 1
                waiting.add(asyncio.create_task(self._append(records[at:due])))
                at = due
            await asyncio.sleep(TICK_S)
            for task in [task for task in waiting if task.done()]:
                waiting.discard(task)
                task.result()  # what the broker refused must not pass for what Hark lost
        await asyncio.gather(*waiting)
        return late

    async def _append(self, records: Sequence[Produced]) -> None:
        now_ms = time.time() * 1000
        places: dict[tuple[str, int], list[Produced]] = {}
        for record in records:
            self.links += record.topic == CUSTOMER_LINKS
            self.logged += record.topic != CUSTOMER_LINKS
            if record.topic == FEEDBACK_RAW and record.ident is not None:
                self.sent_ms.setdefault(record.ident, now_ms)
            places.setdefault((record.topic, self._partition(record)), []).append(record)
        waiting: list[Any] = []
        for (topic, partition), group in places.items():
            batch = self._producer.create_batch()
            for record in group:
                if batch.append(key=record.key, value=record.value, timestamp=None) is None:
                    waiting.append(await self._producer.send_batch(batch, topic, partition=partition))
                    batch = self._producer.create_batch()
                    batch.append(key=record.key, value=record.value, timestamp=None)
            waiting.append(await self._producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*waiting)

    def _partition(self, record: Produced) -> int:
        if record.topic == CUSTOMER_LINKS:
            return 0
        if record.key is None:
            self._round += 1
            return self._round % self._partitions
        return partition_of(record.key, self._partitions)
