"""Partition state and its changelog under random histories of owners, against a plain model."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, cast
from unittest import mock

import pytest
from changelog_partition import Batch, Log
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from streams import state as state_module
from streams.polls import PartitionLost
from streams.state import KafkaChangelog, PartitionState

T = TypeVar("T")
KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
WORKERS = st.sampled_from([0, 1, 2])
CHANGES = st.dictionaries(KEYS, st.none() | st.binary(min_size=1, max_size=3), max_size=4)


class Ownership(RuleBasedStateMachine):
    """Workers take a partition over, write, wake as zombies; the log is compacted and answers get lost.

    Whoever takes over must find exactly what the rightful owners had confirmed.
    """

    FENCED, EXPIRING = True, False

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.log = Log(self.FENCED or self.EXPIRING, self.EXPIRING)
        self.changelogs = [
            KafkaChangelog(
                "state.sample",
                cast(Any, self.log),
                self.log.reader,
                lambda size: Batch(),
                cast(Any, self.log),
            )
            for _ in range(3)
        ]
        self.stale = False
        self.held: dict[int, PartitionState] = {}
        self.owner: int | None = None
        self.values: dict[bytes, bytes] = {}
        self.marks: dict[str, int] = {}
        self.patience = mock.patch.object(state_module, "FIRST_PAUSE_S", 0.0)
        self.patience.start()

    def teardown(self) -> None:
        self.patience.stop()
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @rule(worker=WORKERS, remembers=st.booleans())
    def take_over(self, worker: int, remembers: bool) -> None:
        """Give the partition to a worker, which may still know it from before."""
        known = self.held.get(worker) if remembers else None
        state = self.run(self.changelogs[worker].load(0, known))
        self.held[worker], self.owner, self.stale = state, worker, False
        assert dict(state.items()) == self.values
        assert state.marks == self.marks

    @precondition(lambda self: self.owner is not None)
    @rule(changes=CHANGES, steps=st.integers(1, 5))
    def write_slice(self, changes: dict[bytes, bytes | None], steps: int) -> None:
        """Let the rightful owner finish a slice."""
        assert self.owner is not None
        self.note(changes, steps)
        try:
            self.write(self.owner, changes, dict(self.marks))
        except PartitionLost:
            # Only where nothing but offsets fence: somebody wrote in between, so the owner must look again.
            assert not self.FENCED
            self.owner = None

    def note(self, changes: dict[bytes, bytes | None], steps: int) -> None:
        self.marks = {**self.marks, "in": self.marks.get("in", -1) + steps}
        for key, value in changes.items():
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value

    def write(self, worker: int, changes: dict[bytes, bytes | None], marks: dict[str, int]) -> None:
        state = self.held[worker]
        state.begin()
        for key, value in changes.items():
            state.delete(key) if value is None else state.put(key, value)
        state.marks = marks
        try:
            self.run(self.changelogs[worker].write(state))
        except PartitionLost:
            del self.held[worker]
            raise
        state.commit()

    @rule(worker=WORKERS, changes=CHANGES)
    def wake_a_zombie(self, worker: int, changes: dict[bytes, bytes | None]) -> None:
        """Let a worker write that has lost the partition without knowing."""
        if worker == self.owner or worker not in self.held or self.owner is None:
            return
        before = len(self.log.records)
        try:
            self.write(worker, changes, {"in": 999})
        except PartitionLost:
            self.stale = self.stale or len(self.log.records) > before
            assert not (self.stale and self.FENCED)
            return
        raise AssertionError("a worker that had lost the partition wrote to it and was not told")

    @precondition(lambda self: self.owner is not None)
    @rule(changes=CHANGES)
    def roll_back(self, changes: dict[bytes, bytes | None]) -> None:
        """Fail a slice before it is written."""
        assert self.owner is not None
        state = self.held[self.owner]
        state.begin()
        for key, value in changes.items():
            state.delete(key) if value is None else state.put(key, value)
            assert state.get(key) == value
        state.marks["in"] = 12345
        state.rollback()
        assert dict(state.items()) == self.values
        assert state.marks == self.marks

    @precondition(lambda self: not self.stale)
    @rule()
    def compact(self) -> None:
        """Clean the topic as a broker does; a zombie's record is ignored, and mended, by then."""
        self.log.compact()

    @precondition(lambda self: self.FENCED)
    @rule(times=st.integers(1, 2))
    def lose_answers(self, times: int) -> None:
        """Let the next writes stand in the log and nobody hear of it."""
        self.log.answers_lost = times


class OwnershipByOffsets(Ownership):
    """The same without producer epochs: a zombie's records stand in the log and are ignored."""

    FENCED = False


class OwnershipByExpiredEpochs(OwnershipByOffsets):
    """The same where the broker forgot the producer's id between two takeovers, so epochs fence nobody."""

    EXPIRING = True


async def write(changelog: KafkaChangelog, state: PartitionState, key: bytes, value: bytes | None) -> None:
    state.delete(key) if value is None else state.put(key, value)
    await changelog.write(state)
    state.commit()


def two_on(log: Log) -> tuple[KafkaChangelog, KafkaChangelog]:
    made = (cast(Any, log), log.reader, lambda size: Batch(), cast(Any, log))
    return KafkaChangelog("state.sample", *made), KafkaChangelog("state.sample", *made)


def test_what_another_owner_deleted_stays_deleted_when_compaction_took_the_tombstone() -> None:
    """A worker that was cut off for longer than tombstones stay must not go on from what it held."""

    async def run() -> None:
        isolated, owner = two_on(log := Log(fenced=True))
        known = await isolated.load(0)
        await write(isolated, known, b"person", b"name")
        await write(owner, await owner.load(0), b"person", None)
        log.compact()
        back = await isolated.load(0, known)
        assert list(back.items()) == []

    asyncio.run(run())


def test_the_owner_after_a_zombie_writes_what_compaction_would_lose_to_it() -> None:
    async def run() -> None:
        zombie, owner = two_on(log := Log(fenced=False))
        stale = await zombie.load(0)
        await write(owner, await owner.load(0), b"k", b"right")
        with pytest.raises(PartitionLost):
            await write(zombie, stale, b"k", b"stale")
        await owner.load(0)
        log.compact()
        found = await zombie.load(0)
        assert dict(found.items()) == {b"k": b"right"}

    asyncio.run(run())


TestOwnership = Ownership.TestCase
TestOwnershipByOffsets = OwnershipByOffsets.TestCase
TestOwnershipByExpiredEpochs = OwnershipByExpiredEpochs.TestCase
TestOwnership.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestOwnershipByOffsets.settings = TestOwnership.settings
TestOwnershipByExpiredEpochs.settings = TestOwnership.settings
