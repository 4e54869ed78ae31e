"""Where a consumer reads on: after rebalances at any moment nothing is passed over, nothing is guessed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import CommitFailedError, GroupAuthorizationFailedError, NotCoordinatorForGroupError
from aiokafka.protocol.commit import OffsetFetchRequest
from faust.types import TP

from streams.app import Pulse, create_app
from streams.loop_consumer import heed_group_errors
from streams.settings import Settings
from streams.slices import SliceConsumer

PLACES = tuple(TP("in", partition) for partition in range(3))
LENGTH = 60
DRAIN_TICKS = 20_000


def record(offset: int) -> Any:
    return SimpleNamespace(offset=offset, timestamp=0, timestamp_type=0)


class Handler:
    """A handler nobody asks."""

    drain_seconds = 0.0
    patience_ms = 0


@dataclass
class Broker:
    """The consumer's thread: logs, committed offsets and fetch positions; answers take a while."""

    rng: Random
    committed_: dict[TP, int] = field(default_factory=dict)
    positions: dict[TP, int] = field(default_factory=dict)

    def assign(self) -> None:
        """Stand where aiokafka does by itself after an assignment."""
        self.positions = {tp: self.committed_.get(tp, 0) for tp in PLACES}

    def assignment(self) -> set[TP]:
        return set(PLACES)

    def highwater(self, tp: TP) -> int:
        return LENGTH

    def seek(self, tp: TP, offset: int) -> None:
        self.positions[tp] = offset

    async def committed(self, places: Any) -> dict[TP, tuple[int, str]]:
        found = {tp: (self.committed_[tp], "") for tp in places if tp in self.committed_}
        await self.wait()
        return found

    async def note(self, offsets: dict[TP, tuple[int, str]]) -> bool:
        await self.wait()
        self.committed_ |= {tp: offset for tp, (offset, _) in offsets.items()}
        return self.rng.random() < 0.9

    async def seek_to_committed(self) -> dict[TP, int | None]:
        """Go where aiokafka's function of that name goes: one partition after the other, some nowhere."""
        found = {}
        for tp in PLACES:
            found[tp] = self.committed_.get(tp)
            await self.wait()
            if found[tp]:
                self.positions[tp] = self.committed_[tp]
        return found

    async def getmany(self, active: Any, timeout: float) -> dict[TP, list[Any]]:
        await self.wait()
        got = {}
        for tp in PLACES:
            begin, end = self.positions[tp], min(LENGTH, self.positions[tp] + self.rng.randint(0, 5))
            if end > begin:
                got[tp] = [record(offset) for offset in range(begin, end)]
                self.positions[tp] = end
        return got

    async def wait(self) -> None:
        for _ in range(self.rng.randint(1, 6)):
            await asyncio.sleep(0)


class World:
    """A consumer whose slices are processed at once and committed now and then, amid rebalances."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.broker = Broker(self.rng)
        app = create_app(Settings(poll_ms=0), "sample", ["in"], Handler(), Pulse(10.0))
        reading: SliceConsumer = app._new_consumer()
        reading._thread, reading.callback = self.broker, self.process
        reading._on_partitions_assigned = reading._on_partitions_revoked = self.nothing
        app.on_rebalance_start()
        self.app, self.reading = app, reading
        self.done: dict[TP, int] = dict.fromkeys(PLACES, 0)
        self.holes: list[str] = []
        self.fetcher = SimpleNamespace(_stopped=asyncio.Event())

    async def nothing(self, *args: Any) -> None:
        """Stand for what Faust's app does at a rebalance."""

    async def process(self, message: Any) -> None:
        for one in message.value.slices:
            tp, first = one.place, one.records[0].offset
            if first > self.done[tp]:
                self.holes.append(f"{tp.partition}: got {first}, was at {self.done[tp]}")
            self.done[tp] = max(self.done[tp], one.offset + 1)
            if self.rng.random() < 0.4:
                self.broker.committed_[tp] = self.done[tp]
        self.reading.taken(message.value)

    async def rebalance(self, generation: int) -> None:
        """Do what Faust does, in its order."""
        self.reading.stop_flow()
        await self.broker.wait()
        await self.reading.on_partitions_revoked(set(PLACES))
        self.done = {tp: self.broker.committed_.get(tp, 0) for tp in PLACES}
        self.broker.assign()
        self.app.consumer_generation_id = generation
        await self.reading.on_partitions_assigned(set(PLACES), generation)
        await self.broker.wait()
        await self.reading.perform_seek()
        self.reading.resume_flow()

    async def run(self) -> None:
        await self.rebalance(1)
        draining = asyncio.create_task(self.reading._drain_messages(self.fetcher))
        for generation in range(2, 8):
            for _ in range(self.rng.randint(0, 40)):
                await asyncio.sleep(0)
            await self.rebalance(generation)
        for _ in range(DRAIN_TICKS):
            if min(self.done.values()) == LENGTH:
                break
            await asyncio.sleep(0)
        self.fetcher._stopped.set()
        await draining


