"""Actions that cannot be published: what flows on, what is kept, and when they go after all."""

from __future__ import annotations

import asyncio
import gc
import logging
from functools import partial
from typing import Any

import pytest
from aiokafka.errors import LeaderNotAvailableError, TopicAuthorizationFailedError
from parking_world import COUPON, IN, LOG, NEVER, REFUSALS, TICKET, Bench

from streams import metrics
from streams.codec import cloud_event
from streams.parcels import PARKED
from streams.parking import FIRST_PAUSE_MS, LONGEST_PAUSE_MS, MOST_PARKED


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
        assert bench.broker.arrived(COUPON) == [(0, b"cust-1", "a"), (0, b"cust-1", "b")]
        assert bench.broker.written[-1].headers == cloud_event(
            "t", "s", "b", 1, [("traceparent", b"00-\xff")]
        )
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


def test_a_clock_set_back_by_days_keeps_no_action_waiting() -> None:
    async def run() -> None:
        bench = Bench()
        bench.clock.advance(1_000_000)
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.read("a")
        bench.broker.problems.clear()
        bench.clock._now -= 2 * 86_400.0
        await bench.later(FIRST_PAUSE_MS / 1000)
        assert bench.broker.of(COUPON) == ["a"]

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
        assert bench.broker.arrived(COUPON) == [(1, b"cust-2", "c")]
        assert bench.broker.parked() == ["a", "b"]

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


def test_the_log_names_ids_and_no_content(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        bench = Bench()
        bench.broker.problems[COUPON] = TopicAuthorizationFailedError(COUPON)
        await bench.read("act-17", key=b"cust-secret")

    with caplog.at_level(logging.ERROR, logger="streams.parking"):
        asyncio.run(run())
    (line,) = caplog.messages
    assert "act-17" in line and "TopicAuthorizationFailedError" in line and "secret" not in line
