"""Learners and clocks under kills: models, work orders and their timers end as if nothing had happened."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

import orjson
import pytest
from aiokafka import TopicPartition
from chaos_arena import SESSION_S, Arena, until
from chaos_oracle import MemoryLog, MemoryRuntime, Oracle
from chaos_play import ROUNDS, SEED, Report
from chaos_traffic import Traffic, by_partition
from chaos_watcher import PARTITIONS
from memory_broker import Record

from models.clock import VirtualClock
from models.scoring.targets import MODELS
from models.snapshot import Snapshot, encode
from models.training import Observer, Trainer
from streams import kafka
from streams.pipeline import build_follow_up
from streams.snapshots import SnapshotShelf
from streams.state import PartitionState
from streams.ticks import TimedRunner
from streams.topics import ACTION_TOPICS, EXAMPLES, OBSERVED, SNAPSHOTS, WORK_ORDERS, state_topic
from streams.whole import read_whole

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_available")]

AGENTS = ("learn", "follow_up")
EVENTS = 600
HOUR_MS = 3_600_000
DRAIN_SECONDS = 90.0
LEARNERS = (*MODELS, Observer.name)
SETTINGS = {
    "HARK_LEARNING": "true",
    "HARK_SLA_CLOCK": "always",
    "HARK_SNAPSHOT_SECONDS": "0.3",
    "HARK_TICK_SECONDS": "0.3",
}

Lesson = tuple[str, int, Record]


class Undisturbed:
    """The same trainers and work orders in memory.

    Work orders are overdue by hours or due in days, so that it does not matter when a timer is looked at.
    """

    def __init__(self, arena: Arena, now_ms: int) -> None:
        self._oracle = Oracle(arena.settings)
        self._traffic = Traffic(SEED, arena.settings.partitions, now_ms)
        self._rng, self._now_ms = Random(SEED), now_ms
        self._taken: dict[tuple[str, int], int] = {}
        self.trainers: dict[int, Trainer | Observer] = {
            number: Trainer(name, True) for number, name in enumerate(MODELS)
        }
        self.trainers[OBSERVED] = Observer()
        self.log = MemoryLog()
        self._run = MemoryRuntime(arena.settings, self.log)
        self._run.clock = VirtualClock(now_ms / 1000.0)
        self._runner = cast(TimedRunner, build_follow_up(self._run)[1])

    async def lessons(self, number: int) -> list[Lesson]:
        """Return the records of a round, as scoring and deciding give them."""
        events = self._traffic.round(number, EVENTS)
        counter = {tp: n for (topic, tp), n in self._taken.items() if topic == "raw"}
        arrived = {}
        for partition, group in by_partition(events).items():
            begin = counter.get(partition, 0)
            arrived[partition] = [
                Record(begin + n, event.value, event.key, event.timestamp) for n, event in enumerate(group)
            ]
            self._taken["raw", partition] = begin + len(group)
        await self._oracle.run("feedback.raw", arrived)
        found: list[Lesson] = []
        for (topic, partition), records in sorted(self._oracle.log.records.items()):
            if topic == EXAMPLES or topic in ACTION_TOPICS:
                begin = self._taken.get((topic, partition), 0)
                self._taken[topic, partition] = len(records)
                found += [(topic, partition, self._dated(topic, record)) for record in records[begin:]]
        return found

    def _dated(self, topic: str, record: Record) -> Record:
        value = record.value
        if topic in ACTION_TOPICS:
            action = orjson.loads(value or b"")
            action["decided_at"] = self._now_ms - 3 * HOUR_MS
            action["deadline"] = self._now_ms + self._rng.choice((-2, -1, 200, 300)) * HOUR_MS
            value = orjson.dumps(action)
        return Record(record.offset, value, record.key, self._now_ms)

    async def take(self, lessons: Sequence[Lesson]) -> None:
        """Learn and follow up what the workers get."""
        for topic, partition, record in lessons:
            if topic == EXAMPLES:
                example = orjson.loads(record.value or b"")
                self.trainers[partition].step(example, record.offset, record.timestamp / 1000.0)
            else:
                await self._runner.run(topic, partition, [record])
        for partition in range(self._run.layout.of(WORK_ORDERS)):
            await self._runner.tick(partition)

    def states(self) -> dict[int, PartitionState]:
        return self._run.memories["follow_up"].states


def containers(trainers: dict[int, Trainer | Observer]) -> dict[str, bytes]:
    return {t.name: encode(Snapshot(t.name, 1, t.offset, 0.0, "", t.state())) for t in trainers.values()}


def essence(state: PartitionState) -> dict[bytes, Any]:
    """Return what a partition's work orders are, without the moments at which timers were looked at."""
    found: dict[bytes, Any] = {}
    for key, value in state.items():
        if key.startswith(b"o:"):
            held = orjson.loads(value)
            found[key] = (held["action"], sorted(held["fired"]), held["derived"], held["changes"])
        elif key.startswith(b"c:"):
            # Kinds of actions are topics of their own: their order among each other is nobody's promise.
            found[key] = sorted(orjson.loads(value))
        else:
            found[key] = value
    return found


