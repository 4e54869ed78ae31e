"""Slices on Faust: commits cover the acked prefix only, a failed slice stops the app unacked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams import metrics
from streams.app import Pulse, create_app
from streams.polls import Fetched, PartitionLost, Poll, each_poll
from streams.settings import Settings
from streams.slices import SliceConsumer
from streams.suspects import CLEAN, OPEN

PLACE = TopicPartition("in", 0)


@dataclass
class Handler:
    """A handler nobody asks."""

    regular: asyncio.Task[None] | None = None
    drain_seconds: float = 0.0
    patience_ms: int = 0

    async def start(self) -> None:
        """Nothing to prepare."""

    async def stop(self) -> None:
        """Nothing to finish."""

    def assigned(self, partitions: Any) -> None:
        """Nothing to note."""

    async def take(self, slices: Sequence[Fetched], owned: Callable[[], bool]) -> None:
        """Ack nothing."""


def slices(*offsets_and_acks: tuple[int, bool]) -> list[Any]:
    return [SimpleNamespace(offset=offset, acked=acked) for offset, acked in offsets_and_acks]


def consumer() -> SliceConsumer:
    app = create_app(Settings(), "sample", ["in"], Handler(), Pulse(10.0))
    made: SliceConsumer = app._new_consumer()
    return made


def committed(*offsets_and_acks: tuple[int, bool]) -> list[int | None]:
    async def run() -> list[int | None]:
        reading = consumer()
        reading._slices[PLACE] = deque(slices(*offsets_and_acks))
        return [reading._new_offset(PLACE), reading._new_offset(PLACE)]

    return asyncio.run(run())


def test_a_commit_is_one_past_the_last_slice_of_the_acked_prefix() -> None:
    assert committed((99, True), (199, True), (299, False)) == [200, None]


def test_an_unacked_slice_holds_back_everything_behind_it() -> None:
    assert committed((99, False), (199, True), (299, True)) == [None, None]


class Log:
    """A consumer that tells where the log begins and ends."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end = begin, end

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.begin)

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.end)


@pytest.mark.parametrize(
    ("read", "came", "log", "missed"),
    [
        (5, (9, 10), Log(0, 11), 0),  # compacted
        (5, (9, 10), Log(7, 11), 2),  # retention took two, compaction the rest
        (5, (9, 10), Log(9, 11), 4),
        (50, (0, 2), Log(0, 3), 3),  # the topic was made anew
        (2, (0, 2), Log(0, 3), 0),  # read before
    ],
)
def test_what_will_never_be_read_is_counted(read: int, came: tuple[int, int], log: Log, missed: int) -> None:
    async def run() -> int:
        reading = consumer()
        reading._thread._consumer = log
        found: int = await reading._thread.missed(PLACE, read, *came)
        return found

    assert asyncio.run(run()) == missed


def test_records_missing_before_a_slice_are_asked_for_once_then_taken_for_a_hole_in_the_log() -> None:
    async def run() -> None:
        reading = consumer()
        reading._thread._consumer = Log(7, 10)
        counted = metrics.MISSED.labels("sample", PLACE.topic)
        before = counted._value.get()
        sought: list[int] = []
        delivered: list[int] = []

        async def seek(place: Any, offset: int) -> None:
            sought.append(offset)

        async def deliver(poll: Poll) -> None:
            delivered.extend(one.records[0].offset for one in poll.slices)

        reading._seek, reading._deliver, reading.flow_active = seek, deliver, True
        reading._read_offset[PLACE] = 5
        generation = reading.app.consumer_generation_id
        await reading._deliver_all({PLACE: slices((9, False))}, generation)
        assert (sought, delivered) == ([5], [])
        await reading._deliver_all({PLACE: slices((9, False))}, generation)
        assert (sought, delivered) == ([5], [9])
        assert counted._value.get() - before == 2

    asyncio.run(run())


@dataclass
class App:
    """Notes why it crashed, and which polls it was told of."""

    crashes: list[BaseException] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    consumer_generation_id: int = 3

    @property
    def consumer(self) -> App:
        return self

    def taken(self, poll: Poll) -> None:
        self.polls.append(poll)

    async def crash(self, reason: BaseException) -> None:
        self.crashes.append(reason)


@dataclass
class Stream:
    """Gives polls."""

    polls: list[Poll]

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for poll in self.polls:
            yield SimpleNamespace(value=poll)

    async def ack(self, event: Any) -> None:
        """Keep no books."""


