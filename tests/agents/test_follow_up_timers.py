"""The follow_up agent's timers: once, whatever dies, without any record, one partition at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from follow_up_bench import Bench, status
from follow_up_world import HOUR, NOW, action

from models.follow_up import Follower
from streams.polls import PartitionLost
from streams.topics import CATALOG


@pytest.mark.parametrize("dies", ["producer", "changelog"])
def test_a_death_in_a_tick_fires_again_with_the_same_ids(dies: str) -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        await bench.read("actions.status", status("accepted"))
        before = len(bench.rows())
        if dies == "producer":
            bench.producer.problems = dict.fromkeys(
                (topic.name for topic in CATALOG), ConnectionError("gone")
            )
        else:
            bench.log.death = ConnectionError("died")
        with pytest.raises(ConnectionError):
            await bench.wait(6.5)
        lost = bench.rows()[before:]
        bench.producer.problems, bench.log.death = {}, None
        bench.restart()
        await bench.wait(0)
        again = bench.rows()[before + len(lost) :]
        names = ("action_id", "change_id", "alert_id")
        ids = [{row.get(name) for name in names} for _, row in lost]
        assert len(again) >= 3
        if dies == "changelog":
            assert ids == [{row.get(name) for name in names} for _, row in again]
        await bench.wait(0)
        assert len(bench.rows()) == before + len(lost) + len(again)
        assert len({row["action_id"] for row in bench.of("actions.escalation")}) == 1

    asyncio.run(run())


def test_timers_survive_a_restart_and_fire_without_any_record() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        bench.restart()
        bench.clock.advance(6.5 * 3600)
        await bench.runner.tick_all()
        assert "escalated" in bench.changes()

    asyncio.run(run())


def test_a_restart_with_another_policy_sets_the_timers_anew() -> None:
    async def run() -> None:
        bench = Bench()
        bench.clock.advance(7 * 3600)
        opened = action(decided_at=NOW + 7 * HOUR, deadline=NOW + 13 * HOUR)
        await bench.read("actions.ticket", opened)
        await bench.wait(6.5)
        assert bench.changes() == ["opened"]
        bench.always = True
        bench.restart()
        await bench.wait(0)
        assert "escalated" in bench.changes()

    asyncio.run(run())


def test_a_tick_with_nothing_due_writes_nothing() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        rows, writes = len(bench.rows()), bench.log.writes
        await bench.wait(0.5)
        assert (len(bench.rows()), bench.log.writes) == (rows, writes)

    asyncio.run(run())


def test_slices_and_ticks_of_a_partition_take_turns() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        bench.clock.advance(6.5 * 3600)
        resolved = status("resolved", at=NOW + 6 * HOUR)
        await asyncio.gather(
            bench.runner.tick(0), bench.read("actions.status", resolved), bench.runner.tick(0)
        )
        assert bench.changes()[-1] == "resolved"
        sequences = [row["sequence"] for row in bench.of("work.orders")]
        assert sequences == sorted(set(sequences))

    asyncio.run(run())


def test_a_worker_that_lost_the_partition_writes_nothing_and_stops() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        bench.clock.advance(6.5 * 3600)
        rows = len(bench.rows())
        with pytest.raises(PartitionLost):
            await bench.runner.tick(0, lambda: False)
        assert len(bench.rows()) == rows
        bench.log.death = PartitionLost("taken over")
        with pytest.raises(PartitionLost):
            await bench.runner.tick_all()
        bench.log.death = None
        await bench.runner.revoked()
        await bench.runner.tick_all()
        assert bench.log.writes == 1

    asyncio.run(run())


def test_ticks_go_on_by_themselves_and_a_fault_stops_the_app() -> None:
    async def run() -> None:
        bench, stopped = Bench(), asyncio.Event()
        seen: list[Exception] = []

        async def crash(problem: Exception) -> None:
            seen.append(problem)
            stopped.set()

        await bench.read("actions.ticket", action())
        bench.runner.bind(lambda: lambda: True, crash)
        bench.clock.advance(6.5 * 3600)
        bench.log.death = ConnectionError("died")
        await bench.runner.start()
        await asyncio.wait_for(stopped.wait(), 5)
        await bench.runner.stop()
        assert isinstance(seen[0], ConnectionError)

    asyncio.run(run())


def test_one_work_order_that_cannot_be_fired_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action("a1"), action("a2"))
        fire = Follower.fire

        def explode(self: Follower, order: Any, now_ms: int) -> Any:
            if order.ident == "a1":
                raise ZeroDivisionError
            return fire(self, order, now_ms)

        monkeypatch.setattr(Follower, "fire", explode)
        await bench.wait(6.5)
        assert {row["action_id"] for row in bench.of("work.orders") if row["change"] == "escalated"} == {"a2"}
        assert [row["kind"] for row in bench.of("alerts")].count("poison") == 1

    asyncio.run(run())