class Found:
    """What the workers left on the topics."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena

    async def _reader(self) -> Any:
        consumer = kafka.reader(self._arena.settings, "found")
        await consumer.start()
        return consumer

    async def snapshots(self) -> dict[str, Snapshot]:
        """Return the newest snapshot of each learner."""
        shelf = SnapshotShelf()
        for key, value in await read_whole(self._reader, SNAPSHOTS):
            await shelf.apply(key, value)
        newest = {name: shelf.newest(name) for name in LEARNERS}
        return {name: one for name, one in newest.items() if one is not None}

    async def idents(self, name: str, *topics: str) -> set[str]:
        """Return the ids of what stands on topics."""
        reader = await self._reader()
        try:
            places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
            reader.assign(places)
            await reader.seek_to_beginning()
            ends, found = await reader.end_offsets(places), set[str]()
            while any([await reader.position(place) < ends[place] for place in places]):
                got = await reader.getmany(timeout_ms=300, max_records=5000)
                found |= {orjson.loads(one.value)[name] for records in got.values() for one in records}
            return found
        finally:
            await reader.stop()


async def append(arena: Arena, lessons: Sequence[Lesson]) -> None:
    """Publish in order; who else wrote to these logs would show in the offsets."""
    for topic, partition, record in lessons:
        place = await (
            await arena.producer.send(
                topic, record.value, record.key, partition, timestamp_ms=record.timestamp
            )
        )
        assert topic != EXAMPLES or place.offset == record.offset


async def disturb(arena: Arena, rng: Random) -> str:
    """Kill, terminate or freeze one learner or both in the middle of its work."""
    await asyncio.sleep(rng.random() * 2)
    what = rng.choice(("kill", "kill both", "terminate", "freeze"))
    hit = arena.workers if what == "kill both" else [rng.choice(arena.workers)]
    for worker in hit:
        worker.signal({"terminate": signal.SIGTERM, "freeze": signal.SIGSTOP}.get(what, signal.SIGKILL))
    if what == "freeze":
        await asyncio.sleep(SESSION_S * 1.5)
        for worker in hit:
            worker.signal(signal.SIGCONT)
    return what


async def compare(arena: Arena, right: Undisturbed) -> None:
    """Wait until learners and work orders have come as far, then compare all of it."""
    found = Found(arena)
    ends = {trainer.name: trainer.offset for trainer in right.trainers.values() if trainer.offset >= 0}

    async def learned() -> bool:
        have = await found.snapshots()
        return all(name in have and have[name].offset >= end for name, end in ends.items())

    try:
        await until(f"snapshots reach {ends}", DRAIN_SECONDS, learned, 1.0)
    except AssertionError:
        for worker in arena.workers:
            worker.signal(signal.SIGUSR1)  # tells what it waits for, in its log
        raise
    have = await found.snapshots()
    wanted = containers(right.trainers)
    for name in ends:
        one = have[name]
        assert encode(Snapshot(name, 1, one.offset, 0.0, "", one.state)) == wanted[name], f"{name} differs"
    follow = state_topic("follow_up")

    def followed() -> bool:
        arena.watcher.check()
        states = arena.watcher.states
        return all(
            (follow, partition) in states and essence(states[follow, partition]) == essence(state)
            for partition, state in right.states().items()
        )

    await until("work orders and their timers are equal", DRAIN_SECONDS, followed, 0.5)
    changes = {one["change_id"]: one for one in map(orjson.loads, right.log.values(WORK_ORDERS))}
    there = await found.idents("change_id", WORK_ORDERS)
    lost = [changes[ident] for ident in changes.keys() - there]
    assert not lost, f"{len(lost)} of {len(changes)} changes lost: {lost[:3]}"
    assert there == changes.keys(), "changes nobody made"
    sent = {orjson.loads(value)["action_id"] for value in right.log.values(*ACTION_TOPICS)}
    assert sent <= await found.idents("action_id", *ACTION_TOPICS)


def test_models_and_timers_end_as_if_undisturbed(tmp_path: Path, chaos_report: Report) -> None:
    """A round of ten, at least two."""

    async def run() -> None:
        async with Arena(tmp_path, settings=SETTINGS, watched=("follow_up",)) as arena:
            rng, right = Random(SEED), Undisturbed(arena, int(time.time() * 1000))
            await asyncio.gather(*(arena.add(f"w{n}", AGENTS, static=n == 1) for n in (1, 2)))
            for number in range(max(2, ROUNDS // 10)):
                began = time.monotonic()
                lessons = await right.lessons(number)
                incident = asyncio.create_task(disturb(arena, rng))
                for begin in range(0, len(lessons), 200):
                    await append(arena, lessons[begin : begin + 200])
                    await asyncio.sleep(rng.random() * 0.5)
                await right.take(lessons)
                what = await incident
                await compare(arena, right)
                ends, faults = arena.ends.told()
                chaos_report(
                    f"round {number} ({what}): {len(lessons)} examples and actions, "
                    f"{time.monotonic() - began:.1f} s in all; ends: {ends}"
                )
                assert not faults, f"round {number} ({what}): no incident explains that {faults}"
            assert arena.watcher.stale == 0, "the log took state from a worker that had lost the partition"

    asyncio.run(run())
