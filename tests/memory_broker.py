"""Kafka in memory, as much of it as runners and steps touch: records, batches, a producer, a changelog."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.codec import Header, loads
from streams.state import PartitionState


@dataclass(frozen=True, slots=True)
class Record:
    """A record as aiokafka's consumer gives it, as far as agents look at it."""

    offset: int
    value: bytes | None
    key: bytes | None = b"cust-1"
    timestamp: int = 1_000
    headers: Sequence[Header] = ()


@dataclass(slots=True)
class MemoryBatch:
    """Collects keys, values and headers as aiokafka's batch builder does; it is never full."""

    records: list[tuple[bytes | None, bytes | None, Sequence[Header]]] = field(default_factory=list)

    def append(
        self, *, key: bytes | None, value: bytes | None, timestamp: int | None, headers: Sequence[Header]
    ) -> object:
        self.records.append((key, value, headers))
        return True


def confirmed() -> asyncio.Future[None]:
    """Return the confirmation of a batch that stands in the log."""
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    answer.set_result(None)
    return answer


class Written(NamedTuple):
    """A record that was confirmed."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


class MemoryProducer:
    """Confirms at once and keeps everything in the order it came; `problems` says which topics refuse."""

    def __init__(self) -> None:
        self.written: list[Written] = []
        self.problems: dict[str, Any] = {}

    def create_batch(self, size: int) -> MemoryBatch:
        return MemoryBatch()

    async def send_batch(self, batch: MemoryBatch, topic: str, *, partition: int) -> asyncio.Future[None]:
        if (problem := self.problems.get(topic)) is not None:
            raise problem
        self.written += [Written(topic, partition, *record) for record in batch.records]
        return confirmed()

    def on(self, topic: str) -> list[Written]:
        """Return what stands on a topic."""
        return [row for row in self.written if row.topic == topic]

    def pairs(self, topic: str) -> list[tuple[bytes | None, bytes | None]]:
        """Return keys and values on a topic."""
        return [(row.key, row.value) for row in self.on(topic)]

    def values(self, topic: str) -> list[Any]:
        """Return the decoded values of a topic; tombstones have none."""
        return [loads(row.value) for row in self.on(topic) if row.value is not None]


class MemoryChangelog:
    """Partition states that outlive their worker; a `death` comes before a write is kept."""

    def __init__(self) -> None:
        self.held: dict[int, dict[bytes, bytes]] = {}
        self.marks: dict[int, dict[str, int]] = {}
        self.death: Exception | None = None
        self.writes = 0

    async def load(self, partition: int, known: PartitionState | None = None) -> PartitionState:
        state, held = known or PartitionState(partition), self.held.get(partition, {})
        state.rollback()
        for key in {*held, *dict(state.items())}:
            state.replay(key, held.get(key), 0, 0)
        state.marks = dict(self.marks.get(partition, {}))
        state.begin()
        return state

    async def write(self, state: PartitionState) -> None:
        if self.death is not None:
            raise self.death
        self.writes += 1
        held = self.held.setdefault(state.partition, {})
        for key, value in list(state.changes())[:-1]:
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value
        self.marks[state.partition] = dict(state.marks)
