"""Slices on Faust: commits cover the acked prefix only, a failed slice stops the app unacked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from streams.app import Pulse, create_app
from streams.lanes import Lanes, each_slice
from streams.settings import Settings
from streams.slices import PartitionLost, SliceConsumer

PLACE = TopicPartition("in", 0)


@dataclass
class Handler:
    """A handler nobody asks."""

    drain_seconds: float = 0.0
    patience_ms: int = 0

    async def start(self) -> None:
        """Nothing to prepare."""

    async def stop(self) -> None:
        """Nothing to finish."""

    def assigned(self, partitions: Any) -> None:
        """Nothing to note."""

    async def take(self, event: Any, owned: Callable[[], bool]) -> bool:
        return True


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


def test_records_missing_before_a_slice_are_asked_for_once_then_taken_for_a_hole_in_the_log() -> None:
    async def run() -> None:
        reading = consumer()
        sought: list[int] = []
        delivered: list[int] = []

        async def seek(place: Any, offset: int) -> None:
            sought.append(offset)

        async def deliver(place: Any, records: list[Any], generation: int) -> None:
            delivered.append(records[0].offset)

        reading._seek, reading._deliver, reading.flow_active = seek, deliver, True
        reading._read_offset[PLACE] = 5
        generation = reading.app.consumer_generation_id
        await reading._deliver_all({PLACE: slices((9, False))}, generation)
        assert (sought, delivered) == ([5], [])
        await reading._deliver_all({PLACE: slices((9, False))}, generation)
        assert (sought, delivered) == ([5], [9])

    asyncio.run(run())


@dataclass
class App:
    """Notes why it crashed."""

    crashes: list[BaseException] = field(default_factory=list)

    async def crash(self, reason: BaseException) -> None:
        self.crashes.append(reason)


@dataclass
class Stream:
    """Gives events of partitions and notes acks."""

    events_: list[Any]
    acked: list[Any] = field(default_factory=list)

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for event in self.events_:
            yield event
        for _ in range(50):
            await asyncio.sleep(0)

    async def ack(self, event: Any) -> None:
        self.acked.append(event.message.offset)


def event(partition: int, offset: int) -> Any:
    return SimpleNamespace(message=SimpleNamespace(partition=partition, offset=offset))


def served(take: Callable[[Any], Awaitable[bool]], *events: Any) -> tuple[App, Stream]:
    app, stream = App(), Stream(list(events))
    asyncio.run(each_slice(app, stream, take))
    return app, stream


def test_slices_of_a_partition_are_taken_in_order_and_acked_when_finished() -> None:
    async def take(one: Any) -> bool:
        await asyncio.sleep(0)
        return bool(one.message.offset != 2)

    app, stream = served(take, *(event(0, offset) for offset in range(4)))
    assert stream.acked == [0, 1, 3]
    assert app.crashes == []


def test_a_failed_slice_stops_the_app_and_neither_it_nor_those_behind_are_acked() -> None:
    async def take(one: Any) -> bool:
        if one.message.offset == 1:
            raise ValueError("refused")
        return True

    app, stream = served(take, event(0, 0), event(0, 1), event(0, 2), event(1, 0))
    assert [type(crash) for crash in app.crashes] == [ValueError]
    assert sorted(stream.acked) == [0, 0]


def test_a_lost_partition_is_passed_over_without_an_ack() -> None:
    async def take(one: Any) -> bool:
        if one.message.offset == 0:
            raise PartitionLost("went to another worker")
        return True

    app, stream = served(take, event(0, 0), event(0, 1))
    assert (app.crashes, stream.acked) == ([], [1])


def test_a_partition_that_waits_does_not_stop_the_others() -> None:
    async def run() -> None:
        released, taken, stream = asyncio.Event(), list[int](), Stream([])

        async def take(one: Any) -> bool:
            if one.message.partition == 0:
                await released.wait()
            taken.append(one.message.partition)
            return True

        lanes = Lanes(App(), stream, take)
        await lanes.put(event(0, 0))
        await lanes.put(event(1, 0))
        while not taken:
            await asyncio.sleep(0)
        assert taken == [1]
        released.set()
        while len(taken) < 2:
            await asyncio.sleep(0)
        await lanes.close()

    asyncio.run(asyncio.wait_for(run(), 10))