def fetched(partition: int, *offsets: int, topic: str = "in") -> Fetched:
    return Fetched(TopicPartition(topic, partition), slices(*((n, False) for n in offsets)), lambda: None)


def served(take: Callable[[Poll], Awaitable[None]], *polls: Poll) -> App:
    app = App()
    asyncio.run(each_poll(app, Stream(list(polls)), take))
    return app


async def ack_all(poll: Poll) -> None:
    for one in poll.slices:
        one.ack()


def test_polls_are_taken_in_order_and_make_room_when_they_are() -> None:
    polls = [Poll(3, [fetched(0, n), fetched(1, n)]) for n in range(4)]
    app = served(ack_all, *polls)
    assert app.polls == polls
    assert all(one.acked for poll in polls for one in poll.slices)
    assert app.crashes == []


def test_a_failed_poll_stops_the_app_and_neither_it_nor_those_behind_are_acked() -> None:
    polls = [Poll(3, [fetched(0, n)]) for n in range(3)]

    async def take(poll: Poll) -> None:
        if poll is polls[1]:
            raise ValueError("refused")
        await ack_all(poll)

    app = served(take, *polls)
    assert [type(crash) for crash in app.crashes] == [ValueError]
    assert [one.acked for poll in polls for one in poll.slices] == [True, False, False]


def test_a_lost_partition_is_passed_over_without_an_ack() -> None:
    polls = [Poll(3, [fetched(0, n)]) for n in range(2)]

    async def take(poll: Poll) -> None:
        if poll is polls[0]:
            raise PartitionLost("went to another worker")
        await ack_all(poll)

    app = served(take, *polls)
    assert app.crashes == []
    assert [one.acked for poll in polls for one in poll.slices] == [False, True]


def test_a_poll_of_an_older_generation_is_passed_over() -> None:
    old, new = Poll(2, [fetched(0, 5)]), Poll(3, [fetched(0, 5)])
    app = served(ack_all, old, new)
    assert (old.slices[0].acked, new.slices[0].acked) == (False, True)
    assert app.polls == [old, new]


def test_an_ack_lets_a_rebalance_that_waits_go_on() -> None:
    async def run() -> None:
        reading = consumer()
        reading.app.drain_seconds = 60.0
        one = Fetched(PLACE, slices((7, False)), reading._acks.set)
        idle = Fetched(PLACE, slices((8, False)), reading._acks.set)
        reading._slices[PLACE] = deque([one, idle])
        one.begun, committed = True, []

        async def commit() -> None:
            committed.append(reading._new_offset(PLACE))

        reading.commit_and_end_transactions = commit
        waiting = asyncio.create_task(reading.wait_empty())
        for _ in range(5):
            await asyncio.sleep(0)
        assert committed == []
        one.ack()
        await asyncio.wait_for(waiting, 10)
        assert committed == [8]

    asyncio.run(run())


def test_a_stop_commits_nothing_that_is_still_being_worked_on() -> None:
    async def run() -> None:
        reading = consumer()
        done = Fetched(PLACE, slices((7, False)), reading._acks.set)
        running = Fetched(PLACE, slices((8, False)), reading._acks.set)
        reading._slices[PLACE] = deque([done, running])
        done.begun = running.begun = True
        done.ack()
        committed: list[int | None] = []

        async def commit() -> None:
            committed.append(reading._new_offset(PLACE))

        reading.commit_and_end_transactions = commit
        reading.app.drain_seconds = 0.0
        await reading.on_stop()
        assert committed == [8]

    asyncio.run(run())


@pytest.mark.parametrize("revoked", [False, True])
def test_who_leaves_alive_says_so_beside_its_offsets(revoked: bool) -> None:
    """Else the next owner takes an orderly restart for a death and watches what it reads."""

    async def run() -> None:
        reading = consumer()
        noted: list[dict[Any, tuple[int, str]]] = []

        async def note(offsets: dict[Any, tuple[int, str]]) -> bool:
            noted.append(offsets)
            return True

        reading._thread = SimpleNamespace(note=note)
        reading.assignment = lambda: {PLACE}
        await reading._commit({PLACE: 8})

        async def nothing(*args: Any) -> None:
            """Find nothing new."""

        reading.commit_and_end_transactions = reading._on_partitions_revoked = nothing
        reading.app.on_rebalance_start()
        await (reading.on_partitions_revoked({PLACE}) if revoked else reading.on_stop())
        assert noted == [{PLACE: (8, OPEN)}, {PLACE: (8, CLEAN)}]

    asyncio.run(run())
