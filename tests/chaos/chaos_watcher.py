"""Reads state changelogs and action topics as they grow."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams import kafka
from streams.settings import Settings
from streams.state import FENCE, PartitionState
from streams.topics import ACTION_TOPICS, state_topic

PARTITIONS = 4


class Watcher:
    """Reads state changelogs and action topics as they grow."""

    def __init__(self, settings: Settings, agents: Sequence[str]) -> None:
        self._settings = settings
        self._agents = agents
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None
        self.states: dict[tuple[str, int], PartitionState] = {}
        self._fences: dict[tuple[str, int], int] = {}
        self.stale = 0
        self.actions: Counter[tuple[str, str]] = Counter()

    async def start(self) -> None:
        """Begin at the beginning."""
        consumer = self._consumer = kafka.reader(self._settings, "watcher")
        await consumer.start()
        topics = (*(state_topic(agent) for agent in self._agents), *ACTION_TOPICS)
        consumer.assign([TopicPartition(topic, p) for topic in topics for p in range(PARTITIONS)])
        await consumer.seek_to_beginning()
        self._task = asyncio.create_task(self._follow(), name="watcher")

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    async def appended(self, topic: str) -> int:
        """Return how many records a topic has got so far."""
        assert self._consumer is not None
        ends = await self._consumer.end_offsets([TopicPartition(topic, p) for p in range(PARTITIONS)])
        return sum(ends.values())

    def check(self) -> None:
        """Pass on what made the reading fail."""
        if self._task is not None and self._task.done():
            self._task.result()

    def reached(self, agent: str, topic: str, last: dict[int, int]) -> bool:
        """Tell whether an agent's state contains an input topic up to these offsets."""
        marks: dict[str, int] = {}
        for (name, _), state in self.states.items():
            if name == state_topic(agent):
                for source, offset in state.marks.items():
                    marks[source] = max(offset, marks.get(source, -1))
        return all(marks.get(f"<{topic}/{partition}", -1) >= offset for partition, offset in last.items())

    async def _follow(self) -> None:
        assert self._consumer is not None
        while True:
            got = await self._consumer.getmany(timeout_ms=200, max_records=20_000)
            for place, records in got.items():
                for record in records:
                    if place.topic in ACTION_TOPICS:
                        action = orjson.loads(record.value)
                        self.actions[action["action_id"], action["customer_id"]] += 1
                    else:
                        self._replay((place.topic, place.partition), record)

    def _replay(self, place: tuple[str, int], record: Any) -> None:
        state = self.states.setdefault(place, PartitionState(place[1]))
        if record.key.startswith(FENCE):
            self._fences[place] = record.offset
            return
        epoch = int(dict(record.headers)["e"])
        self.stale += not state.replay(record.key, record.value, epoch, self._fences.get(place, -1))
