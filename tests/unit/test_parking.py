"""Actions that cannot be published: what flows on, what is kept, and when they go after all."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from aiokafka.errors import (
    LeaderNotAvailableError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from models.clock import VirtualClock
from streams import metrics
from streams.codec import cloud_event, dumps
from streams.outbox import Layout, Outbox
from streams.packing import shared_packer
from streams.parcels import PARKED, forget_customer
from streams.parking import FIRST_PAUSE_MS, LONGEST_PAUSE_MS, MOST_PARKED, Parking
from streams.polls import PartitionLost
from streams.state import PartitionState
from streams.step import Slice, Untimed, Work
from streams.ticks import TimedRunner

IN, LOG, COUPON, TICKET = "in", "decisions", "actions.coupon", "actions.ticket"
LAYOUT = Layout({LOG: 2, COUPON: 2, TICKET: 2})
NEVER = object()
"""As a problem: the batch is taken and no confirmation comes."""


@dataclass
class Rec:
    offset: int
    value: bytes
    key: bytes = b"cust-1"
    timestamp: int = 1_000
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Batch:
    rows: list[tuple[bytes, bytes, Any]] = field(default_factory=list)

    def append(self, *, key: bytes, value: bytes, timestamp: Any, headers: Any) -> bool:
        self.rows.append((key, value, headers))
        return True


class Broker:
    """Topics and a changelog in memory; `problems` says which topics do not confirm, and how."""

    def __init__(self) -> None:
        self.problems: dict[str, Any] = {}
        self.longest = 1_000_000
        self.asked: list[str] = []
        self.silent: list[asyncio.Future[None]] = []
        self.rows: dict[str, list[tuple[int, bytes, str]]] = {}
        self.headers: list[Any] = []
        self.held: dict[int, dict[bytes, bytes]] = {}
        self.marks: dict[int, dict[str, int]] = {}
        self.dies = False
        self.during: Any = None

    def create_batch(self, size: int) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[None]:
        self.asked.append(topic)
        if self.during is not None and topic == COUPON:
            during, self.during = self.during, None
            await during()
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        problem = self.problems.get(topic)
        if problem is NEVER:
            self.silent.append(confirmed)
            return confirmed
        if problem is not None:
            raise problem
        if topic == COUPON and sum(len(value) for _, value, _ in batch.rows) > self.longest:
            raise MessageSizeTooLargeError
        self.rows.setdefault(topic, []).extend(
            (partition, key, json.loads(value)["id"]) for key, value, _ in batch.rows
        )
        self.headers += [headers for _, _, headers in batch.rows]
        confirmed.set_result(None)
        return confirmed

    async def load(self, partition: int, known: PartitionState | None = None) -> PartitionState:
        state, held = known or PartitionState(partition), self.held.get(partition, {})
        state.rollback()
        for key in {*held, *dict(state.items())}:
            state.replay(key, held.get(key), 0, 0)
        state.marks = dict(self.marks.get(partition, {}))
        state.begin()
        return state

    async def write(self, state: PartitionState) -> None:
        if self.dies:
            raise ConnectionError("died")
        held = self.held.setdefault(state.partition, {})
        for key, value in list(state.changes())[:-1]:
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value
        self.marks[state.partition] = dict(state.marks)

    def of(self, topic: str) -> list[str]:
        return [ident for _, _, ident in self.rows.get(topic, [])]

    def parked(self) -> list[str]:
        keys = sorted((p, key) for p, held in self.held.items() for key in held if key.startswith(PARKED))
        parcels = (json.loads(shared_packer().unpack(self.held[p][key])) for p, key in keys)
        return [json.loads(parcel["value"])["id"] for parcel in parcels]


class Acting(Untimed):
    """Writes a decision, a coupon and a ticket a record."""

    def open(self, state: PartitionState) -> None:
        """Nothing is derived from the state."""

    def rollback(self, state: PartitionState) -> None:
        """Nothing is derived from the state."""

    def process(self, piece: Slice, out: Outbox) -> None:
        assert piece.state is not None
        for record in piece.records:
            if record.value == b"erase":
                forget_customer(piece.state, record.key.decode())
                continue
            for topic in (LOG, COUPON, TICKET):
                ident = record.value.decode()
                headers = cloud_event("t", "s", ident[:20], 1, [("traceparent", b"00-\xff")])
                out.placed(topic, piece.partition, record.key, dumps({"id": ident}), headers)


class Bench:
    """A runner on a virtual clock whose patience ends as soon as nothing moves; `restart` is a kill -9."""

    def __init__(self) -> None:
        self.broker, self.clock = Broker(), VirtualClock(1_000.0)
        self.offsets = dict.fromkeys((0, 1), -1)
        self.restart()

    def restart(self) -> None:
        self.parking = Parking("decide", self.clock, 0.0)
        self.runner = TimedRunner(
            "decide", Acting(), self.broker, LAYOUT, self.clock, self.broker, parking=self.parking
        )
        self.runner.assigned({0, 1})

    async def read(self, *values: str, partition: int = 0, key: bytes = b"cust-1") -> None:
        await self.runner.run_wave([self.work(values, partition, key)])

    def work(self, values: Sequence[str], partition: int = 0, key: bytes = b"cust-1") -> Work:
        records = []
        for value in values:
            self.offsets[partition] += 1
            records.append(Rec(self.offsets[partition], value.encode(), key))
        return Work(IN, partition, records)

    async def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.runner.tick_all()


REFUSALS = [TopicAuthorizationFailedError(COUPON), LeaderNotAvailableError(), NEVER]


@pytest.mark.parametrize("problem", REFUSALS, ids=["refused", "leaderless", "unconfirmed"])
def test_what_a_topic_does_not_take_waits_and_everything_else_flows(problem: Any) -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = problem
        await bench.read("a", "b")
        assert bench.broker.of(LOG) == bench.broker.of(TICKET) == ["a", "b"]
        assert bench.broker.parked() == ["a", "b"] and bench.broker.marks[0] == {IN: 1}
        assert metrics.PARKED.labels("decide", COUPON)._value.get() == 2
        bench.broker.problems.clear()
        await bench.later(FIRST_PAUSE_MS / 1000)
        assert bench.broker.rows[COUPON] == [(0, b"cust-1", "a"), (0, b"cust-1", "b")]
        assert bench.broker.headers[-1] == cloud_event("t", "s", "b", 1, [("traceparent", b"00-\xff")])
        assert bench.broker.parked() == [] and not bench.parking
        assert metrics.PARKED.labels("decide", COUPON)._value.get() == 0
        await bench.read("c")
        assert bench.broker.of(COUPON) == ["a", "b", "c"]

    asyncio.run(run())


def test_a_refusal_after_the_patience_has_ended_is_no_complaint_of_the_loop() -> None:
    async def run() -> None:
        bench, complaints = Bench(), list[Any]()
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        bench.broker.problems[COUPON] = NEVER
        await bench.read("a")
        (late,) = bench.broker.silent
        assert not late.cancelled(), "aiokafka removes the batch from its books when it is done"
        late.set_exception(LeaderNotAvailableError())
        await bench.later(0)
        bench.broker.silent.clear()
        del late
        gc.collect()
        assert complaints == []

    asyncio.run(run())


def test_later_actions_queue_behind_without_asking_again_and_pauses_double() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        for value in "abc":
            await bench.read(value)
        assert bench.broker.asked.count(COUPON) == 1
        assert bench.broker.parked() == ["a", "b", "c"]
        pauses, pause = list[int](), FIRST_PAUSE_MS
        while not pauses or pauses[-1] < LONGEST_PAUSE_MS:
            await bench.later(pause / 1000 - 0.001)
            before = bench.broker.asked.count(COUPON)
            await bench.later(0.001)
            assert bench.broker.asked.count(COUPON) == before + 1
            pauses.append(pause)
            pause = min(2 * pause, LONGEST_PAUSE_MS)
        assert pauses == [5_000, 10_000, 20_000, 40_000, 60_000]
        assert bench.broker.parked() == ["a", "b", "c"]
        bench.broker.problems.clear()
        await bench.later(60)
        assert bench.broker.of(COUPON) == ["a", "b", "c"]

    asyncio.run(run())


def test_each_slice_of_a_wave_keeps_its_own() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.runner.run_wave([bench.work("ab", 0), bench.work("c", 1, b"cust-2")])
        assert [len([key for key in bench.broker.held[p] if key.startswith(PARKED)]) for p in (0, 1)] == [
            2,
            1,
        ]
        bench.runner.assigned({1})
        assert metrics.PARKED.labels("decide", COUPON)._value.get() == 1
        bench.broker.problems.clear()
        await bench.later(5)
        assert bench.broker.rows[COUPON] == [(1, b"cust-2", "c")]
        assert bench.broker.parked() == ["a", "b"]

    asyncio.run(run())


def test_a_restart_finds_what_is_parked_and_tries_it_without_any_record() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.read("a", "b")
        bench.restart()
        await bench.read("c")
        assert bench.broker.parked() == ["a", "b", "c"], "it queues behind, though nothing was tried yet"
        bench.broker.problems.clear()
        bench.restart()
        await bench.later(0)
        assert bench.broker.of(COUPON) == ["a", "b", "c"]
        assert bench.broker.parked() == []

    asyncio.run(run())


def test_a_death_between_output_and_state_loses_nothing() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        bench.broker.dies = True
        with pytest.raises(ConnectionError):
            await bench.read("a")
        assert not bench.parking and bench.broker.parked() == []
        bench.broker.dies, bench.offsets[0] = False, -1
        await bench.read("a")
        assert bench.broker.parked() == ["a"]
        bench.broker.problems.clear()
        bench.broker.dies = True
        with pytest.raises(ConnectionError):
            await bench.later(5)
        assert bench.broker.parked() == ["a"] and bench.parking
        bench.broker.dies = False
        bench.restart()
        await bench.later(0)
        assert bench.broker.of(COUPON) == ["a", "a"], "at least once, under the same id"
        assert bench.broker.parked() == []

    asyncio.run(run())


def test_what_comes_while_a_place_is_asked_follows_in_order() -> None:
    async def run() -> None:
        bench = Bench()
        bench.parking._patience = None
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.read("a")
        bench.broker.problems.clear()
        bench.broker.during = partial(bench.read, "b")
        await bench.later(5)
        assert bench.broker.of(COUPON) == ["a", "b"]
        assert bench.broker.parked() == [] and not bench.parking

    asyncio.run(run())


def test_a_record_too_large_waits_alone() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.longest = 50
        await bench.read("a", "b" * 60, "c")
        assert bench.broker.of(COUPON) == ["a", "c"]
        await bench.read("d")
        assert bench.broker.of(COUPON) == ["a", "c", "d"]
        bench.restart()
        await bench.later(0)
        assert bench.broker.parked() == ["b" * 60]
        await bench.read("e")
        assert bench.broker.of(COUPON) == ["a", "c", "d", "e"]
        bench.broker.longest = 100
        await bench.later(60)
        assert bench.broker.of(COUPON)[-1] == "b" * 60 and bench.broker.parked() == []

    asyncio.run(run())


def test_other_outputs_are_insisted_on() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[LOG] = TopicAuthorizationFailedError(LOG)
        with pytest.raises(TopicAuthorizationFailedError):
            await bench.read("a")
        assert bench.broker.marks == {}

    asyncio.run(run())


def test_a_full_partition_insists() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.read(*map(str, range(MOST_PARKED)))
        with pytest.raises(TopicAuthorizationFailedError):
            await bench.read("more")
        assert len(bench.broker.parked()) == MOST_PARKED

    asyncio.run(run())


def test_an_erasure_takes_what_is_parked_too() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.read("a")
        await bench.read("b", key=b"cust-2")
        await bench.read("erase")
        assert bench.broker.parked() == ["b"]
        bench.broker.problems.clear()
        await bench.later(5)
        assert bench.broker.of(COUPON) == ["b"] and not bench.parking

    asyncio.run(run())


def test_who_lost_the_partition_sends_nothing_of_it() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.read("a")
        bench.clock.advance(5)
        asked = len(bench.broker.asked)
        with pytest.raises(PartitionLost):
            await bench.runner.retry(lambda: False)
        assert len(bench.broker.asked) == asked

    asyncio.run(run())


def test_a_number_given_again_elsewhere_is_another_record() -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.read("a")
        bench.broker.problems.clear()
        held = bench.broker.held[0]

        async def elsewhere_and_back() -> None:
            ((key, value),) = held.items()
            held[key] = value.replace(b'\\"a\\"', b'\\"x\\"')
            bench.runner.assigned({0, 1})
            await bench.runner.state_of(0)

        bench.broker.during = elsewhere_and_back
        bench.parking._patience = None
        await bench.later(5)
        assert bench.broker.of(COUPON) == ["a"] and bench.broker.parked() == ["x"]
        await bench.later(0)
        assert bench.broker.of(COUPON) == ["a", "x"] and bench.broker.parked() == []

    asyncio.run(run())


def test_the_log_names_ids_and_no_content(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.read("act-17", key=b"cust-secret")

    with caplog.at_level(logging.ERROR, logger="streams.parking"):
        asyncio.run(run())
    (line,) = caplog.messages
    assert "act-17" in line and "TopicAuthorizationFailedError" in line and "secret" not in line


INCIDENTS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.lists(st.sampled_from([0, 1]), min_size=1, max_size=4)),
        st.tuples(st.just("topic"), st.sampled_from([None, *REFUSALS])),
        st.tuples(st.just("tick"), st.sampled_from([0, 5, 60])),
        st.tuples(st.just("move"), st.sampled_from([{0, 1}, {0}, {1}])),
        st.sampled_from([("kill", None), ("dies", None)]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(incidents=INCIDENTS)
def test_whatever_happens_every_action_arrives_and_the_first_copies_in_order(
    incidents: list[tuple[str, Any]],
) -> None:
    async def run() -> None:
        bench, said = Bench(), dict[int, list[str]]({0: [], 1: []})
        mine = {0, 1}

        async def catch_up() -> None:
            """Read on from what the states contain, as after a restart; a death is followed by one."""
            work = []
            for p in sorted(mine):
                bench.offsets[p] = bench.broker.marks.get(p, {}).get(IN, -1)
                if fresh := said[p][bench.offsets[p] + 1 :]:
                    work.append(bench.work(fresh, p))
            try:
                await bench.runner.run_wave(work)
                await bench.runner.tick_all()
            except ConnectionError:
                bench.restart()
                bench.runner.assigned(mine)

        for what, how in incidents:
            if what == "read":
                for p in how:
                    said[p].append(f"{p}-{len(said[p])}")
            elif what == "topic":
                bench.broker.problems = {COUPON: how}
            elif what == "tick":
                bench.clock.advance(how)
            elif what == "move":
                mine = how
                bench.runner.assigned(mine)
            elif what == "kill":
                bench.restart()
                for p in (0, 1):
                    said[p].append(f"{p}-{len(said[p])}")
                bench.runner.assigned(mine)
            bench.broker.dies = what == "dies"
            await catch_up()
        bench.broker.problems, bench.broker.dies, mine = {}, False, {0, 1}
        bench.runner.assigned(mine)
        await catch_up()
        await bench.later(60)
        for p in (0, 1):
            for topic in (LOG, COUPON, TICKET):
                found = [ident for at, _, ident in bench.broker.rows.get(topic, []) if at == p]
                assert list(dict.fromkeys(found)) == said[p], topic
        assert bench.broker.parked() == [] and not bench.parking

    asyncio.run(run())
