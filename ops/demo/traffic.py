"""Publishes records and remembers when, so that latency is measured from the append itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from ops.simulator.world import Produced
from streams.codec import partition_of
from streams.topics import CUSTOMER_LINKS, FEEDBACK_RAW

BATCH = 400


class Feeder:
    """Publishes in batches, at most `rate` records a second.

    Attributes
    ----------
    sent_ms
        When each feedback id was appended, milliseconds since the epoch.
    said_ms
        When each feedback id happened, as its event says.
    raw
        Records published to `feedback.raw`.
    logged
        Records published; each ends in the store one way or another.
    """

    def __init__(self, producer: AIOKafkaProducer, partitions: int, rate: float | None = None) -> None:
        self._producer = producer
        self._partitions = partitions
        self._rate = rate
        self._round = 0
        self.sent_ms: dict[str, int] = {}
        self.said_ms: dict[str, int] = {}
        self.raw = 0
        self.logged = 0

    async def publish(self, records: Iterable[Produced]) -> None:
        """Append the records in order and wait for the confirmations."""
        batch: list[Produced] = []
        for record in records:
            batch.append(record)
            if len(batch) >= BATCH:
                await self._append(batch)
                batch = []
        if batch:
            await self._append(batch)

    async def _append(self, records: list[Produced]) -> None:
        began = time.monotonic()
        places: dict[tuple[str, int], list[Produced]] = {}
        for record in records:
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
        now_ms = int(time.time() * 1000)
        for record in records:
            self.logged += 1
            if record.topic == FEEDBACK_RAW:
                self.raw += 1
                if record.ident is not None:
                    at = _moment(orjson.loads(record.value).get("occurred_at"))
                    self.said_ms.setdefault(record.ident, now_ms if at is None else at)
                    self.sent_ms.setdefault(record.ident, now_ms)
        if self._rate:
            await asyncio.sleep(max(0.0, len(records) / self._rate - (time.monotonic() - began)))

    def _partition(self, record: Produced) -> int:
        if record.topic == CUSTOMER_LINKS:
            return 0
        if record.key is None:
            self._round += 1
            return self._round % self._partitions
        return partition_of(record.key, self._partitions)


def _moment(written: Any) -> int | None:
    """Read a time as producers write it: milliseconds, or ISO 8601."""
    if isinstance(written, str):
        try:
            return int(datetime.fromisoformat(written).timestamp() * 1000)
        except ValueError:
            return None
    return written if isinstance(written, int) else None
