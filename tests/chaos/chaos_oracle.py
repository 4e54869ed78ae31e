"""The undisturbed run: the same agents on the same input, in memory, in order, without any incident."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from aiokafka import AIOKafkaProducer
from memory_broker import MemoryBatch, Record, confirmed

from models.clock import VirtualClock
from streams.kafka import BatchWriter
from streams.outbox import Layout
from streams.pipeline import AGENTS
from streams.runner import SliceRunner
from streams.runtime import Runtime
from streams.settings import Settings
from streams.state import KafkaChangelog, PartitionState
from streams.topics import CATALOG, partitions_of

SLICE = 400
CHAIN = ("intake", "score", "decide")


@dataclass
class MemoryLog:
    """A broker that is never away: appends, confirms, remembers."""

    records: dict[tuple[str, int], list[Record]] = field(default_factory=dict)

    def create_batch(self, size: int) -> MemoryBatch:
        return MemoryBatch()

    async def send_batch(self, batch: MemoryBatch, topic: str, *, partition: int) -> asyncio.Future[None]:
        log = self.records.setdefault((topic, partition), [])
        for key, value, _ in batch.records:
            log.append(Record(len(log), value, key, 0))
        return confirmed()

    def values(self, *topics: str) -> list[bytes]:
        """Return all values of some topics."""
        return [r.value for (name, _), log in self.records.items() if name in topics for r in log if r.value]


class KeptStates:
    """Partition state that nobody else ever takes over."""

    def __init__(self) -> None:
        self.states: dict[int, PartitionState] = {}

    async def load(self, partition: int, known: PartitionState | None = None) -> PartitionState:
        return self.states.setdefault(partition, known or PartitionState(partition))

    async def write(self, state: PartitionState) -> None:
        """Nothing to do: the runner commits into the very object kept here."""


class MemoryRuntime(Runtime):
    """A runtime that writes to a memory and keeps state in one; its broadcast topics stay empty."""

    def __init__(self, settings: Settings, log: MemoryLog) -> None:
        super().__init__(settings, VirtualClock(0.0), "oracle", cast(AIOKafkaProducer, log))
        self.batches = cast(BatchWriter, log)
        self.layout = Layout({topic.name: partitions_of(topic, settings.partitions) for topic in CATALOG})
        self.memories: dict[str, KeptStates] = {}

    def changelog(self, agent: str) -> KafkaChangelog:
        """Return the memory of an agent's partition state."""
        return cast(KafkaChangelog, self.memories.setdefault(agent, KeptStates()))


class Oracle:
    """What must come out, event by event.

    Parameters
    ----------
    settings
        Those of the workers: same keys, same partitions, learning off.
    """

    def __init__(self, settings: Settings) -> None:
        self.log = MemoryLog()
        self._run = MemoryRuntime(settings, self.log)
        self._runners: list[tuple[Sequence[str], SliceRunner]] = []
        for agent in CHAIN:
            topics, handler = AGENTS[agent](self._run)
            self._runners.append((topics, cast(SliceRunner, handler)))
        self._done: dict[tuple[str, int], int] = {}

    def states(self, agent: str) -> Mapping[int, PartitionState]:
        """Return the states of an agent by partition."""
        return self._run.memories[agent].states

    async def run(self, topic: str, arrived: Mapping[int, Sequence[Record]]) -> None:
        """Let records of an input topic go through the whole chain.

        Parameters
        ----------
        arrived
            New records by partition, with the offsets the real broker gave them.
        """
        for partition in sorted(arrived):
            await self._pieces(self._runners[0][1], topic, partition, arrived[partition])
        for topics, runner in self._runners[1:]:
            for name in topics:
                for partition in range(self._run.layout.of(name)):
                    log = self.log.records.get((name, partition), [])
                    begin = self._done.get((name, partition), 0)
                    self._done[name, partition] = len(log)
                    await self._pieces(runner, name, partition, log[begin:])

    async def _pieces(
        self, runner: SliceRunner, topic: str, partition: int, records: Sequence[Record]
    ) -> None:
        for begin in range(0, len(records), SLICE):
            await runner.run(topic, partition, records[begin : begin + SLICE])
