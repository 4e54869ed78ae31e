"""Partition state, its changelog, repeats and floods under random histories, against plain models."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from unittest import mock

from aiokafka.errors import KafkaTimeoutError, ProducerFenced
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from streams import outbox as outbox_module
from streams import state as state_module
from streams.dead_letters import FloodGuard
from streams.fence import Claim
from streams.origin import OriginFence
from streams.outbox import Layout, Outbox
from streams.polls import PartitionLost
from streams.state import KafkaChangelog, PartitionState

T = TypeVar("T")
KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
WORKERS = st.sampled_from([0, 1, 2])
CHANGES = st.dictionaries(KEYS, st.none() | st.binary(min_size=1, max_size=3), max_size=4)


@dataclass
class Batch:
    """A record batch with the producer state that Kafka's log checks."""

    records: list[tuple[bytes, bytes | None, Any]] = field(default_factory=list)
    producer: tuple[int, int, int] | None = None

    def append(self, *, key: bytes, value: bytes | None, timestamp: Any, headers: Any) -> bool:
        self.records.append((key, value, headers))
        return True

    def _set_producer_state(self, producer_id: int, epoch: int, sequence: int) -> None:
        self.producer = (producer_id, epoch, sequence)


@dataclass
class Stored:
    offset: int
    key: bytes
    value: bytes | None
    headers: Any


class Log:
    """One partition of a changelog as Kafka keeps it: fenced by epoch, idempotent by sequence, compacted."""

    def __init__(self, fenced: bool) -> None:
        self.fenced = fenced
        self.records: list[Stored] = []
        self.next = 0
        self.handed = -1
        self.epoch = -1
        self.seen: dict[tuple[int, int], int] = {}
        self.answers_lost = 0

    async def take(self, topic: str, partition: int) -> Claim | None:
        if not self.fenced:
            return None
        self.handed += 1
        return Claim(7, self.handed)

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
            _, epoch, sequence = batch.producer
            if epoch < self.epoch:
                return None
            self.epoch = epoch
            if (epoch, sequence) in self.seen:
                return self.seen[epoch, sequence]
            self.seen[epoch, sequence] = self.next
        first = self.next
        for key, value, headers in batch.records:
            self.records.append(Stored(self.next, key, value, headers))
            self.next += 1
        return first

    def compact(self) -> None:
        """Keep the newest record of each key."""
        newest = {record.key: record.offset for record in self.records}
        self.records = [record for record in self.records if newest[record.key] == record.offset]

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


class Ownership(RuleBasedStateMachine):
    """Workers take a partition over, write, wake as zombies; the log is compacted and answers get lost.

    Whoever takes over must find exactly what the rightful owners had confirmed.
    """

    FENCED = True

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.log = Log(self.FENCED)
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
        self.held[worker], self.owner = state, worker
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
            assert len(self.log.records) == before or not self.FENCED
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

    @precondition(lambda self: self.FENCED)
    @rule()
    def compact(self) -> None:
        """Clean the topic as a broker does."""
        self.log.compact()

    @precondition(lambda self: self.FENCED)
    @rule(times=st.integers(1, 2))
    def lose_answers(self, times: int) -> None:
        """Let the next writes stand in the log and nobody hear of it."""
        self.log.answers_lost = times


class OwnershipByOffsets(Ownership):
    """The same without producer epochs: a zombie's records stand in the log and are ignored."""

    FENCED = False


TestOwnership = Ownership.TestCase
TestOwnershipByOffsets = OwnershipByOffsets.TestCase
for case in (TestOwnership, TestOwnershipByOffsets):
    case.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6), st.integers(0, 6)), max_size=40),
)
def test_an_origin_passes_once_however_often_its_writer_begins_again(
    history: list[tuple[int, int, int]],
) -> None:
    """Each entry: an input partition, how many new records, how far its writer had gone back before."""
    fence, ends, passed = OriginFence({}), [0, 0, 0], list[tuple[int, int]]()
    for partition, fresh, back in history:
        begin = max(0, ends[partition] - back)
        ends[partition] += fresh
        for offset in range(begin, ends[partition]):
            if fence.passes(["raw", partition, offset]):
                passed.append((partition, offset))
    for partition, end in enumerate(ends):
        assert [offset for where, offset in passed if where == partition] == list(range(end))


@given(st.integers(1, 3), st.lists(st.integers(0, 2), max_size=60), st.lists(st.integers(0, 2), max_size=12))
def test_an_outbox_keeps_order_and_loses_nothing_whatever_times_out(
    size: int, places: list[int], outcomes: list[int]
) -> None:
    """0: confirmed, 1: refused before it was written, 2: written and the answer lost."""
    written: dict[int, list[int]] = {0: [], 1: [], 2: []}
    outcomes_left = deque(outcomes)

    class Small:
        def __init__(self) -> None:
            self.numbers: list[int] = []

        def append(self, *, key: bytes, value: bytes, timestamp: Any, headers: Any) -> bool | None:
            if len(self.numbers) >= size:
                return None
            self.numbers.append(int(value))
            return True

    class Producer:
        def create_batch(self, size: int) -> Small:
            return Small()

        async def send_batch(self, batch: Small, topic: str, *, partition: int) -> asyncio.Future[None]:
            outcome = outcomes_left.popleft() if outcomes_left else 0
            if outcome != 1:
                written[partition].extend(batch.numbers)
            answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            answer.set_exception(KafkaTimeoutError()) if outcome else answer.set_result(None)
            return answer

    out = Outbox(Layout({"out": 3}))
    for number, partition in enumerate(places):
        out.placed("out", partition, b"k", str(number).encode())
    with mock.patch.object(outbox_module, "FIRST_PAUSE_S", 0.0):
        asyncio.run(out.send(Producer()))
    for partition in range(3):
        first_seen = list(dict.fromkeys(written[partition]))
        assert first_seen == [number for number, place in enumerate(places) if place == partition]
    assert len(out) == 0


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 1)), max_size=60), st.floats(0.05, 0.95))
def test_a_flood_is_judged_over_at_least_the_window_and_no_more_than_a_slice_beyond(
    slices: list[tuple[int, float]], limit: float
) -> None:
    window, least = 50, 20
    guard, history = FloodGuard(limit, window=window, least=least), list[tuple[int, int]]()
    for records, share in slices:
        dead = round(records * share)
        guard.add(records, dead)
        history.append((records, dead))
        while sum(count for count, _ in history[1:]) >= window:
            history.pop(0)
        total, bad = sum(count for count, _ in history), sum(count for _, count in history)
        assert guard.share == bad / total
        assert guard.tripped == (total >= least and bad / total > limit)
