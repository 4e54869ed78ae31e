"""One partition of a changelog as Kafka keeps it, and a consumer on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

from aiokafka.errors import KafkaTimeoutError, ProducerFenced
from memory_broker import MemoryBatch

from streams.fence import Claim


@dataclass
class Batch(MemoryBatch):
    """A record batch with the producer state that Kafka's log checks."""

    producer: tuple[int, int, int] | None = None

    def _set_producer_state(self, producer_id: int, epoch: int, sequence: int) -> None:
        self.producer = (producer_id, epoch, sequence)


@dataclass
class Stored:
    offset: int
    key: bytes
    value: bytes | None
    headers: Any


class Log:
    """One partition of a changelog as Kafka keeps it: fenced by epoch, idempotent by sequence, compacted.

    Parameters
    ----------
    fenced
        Whether there are producer epochs.
    expiring
        Whether the coordinator has always forgotten the id by the next takeover, as after
        `transactional.id.expiration.ms`: each owner has a producer id of its own, which fences nobody.
    """

    def __init__(self, fenced: bool, expiring: bool = False) -> None:
        self.fenced = fenced
        self.expiring = expiring
        self.records: list[Stored] = []
        self.next = 0
        self.handed = -1
        self.epochs: dict[int, int] = {}
        self.seen: dict[tuple[int, int, int], int] = {}
        self.answers_lost = 0

    async def take(self, topic: str, partition: int) -> Claim | None:
        if not self.fenced:
            return None
        self.handed += 1
        return Claim(self.handed, 0) if self.expiring else Claim(7, self.handed)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        offset = self._append(batch)
        if self.answers_lost:
            self.answers_lost -= 1
            answer.set_exception(KafkaTimeoutError())
        elif offset is None:
            answer.set_exception(ProducerFenced())
        else:
            answer.set_result(mock.Mock(offset=offset))
        return answer

    def _append(self, batch: Batch) -> int | None:
        if batch.producer is not None:
            producer, epoch, _ = batch.producer
            if epoch < self.epochs.get(producer, -1):
                return None
            self.epochs[producer] = epoch
            if batch.producer in self.seen:
                return self.seen[batch.producer]
            self.seen[batch.producer] = self.next
        first = self.next
        for key, value, headers in batch.records:
            self.records.append(Stored(self.next, key, value, headers))
            self.next += 1
        return first

    def compact(self) -> None:
        """Keep the newest record of each key, of deleted ones none: `delete.retention.ms` is over."""
        newest = {record.key: record.offset for record in self.records}
        self.records = [
            record
            for record in self.records
            if newest[record.key] == record.offset and record.value is not None
        ]

    async def reader(self) -> Reader:
        return Reader(self)


class Reader:
    """A consumer without a group on that one partition."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._at = 0

    def assign(self, places: Sequence[Any]) -> None:
        self._places = places

    async def seek_to_beginning(self, place: Any) -> None:
        self._at = 0

    def seek(self, place: Any, offset: int) -> None:
        self._at = offset

    async def getmany(self, place: Any, timeout_ms: int, max_records: int) -> dict[Any, list[Stored]]:
        found = [record for record in self._log.records if record.offset >= self._at][:3]
        if found:
            self._at = found[-1].offset + 1
        return {place: found}

    async def stop(self) -> None:
        """Nothing to close."""
