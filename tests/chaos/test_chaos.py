"""Rounds of random incidents on Apache Kafka; after each, the books must agree event by event."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from chaos_arena import Arena
from chaos_play import BROKER_INCIDENTS, INCIDENTS, ROUNDS, SEED, Play, Report, kill

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_available")]


def test_the_pipeline_equals_the_undisturbed_run_in_memory(tmp_path: Path, chaos_report: Report) -> None:
    """Without incidents nothing may differ either: otherwise the books are wrong, not the pipeline."""

    async def run() -> None:
        async with Arena(tmp_path) as arena:
            play = Play(arena, SEED, chaos_report)
            await play.begin()
            await play.round(0, [])

    asyncio.run(run())


def test_random_incidents_change_no_result(tmp_path: Path, chaos_report: Report) -> None:
    """Kills, terminations, zombies, joins, a failing store, floods, an uneven partition."""

    async def run() -> None:
        async with Arena(tmp_path) as arena:
            play = Play(arena, SEED, chaos_report)
            await play.begin()
            for number in range(ROUNDS):
                # Sampling without replacement: two freezes of one worker would only lengthen the round.
                await play.round(number, play.rng.sample(INCIDENTS, play.rng.randint(1, 3)))
            assert arena.watcher.stale == 0, "the log took state from a worker that had lost the partition"

    asyncio.run(run())


def test_brokers_of_three_may_die_freeze_and_restart(tmp_path: Path, chaos_report: Report) -> None:
    """A round for every four of the others, at least one; three copies, two in sync."""

    async def run() -> None:
        async with Arena(tmp_path, nodes=3) as arena:
            play = Play(arena, SEED, chaos_report)
            await play.begin()
            for number in range(max(1, ROUNDS // 4)):
                incidents = [play.rng.choice(BROKER_INCIDENTS)]
                await play.round(number, [*incidents, kill] if play.rng.random() < 0.5 else incidents)
            assert arena.watcher.stale == 0, "the log took state from a worker that had lost the partition"

    asyncio.run(run())
