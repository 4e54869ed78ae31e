"""What a runner does with a slice, in which order, and what remains when something fails between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from aiokafka import TopicPartition
from memory_broker import MemoryBatch, MemoryProducer, Record

from models.clock import VirtualClock
from streams.dead_letters import StopStream
from streams.outbox import Layout, Outbox
from streams.polls import Fetched, PartitionLost
from streams.runner import SliceRunner
from streams.state import PartitionState
from streams.step import Slice, Stateless
from streams.topics import ALERTS, DEAD_LETTERS

IN, OUT = "in", "out"
LAYOUT = Layout({OUT: 1, ALERTS: 1, DEAD_LETTERS: 1})


class World(MemoryProducer):
    """A broker and a changelog that keeps nothing: they note what happens in which order, and fail once."""

    def __init__(self) -> None:
        super().__init__()
        self.happened: list[str] = []
        self.fail: dict[str, BaseException] = {}

    async def send_batch(self, batch: MemoryBatch, topic: str, *, partition: int) -> asyncio.Future[None]:
        if topic in self.fail:
            raise self.fail.pop(topic)
        self.happened.append(f"output {topic}")
        return await super().send_batch(batch, topic, partition=partition)

    async def load(self, partition: int, known: PartitionState | None = None) -> PartitionState:
        self.happened.append("load")
        await asyncio.sleep(0)  # whoever asks meanwhile must not make a second state
        return known or PartitionState(partition)

    async def write(self, state: PartitionState) -> None:
        if "state" in self.fail:
            raise self.fail.pop("state")
        self.happened.append("state")

    def raw(self, topic: str) -> list[bytes | None]:
        """Return the values on a topic as they were written."""
        return [row.value for row in self.on(topic)]


class Counting:
    """Counts records by value and repeats them; fails on what it is told to."""

    def __init__(self) -> None:
        self.poison: dict[bytes, Callable[[], Exception]] = {}
        self.rolled_back = 0

    def open(self, state: PartitionState) -> None:
        """Nothing is derived from the state."""

    def rollback(self, state: PartitionState) -> None:
        self.rolled_back += 1

    def process(self, piece: Slice, out: Outbox) -> None:
        assert piece.state is not None
        for record in piece.records:
            count = int(piece.state.get(record.value) or b"0") + 1
            piece.state.put(record.value, str(count).encode())
            out.keyed(OUT, "k", record.value)
            if record.value in self.poison:
                raise self.poison[record.value]()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def step() -> Counting:
    return Counting()


@pytest.fixture
def runner(world: World, step: Counting) -> SliceRunner:
    return SliceRunner("sample", step, world, LAYOUT, VirtualClock(5.0), world)


def records(*values: bytes, start: int = 0) -> list[Record]:
    return [Record(start + number, value) for number, value in enumerate(values)]


def counts(runner: SliceRunner) -> dict[bytes, bytes]:
    return dict(runner._states[0].items())


def test_outputs_then_state_and_only_then_it_returns(runner: SliceRunner, world: World) -> None:
    asyncio.run(runner.run(IN, 0, records(b"a", b"b")))
    assert world.happened == ["load", "output out", "state"]
    assert counts(runner) == {b"a": b"1", b"b": b"1"}
    assert runner._states[0].marks == {IN: 1}


def test_what_the_state_contains_is_skipped(runner: SliceRunner, world: World) -> None:
    async def run() -> None:
        await runner.run(IN, 0, records(b"a", b"b"))
        await runner.run(IN, 0, records(b"a", b"b", b"c"))

    asyncio.run(run())
    assert world.raw(OUT) == [b"a", b"b", b"c"]
    assert counts(runner)[b"a"] == b"1"


@pytest.mark.parametrize("where", [OUT, "state"])
def test_an_unconfirmed_write_is_raised_and_undone_in_memory(
    runner: SliceRunner, world: World, step: Counting, where: str
) -> None:
    async def run() -> None:
        await runner.run(IN, 0, records(b"a"))
        world.fail[where] = ValueError("refused")
        with pytest.raises(ValueError, match="refused"):
            await runner.run(IN, 0, records(b"a", start=1))
        assert counts(runner) == {b"a": b"1"}
        assert runner._states[0].marks == {IN: 0}
        await runner.run(IN, 0, records(b"a", start=1))

    asyncio.run(run())
    assert counts(runner) == {b"a": b"2"}
    assert step.rolled_back == 1


def test_a_lost_partition_writes_nothing_and_keeps_what_it_had(runner: SliceRunner, world: World) -> None:
    async def run() -> None:
        await runner.run(IN, 0, records(b"a"))
        with pytest.raises(PartitionLost):
            await runner.run(IN, 0, records(b"b", start=1), lambda: False)

    asyncio.run(run())
    assert world.raw(OUT) == [b"a"]
    assert counts(runner) == {b"a": b"1"}


def test_a_fenced_state_is_loaded_again(runner: SliceRunner, world: World) -> None:
    async def run() -> None:
        world.fail["state"] = PartitionLost("taken over")
        with pytest.raises(PartitionLost):
            await runner.run(IN, 0, records(b"a"))
        await runner.run(IN, 0, records(b"a"))

    asyncio.run(run())
    assert world.happened.count("load") == 2


def test_a_poisoned_record_alone_becomes_a_dead_letter_with_an_alert(
    runner: SliceRunner, world: World, step: Counting
) -> None:
    step.poison[b"bad"] = lambda: ZeroDivisionError("with content that must not be told")
    asyncio.run(runner.run(IN, 0, records(b"a", b"bad", b"b", start=7)))
    assert world.raw(OUT) == [b"a", b"b"]
    assert counts(runner) == {b"a": b"1", b"b": b"1"}
    assert runner._states[0].marks == {IN: 9}
    letter, alert = world.values(DEAD_LETTERS)[0], world.values(ALERTS)[0]
    assert (letter["topic"], letter["partition"], letter["offset"]) == (IN, 0, 8)
    assert letter["reason"] == "poison"
    assert alert["severity"] == "critical"
    assert "content" not in json.dumps([letter, alert])


def test_a_step_that_says_stop_is_not_isolated(runner: SliceRunner, world: World, step: Counting) -> None:
    step.poison[b"bad"] = lambda: StopStream("too much is wrong")
    with pytest.raises(StopStream):
        asyncio.run(runner.run(IN, 0, records(b"a", b"bad")))
    assert world.on(DEAD_LETTERS) == world.on(OUT) == []
    assert world.values(ALERTS)[0]["done"] == "stopped"
    assert counts(runner) == {}


def test_a_new_assignment_loads_again_and_drops_what_went_elsewhere(
    runner: SliceRunner, world: World
) -> None:
    async def run() -> None:
        await runner.run(IN, 0, records(b"a"))
        runner.assigned([0, 1])
        await runner.run(IN, 0, records(b"b", start=1))
        runner.assigned([1])
        await runner.run(IN, 0, records(b"c", start=2))

    asyncio.run(run())
    assert world.happened.count("load") == 3
    assert counts(runner) == {b"c": b"1"}


def polled(*slices: tuple[int, tuple[bytes, ...]]) -> list[Fetched]:
    return [Fetched(TopicPartition(IN, p), records(*values), lambda: None) for p, values in slices]


def test_the_slices_of_a_poll_share_one_batch_of_outputs_and_are_acked(
    runner: SliceRunner, world: World
) -> None:
    slices = polled((0, (b"a", b"b")), (1, (b"c",)))
    asyncio.run(runner.take(slices, lambda: True))
    assert world.happened == ["load", "load", "output out", "state", "state"]
    assert world.raw(OUT) == [b"a", b"b", b"c"]
    assert all(one.acked for one in slices)
    assert runner._states[1].marks == {IN: 0}


class Copying(Stateless):
    """Writes every record on and remembers none."""

    def process(self, piece: Slice, out: Outbox) -> None:
        for record in piece.records:
            out.keyed(OUT, "k", record.value)


def test_without_a_state_the_topics_of_a_partition_do_not_wait_for_each_other(world: World) -> None:
    runner = SliceRunner("sample", Copying(), world, LAYOUT, VirtualClock(5.0))
    places = [TopicPartition(IN, 0), TopicPartition("facts", 0)]
    slices = [Fetched(place, records(place.topic.encode()), lambda: None) for place in places]
    asyncio.run(runner.take(slices, lambda: True))
    assert world.happened == ["output out"]
    assert world.raw(OUT) == [b"in", b"facts"]
    assert all(one.acked for one in slices)


def test_a_slice_that_fails_does_not_take_its_neighbours_down(
    runner: SliceRunner, step: Counting, world: World
) -> None:
    step.poison = {b"bad": lambda: ValueError("refused")}
    slices = polled((0, (b"a",)), (1, (b"b", b"bad")))
    asyncio.run(runner.take(slices, lambda: True))
    assert world.raw(OUT) == [b"a", b"b"]
    assert len(world.raw(DEAD_LETTERS)) == 1
    assert all(one.acked for one in slices)


def shared(*slices: tuple[str, tuple[bytes, ...]]) -> list[Fetched]:
    """Return slices of partition 0 of several topics."""
    return [Fetched(TopicPartition(topic, 0), records(*values), lambda: None) for topic, values in slices]


def test_topics_of_a_partition_share_one_write_of_its_state(runner: SliceRunner, world: World) -> None:
    asyncio.run(runner.take(shared((IN, (b"a",)), ("facts", (b"a", b"b"))), lambda: True))
    assert world.happened == ["load", "output out", "state"]
    assert counts(runner) == {b"a": b"2", b"b": b"1"}
    assert runner._states[0].marks == {IN: 0, "facts": 1}


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_topics_of_a_partition_are_tried_one_by_one_when_one_fails(
    runner: SliceRunner, step: Counting, world: World, bad: int
) -> None:
    step.poison = {b"bad": lambda: ValueError("refused")}
    values = [(b"a", b"b"), (b"a",), (b"b",)]
    values[bad] = (*values[bad], b"bad")
    slices = shared(*zip((IN, "facts", "links"), values, strict=True))
    asyncio.run(runner.take(slices, lambda: True))
    assert counts(runner) == {b"a": b"2", b"b": b"2"}, "what the failed attempt had counted is undone"
    assert world.raw(OUT) == [b"a", b"b", b"a", b"b"]
    assert len(world.raw(DEAD_LETTERS)) == 1
    assert all(one.acked for one in slices)


def test_a_state_that_is_not_confirmed_is_undone_and_its_neighbours_is_kept(
    runner: SliceRunner, world: World
) -> None:
    world.fail["state"] = ConnectionError("away")
    slices = polled((0, (b"a",)), (1, (b"b",)))
    with pytest.raises(ConnectionError):
        asyncio.run(runner.take(slices, lambda: True))
    assert not any(one.acked for one in slices)
    assert [runner._states[p].marks for p in (0, 1)] == [{}, {IN: 0}]
    asyncio.run(runner.take(slices, lambda: True))
    assert world.raw(OUT) == [b"a", b"b", b"a"], "outputs may repeat, states may not"
    assert [dict(runner._states[p].items()) for p in (0, 1)] == [{b"a": b"1"}, {b"b": b"1"}]
