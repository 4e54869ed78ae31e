"""A worker serves a new snapshot within five seconds of its being written, on a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from models.clock import VirtualClock
from models.scoring.model_set import ModelSet
from models.scoring.targets import SENTIMENT
from models.snapshot import Snapshot, encode
from models.snapshot_parts import part_key, split
from models.training import Trainer
from streams.broadcast import POLL_MS, Broadcast
from streams.settings import Settings
from streams.snapshots import SnapshotShelf
from streams.topics import SNAPSHOTS

PICK_UP_S = 5.0
PLACE = TopicPartition(SNAPSHOTS, 0)


@dataclass
class Reader:
    """An aiokafka consumer over records with times of writing; a poll without any takes its whole wait."""

    clock: VirtualClock
    written: list[tuple[float, bytes, bytes]]
    at: int = 0
    polled: asyncio.Event = field(default_factory=asyncio.Event)

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assign(self, places: list[TopicPartition]) -> None:
        assert places == [PLACE]

    async def seek_to_beginning(self) -> None:
        self.at = 0

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        await asyncio.sleep(0)  # lets the test look; the clock is virtual, nothing is waited for
        self.polled.set()
        due = [row for row in self.written[self.at : self.at + max_records] if row[0] <= self.clock.now()]
        self.at += len(due)
        if not due:
            self.clock.advance(timeout_ms / 1000.0)
            return {}
        return {PLACE: [SimpleNamespace(key=key, value=value) for _, key, value in due]}

    async def stop(self) -> None:
        return None


def snapshot(version: int, at: float) -> Iterator[tuple[float, bytes, bytes]]:
    """Yield the records of a snapshot, its parts a second apart, as a slow producer would write them."""
    data = encode(Snapshot(SENTIMENT, version, version, at, "", Trainer(SENTIMENT).state()))
    pieces = list(split(data, max(1, len(data) // 3)))
    assert len(pieces) > 2
    for number, piece in enumerate(pieces):
        written = at + 0.5 * number
        yield written, part_key(SENTIMENT, "AB"[version % 2], number).encode(), piece


def test_every_worker_serves_a_new_snapshot_within_five_seconds_of_its_last_record() -> None:
    async def scenario() -> None:
        clock = VirtualClock(1000.0)
        log = [row for version in range(1, 5) for row in snapshot(version, 1000.0 + 40.0 * (version - 1))]
        shelf, served = SnapshotShelf(), {}
        workers = [ModelSet(), ModelSet()]
        shelf.sets.extend(workers)
        reader = Reader(clock, log)

        async def open_reader() -> Reader:
            return reader

        broadcast = Broadcast(open_reader, {SNAPSHOTS: shelf.apply})
        await broadcast.start()
        while len(served) < 4:
            reader.polled.clear()
            await reader.polled.wait()
            assert clock.now() < 1300.0, f"only {sorted(served)} were ever served"
            versions = {models.versions()[SENTIMENT] for models in workers}
            for version in versions - {0}:
                served.setdefault(version, clock.now())
        await broadcast.stop()
        for version, at in served.items():
            last = max(written for written, key, _ in log if written < 1000.0 + 40.0 * version)
            assert 0.0 <= at - last <= PICK_UP_S

    asyncio.run(scenario())


def test_learning_to_serving_stays_within_five_seconds_with_the_shipped_settings() -> None:
    """A learner writes every 2 s, a worker looks every 0.3 s; the rest is for the broker and the network."""
    shortest = Settings().snapshot_seconds
    assert Trainer.pause == 0.0  # models that score wait for nothing else
    assert shortest + 2 * POLL_MS / 1000.0 <= PICK_UP_S - 2.0