@pytest.mark.parametrize("first_seed", range(0, 60, 20))
def test_nothing_is_passed_over_whenever_a_rebalance_comes(first_seed: int) -> None:
    """Broker deaths lost a slice: a fetch under way took it after the seek and it was thrown away."""
    for seed in range(first_seed, first_seed + 20):

        async def run(seed: int = seed) -> World:
            world = World(seed)
            await world.run()
            return world

        world = asyncio.run(run())
        assert world.holes == [], f"seed {seed}"
        assert set(world.done.values()) == {LENGTH}, f"seed {seed}"


@dataclass
class Coordinator:
    """aiokafka's group coordinator, as far as it asks for committed offsets."""

    answers: list[Any]
    group_id: str = "hark-intake"
    dead: int = 0

    async def _send_req(self, request: Any) -> Any:
        return self.answers.pop(0)

    def coordinator_dead(self) -> None:
        self.dead += 1


@pytest.mark.parametrize(
    ("code", "error", "dead"), [(16, NotCoordinatorForGroupError, 1), (30, GroupAuthorizationFailedError, 0)]
)
def test_a_coordinator_that_refuses_is_not_taken_for_a_group_that_never_committed(
    code: int, error: type[Exception], dead: int
) -> None:
    async def run() -> None:
        refusal, answer = SimpleNamespace(error_code=code, topics=[]), SimpleNamespace(error_code=0)
        coordinator = Coordinator([refusal, answer])
        heed_group_errors(coordinator)
        request = OffsetFetchRequest("hark-intake", [("in", [0])])
        with pytest.raises(error):
            await coordinator._send_req(request)
        assert coordinator.dead == dead
        assert await coordinator._send_req(request) is answer

    asyncio.run(run())


class Group:
    """aiokafka's consumer, as far as it commits."""

    def __init__(self) -> None:
        self.commits: list[dict[Any, Any]] = []
        self.refusals: list[Exception] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self._coordinator = SimpleNamespace(_closing=asyncio.get_running_loop().create_future())

    async def commit(self, offsets: dict[Any, Any]) -> None:
        assert offsets, "aiokafka takes no empty commit"
        await self.answers.wait()
        if self.refusals:
            raise self.refusals.pop()
        self.commits.append({tp.partition: (at.offset, at.metadata) for tp, at in offsets.items()})


def test_a_commit_without_an_answer_does_not_hold_up_closing() -> None:
    async def run() -> None:
        app = create_app(Settings(), "sample", ["in"], Handler(), Pulse(10.0))
        thread, group = app._new_consumer()._thread, Group()
        thread._consumer, thread.assignment = group, lambda: set(PLACES[:1])
        group.answers.clear()
        noting = asyncio.create_task(thread.note({PLACES[0]: (7, "open")}))
        await asyncio.sleep(0)
        group._coordinator._closing.set_result(None)
        assert not await asyncio.wait_for(noting, 10)
        assert group.commits == []

    asyncio.run(run())


def test_a_commit_says_whether_the_partitions_are_still_ours() -> None:
    async def run() -> None:
        app = create_app(Settings(), "sample", ["in"], Handler(), Pulse(10.0))
        thread, group = app._new_consumer()._thread, Group()
        thread._consumer, thread.assignment = group, lambda: set(PLACES[:2])
        assert await thread.note({PLACES[0]: (7, "open")})
        assert group.commits == [{0: (7, "open")}]
        assert await thread.note({}) and not await thread.note({PLACES[2]: (1, "open")})
        group.refusals = [CommitFailedError("rebalanced")]
        assert not await thread.note({PLACES[0]: (8, "open")})
        assert len(group.commits) == 1

    asyncio.run(run())
