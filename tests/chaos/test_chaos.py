"""Rounds of random incidents on Apache Kafka; after each, the books must agree event by event."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from chaos_arena import Arena
from chaos_ledger import books
from chaos_play import (
    BROKER_INCIDENTS,
    INCIDENTS,
    ROUNDS,
    SEED,
    Play,
    Report,
    kill,
    store_away_for_long,
)

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_available")]

LONG_RUN = 50
"""Rounds from which on the store also goes away for more than a minute, once."""


def test_random_incidents_change_no_result(tmp_path: Path, chaos_report: Report) -> None:
    """Kills, terminations, zombies, joins, a failing store, floods, an uneven partition.

    In the first round nothing happens: were anything to differ then, the books would be wrong.
    """

    async def run() -> None:
        async with Arena(tmp_path) as arena:
            play = Play(arena, SEED, chaos_report)
            await play.begin()
            await play.round(0, [])
            for number in range(1, ROUNDS - ROUNDS // 5 - 2 * (ROUNDS // 10)):
                # Sampling without replacement: two freezes of one worker would only lengthen the round.
                await play.round(number, play.rng.sample(INCIDENTS, play.rng.randint(1, 3)))
            if ROUNDS >= LONG_RUN:
                await play.round(ROUNDS, [store_away_for_long, kill])
            assert arena.watcher.stale == 0, "the log took state from a worker that had lost the partition"

    asyncio.run(run())


def test_incidents_behind_tls_and_access_control_change_no_result(
    tmp_path: Path, chaos_report: Report
) -> None:
    """A round of ten, at least one: every process logs in as a user with the shipped ACLs and no more."""

    async def run() -> None:
        async with Arena(tmp_path, locked=True) as arena:
            play = Play(arena, SEED, chaos_report)
            await play.begin()
            for number in range(max(1, ROUNDS // 10)):
                await play.round(number, [kill, *play.rng.sample(INCIDENTS, 2)])
            assert arena.watcher.stale == 0, "the log took state from a worker that had lost the partition"

    asyncio.run(run())


def test_brokers_of_three_may_die_freeze_and_restart(tmp_path: Path, chaos_report: Report) -> None:
    """A round of five, at least one; three copies, two in sync."""

    async def run() -> None:
        async with Arena(tmp_path, nodes=3) as arena:
            play = Play(arena, SEED, chaos_report)
            await play.begin()
            for number in range(max(1, ROUNDS // 5)):
                incidents = [play.rng.choice(BROKER_INCIDENTS)]
                await play.round(number, [*incidents, kill] if play.rng.random() < 0.5 else incidents)
            assert arena.watcher.stale == 0, "the log took state from a worker that had lost the partition"

    asyncio.run(run())


def test_a_record_that_kills_every_worker_is_a_dead_letter_and_nothing_else_is(
    tmp_path: Path, chaos_report: Report
) -> None:
    """What outlives the process are words beside the committed offsets."""

    async def run() -> None:
        async with Arena(tmp_path) as arena:
            arena.poison = "ends the process"
            play = Play(arena, SEED, chaos_report)
            await play.begin()
            events = play.traffic.round(0, 300)
            place = next(n for n, event in enumerate(events) if n > 100 and b'"text":"' in event.value)
            text = b'"text":"' + arena.poison.encode()
            events[place] = replace(events[place], value=events[place].value.replace(b'"text":"', text))
            arrived = await arena.publish("feedback.raw", events)
            killer = next(
                (p, r) for p, records in arrived.items() for r in records if r.value == events[place].value
            )
            arrived[killer[0]].remove(killer[1])
            await play.oracle.run("feedback.raw", arrived)
            wanted = books(play.oracle)
            wanted.dead["feedback.raw", killer[0], killer[1].offset] = "poison"
            await play.drain("all but the killer", wanted)
            assert play.ledger.differences(wanted) == []
            ends = {worker.name: len(worker.exits) for worker in arena.workers}
            chaos_report(f"one record of {len(events)} ended workers: {ends}")
            assert sum(ends.values()) <= 6

    asyncio.run(run())
