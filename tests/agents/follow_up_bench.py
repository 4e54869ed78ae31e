"""The follow_up agent on virtual time, over a broker in memory; shared by the tests of the agent."""

from __future__ import annotations

from typing import Any

from follow_up_world import NOW, desk
from memory_broker import MemoryChangelog, MemoryProducer, Record

from models.clock import VirtualClock
from models.follow_up import Follower
from streams.agents.follow_up import FollowUpStep
from streams.codec import dumps, loads
from streams.outbox import Layout
from streams.ticks import TimedRunner
from streams.topics import CATALOG

START = NOW / 1000


class Bench:
    """An agent on virtual time; `restart` makes a new process on the same changelog."""

    def __init__(self, *, most: int = 1000) -> None:
        self.always = False
        self.clock, self.producer, self.log = VirtualClock(START), MemoryProducer(), MemoryChangelog()
        self.most = most
        self.offsets: dict[str, int] = {}
        self.restart()

    def restart(self) -> None:
        step = FollowUpStep(Follower(desk(always=self.always)), self.clock, self.most)
        layout = Layout({topic.name: 1 for topic in CATALOG})
        self.runner = TimedRunner("follow_up", step, self.producer, layout, self.clock, self.log)
        self.runner.assigned({0})

    async def read(self, topic: str, *values: dict[str, Any] | bytes, key: bytes = b"cust-1") -> None:
        at = int(self.clock.now() * 1000)
        records = []
        for value in values:
            offset = self.offsets[topic] = self.offsets.get(topic, -1) + 1
            records.append(Record(offset, value if isinstance(value, bytes) else dumps(value), key, at))
        await self.runner.run(topic, 0, records)

    async def wait(self, hours: float) -> None:
        self.clock.advance(hours * 3600)
        await self.runner.tick(0)

    def of(self, topic: str) -> list[dict[str, Any]]:
        return self.producer.values(topic)

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        """Return topic and value of everything written, in order."""
        return [(row.topic, loads(row.value)) for row in self.producer.written if row.value is not None]

    def changes(self) -> list[str]:
        return [row["change"] for row in self.of("work.orders")]


def status(word: str, ident: str = "a1", at: int = NOW + 1000, **more: Any) -> dict[str, Any]:
    return {
        "action_id": ident,
        "customer_id": "cust-1",
        "status": word,
        "by": "desk",
        "occurred_at": at,
    } | more


def complaint(ident: str, topic: str, at: int) -> dict[str, Any]:
    return {
        "event": "feedback", "feedback_id": ident, "customer_id": "cust-1", "occurred_at": at,
        "scores": {"kind": "complaint", "topics": [topic]},
    }  # fmt: skip
