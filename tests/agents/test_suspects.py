"""A record that ends the process: isolated after three deaths, dead-lettered, and nobody else is blamed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import orjson
import pytest
from aiokafka import TopicPartition
from memory_broker import MemoryBatch, Record, confirmed

from models.clock import VirtualClock
from streams.outbox import Layout, Outbox
from streams.polls import Fetched
from streams.runner import SliceRunner
from streams.state import PartitionState
from streams.step import Slice
from streams.suspects import CLEAN, OPEN, SINGLE, WATCHED, suspicion_of, take_watched
from streams.topics import ALERTS, DEAD_LETTERS

IN, OUT = "in", "out"
LAYOUT = Layout({OUT: 1, ALERTS: 1, DEAD_LETTERS: 1})
LENGTH = 40
MOST_STARTS = 60


class Death(BaseException):
    """The process is gone: nothing after it runs."""


@dataclass
class Cluster:
    """What outlives a process: committed offsets with their words, outputs, states."""

    committed: dict[int, tuple[int, str]] = field(default_factory=dict)
    written: Counter[tuple[str, int]] = field(default_factory=Counter)
    states: dict[int, PartitionState] = field(default_factory=dict)
    dead: list[tuple[int, int]] = field(default_factory=list)
    alerts: int = 0


class Process:
    """One life of a worker: reads on from what is committed, until it dies or has read everything."""

    def __init__(self, cluster: Cluster, poison: set[tuple[int, int]], rng: Random, lives: float) -> None:
        self.cluster, self.poison, self.rng, self.lives = cluster, poison, rng, lives
        self.gone = False
        self.runner = SliceRunner("sample", self, self, LAYOUT, VirtualClock(5.0), self)
        self.turn = asyncio.Lock()

    def open(self, state: PartitionState) -> None:
        """Derive nothing."""

    def rollback(self, state: PartitionState) -> None:
        """Derive nothing."""

    def process(self, piece: Slice, out: Outbox) -> None:
        for record in piece.records:
            if (piece.partition, record.offset) in self.poison:
                self.gone = True
                raise Death
            out.placed(OUT, 0, None, b"%d/%d" % (piece.partition, record.offset))

    async def breathe(self) -> None:
        """Let neighbours run, and die at times of something that is no record's fault."""
        await asyncio.sleep(0)
        if self.gone or self.rng.random() < self.lives:
            self.gone = True
            raise Death

    def create_batch(self, size: int) -> MemoryBatch:
        return MemoryBatch()

    async def send_batch(self, batch: MemoryBatch, topic: str, *, partition: int) -> asyncio.Future[None]:
        await self.breathe()
        for _, value, _ in batch.records:
            assert value is not None
            if topic == OUT:
                place = value.decode().split("/")
                self.cluster.written[place[0], int(place[1])] += 1
            elif topic == DEAD_LETTERS:
                letter = orjson.loads(value)
                self.cluster.dead.append((letter["partition"], letter["offset"]))
            else:
                self.cluster.alerts += 1
        return confirmed()

    async def load(self, partition: int, known: PartitionState | None = None) -> PartitionState:
        state = PartitionState(partition)
        state.marks = dict(self.cluster.states[partition].marks) if partition in self.cluster.states else {}
        return state

    async def write(self, state: PartitionState) -> None:
        await self.breathe()
        kept = PartitionState(state.partition)
        kept.marks = dict(state.marks)
        self.cluster.states[state.partition] = kept

    async def commit(self, partition: int, offset: int, word: str) -> None:
        await self.breathe()
        self.cluster.committed[partition] = (offset, word)

    async def lane(self, partition: int) -> None:
        at, word = self.cluster.committed.get(partition, (0, CLEAN))
        suspicion = suspicion_of(word)
        await self.commit(partition, at, word or OPEN)
        while at < LENGTH:
            size = self.rng.randint(1, 8)
            records = [Record(offset, b"") for offset in range(at, min(LENGTH, at + size))]
            one = Fetched(TopicPartition(IN, partition), records, lambda: None)

            async def note(offset: int, word: str) -> None:
                await self.commit(partition, offset, word)

            if suspicion is None:
                await self.runner.take([one], lambda: True)
            else:
                await take_watched(self.runner, one, lambda: True, suspicion, self.turn, note)
            at = records[-1].offset + 1
            if self.rng.random() < 0.3:
                await self.commit(partition, at, OPEN)

    async def live(self) -> bool:
        """Return whether everything was read."""
        lanes = [asyncio.create_task(self.lane(partition)) for partition in range(3)]
        ends = await asyncio.gather(*lanes, return_exceptions=True)
        for end in ends:
            if end is not None and not isinstance(end, Death):
                raise end
        return not self.gone


def starts_until_done(cluster: Cluster, poison: set[tuple[int, int]], rng: Random, lives: float) -> int:
    for start in range(MOST_STARTS):
        if asyncio.run(Process(cluster, poison, rng, lives).live()):
            return start
    raise AssertionError(f"the stream stands still: {cluster.committed}")


def everything_but(poison: set[tuple[int, int]]) -> set[tuple[str, int]]:
    return {(str(p), n) for p in range(3) for n in range(LENGTH) if (p, n) not in poison}


@pytest.mark.parametrize("seed", range(6))
def test_a_record_that_kills_is_dead_lettered_and_the_rest_goes_on(seed: int) -> None:
    rng, cluster = Random(seed), Cluster()
    poison = {(rng.randrange(3), rng.randrange(LENGTH))}
    deaths = starts_until_done(cluster, poison, rng, 0.0)
    assert set(cluster.dead) == poison
    assert cluster.alerts >= 1
    assert set(cluster.written) == everything_but(poison)
    assert deaths <= 6, "three deaths until records go one by one, two more until it is known which"


@pytest.mark.parametrize("seed", range(6))
def test_deaths_for_other_reasons_make_no_dead_letters(seed: int) -> None:
    """Processes that die every now and then while they wait: brokers, a supervisor, the machine."""
    cluster = Cluster()
    starts_until_done(cluster, set(), Random(seed), 0.02)
    assert cluster.dead == []
    assert set(cluster.written) == everything_but(set())


def words(committed: Mapping[int, tuple[int, str]]) -> set[str]:
    return {word.partition(":")[0] for _, word in committed.values()}


def test_what_dies_while_it_waits_for_brokers_is_not_counted() -> None:
    cluster = Cluster()
    starts_until_done(cluster, set(), Random(3), 0.05)
    assert words(cluster.committed) <= {OPEN}


def test_a_suspicion_ends() -> None:
    """Each watched slice costs two commits, each single record a round trip."""
    one = suspicion_of("slice:2")
    assert one is not None and one.alone
    one.passed(SINGLE - 1, buried=False)
    assert one.alone
    one.passed(1, buried=False)
    assert not one.alone
    for _ in range(WATCHED - 2):
        assert one.left > 0
        one.passed(1, buried=False)
    assert one.left <= 0, "the next slice is not watched"
