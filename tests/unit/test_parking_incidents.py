"""Actions that cannot be published, and then deaths, restarts and assignments that change."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from hypothesis import given, settings
from hypothesis import strategies as st
from parking_world import COUPON, IN, LOG, REFUSALS, TICKET, Bench

from streams.polls import PartitionLost


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
        bench.broker.death = ConnectionError("died")
        with pytest.raises(ConnectionError):
            await bench.read("a")
        assert not bench.parking and bench.broker.parked() == []
        bench.broker.death, bench.offsets[0] = None, -1
        await bench.read("a")
        assert bench.broker.parked() == ["a"]
        bench.broker.problems.clear()
        bench.broker.death = ConnectionError("died")
        with pytest.raises(ConnectionError):
            await bench.later(5)
        assert bench.broker.parked() == ["a"] and bench.parking
        bench.broker.death = None
        bench.restart()
        await bench.later(0)
        assert bench.broker.of(COUPON) == ["a", "a"], "at least once, under the same id"
        assert bench.broker.parked() == []

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
            bench.broker.death = ConnectionError("died") if what == "dies" else None
            await catch_up()
        bench.broker.problems, bench.broker.death, mine = {}, None, {0, 1}
        bench.runner.assigned(mine)
        await catch_up()
        await bench.later(60)
        for p in (0, 1):
            for topic in (LOG, COUPON, TICKET):
                found = [ident for at, _, ident in bench.broker.arrived(topic) if at == p]
                assert list(dict.fromkeys(found)) == said[p], topic
        assert bench.broker.parked() == [] and not bench.parking

    asyncio.run(run())
