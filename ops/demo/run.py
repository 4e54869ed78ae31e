"""Runs a whole demo: start everything, play, drain, report, stop everything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from ops.demo.examples import example_records
from ops.demo.services import Services, cancel, topics
from ops.demo.traffic import Feeder
from ops.demo.truth import true_effects
from ops.local import LocalCluster
from ops.reporting.page import write_page
from ops.reporting.summary import Summary, summarise
from ops.simulator.world import Produced, World
from sinks.clickhouse.client import Client, connect
from streams import kafka

DAY_MS = 86_400_000
DRAIN_SECONDS = 120.0
QUIET_SECONDS = 3.0
POLL_SECONDS = 0.5
DAYS = 60
PATIENCE_DAYS, FILE_PATIENCE_DAYS = 4, 180
"""What runs by on the customers' clock before services answer; a file of years is played in seconds."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to run.

    Parameters
    ----------
    events
        Simulated feedback events.
    inputs
        Files of real feedback instead of the simulated world.
    rate
        Most records a second; None for as fast as the pipeline takes them.
    html
        File for the report as a page with charts.
    """

    events: int = 20_000
    seed: int = 7
    workers: int = 2
    inputs: tuple[Path, ...] = ()
    rate: float | None = None
    data: Path | None = None
    html: Path | None = None


class Progress(Protocol):
    """Where progress goes; the command line draws a bar, tests say nothing."""

    def say(self, text: str) -> None:
        """Announce a phase."""
        ...

    def at(self, done: int, total: int, rate: float, lag: int) -> None:
        """Report how many of `total` records are published, the rate and how many wait."""
        ...


class NotDrained(RuntimeError):
    """The pipeline did not finish in time; the message says what is missing."""


async def run(
    options: Options, progress: Progress, records: Callable[[], Iterator[Produced]] | None = None
) -> Summary:
    """Run a demo and return its report; everything started is stopped whatever happens.

    Parameters
    ----------
    records
        Makes the records of `options.inputs`.
    """
    progress.say("starting broker, store and workers")
    environment = {
        "HARK_RULES_CLOCK": "occurred",
        "HARK_RULES_PATIENCE_S": str((FILE_PATIENCE_DAYS if options.inputs else PATIENCE_DAYS) * 86_400),
        "HARK_HORIZON_DAYS": "14",
        "HARK_ARCHIVE_LINGER_S": "0.3",
    }
    async with LocalCluster(options.workers, options.data, environment=environment) as cluster:
        client = await asyncio.to_thread(connect, cluster.stack.store.url, "default", "", "hark")
        play = _Play(cluster, client, options, progress)
        try:
            async with _clients(cluster) as (producer, consumer):
                return await play.run(producer, consumer, records)
        finally:
            client.close()


@asynccontextmanager
async def _clients(cluster: LocalCluster) -> AsyncIterator[tuple[AIOKafkaProducer, AIOKafkaConsumer]]:
    producer = kafka.producer(cluster.settings, "demo")
    consumer = kafka.reader(cluster.settings, "services")
    consumer.subscribe(topics())
    await producer.start()
    try:
        await consumer.start()
        try:
            yield producer, consumer
        finally:
            await consumer.stop()
    finally:
        await producer.stop()


class _Play:
    def __init__(self, cluster: LocalCluster, client: Client, options: Options, progress: Progress) -> None:
        self._cluster = cluster
        self._client = client
        self._options = options
        self._progress = progress
        self._began = time.monotonic()

    async def run(
        self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer,
        records: Callable[[], Iterator[Produced]] | None,
    ) -> Summary:  # fmt: skip
        options = self._options
        feeder = Feeder(producer, self._cluster.settings.partitions, options.rate)
        start_ms = int(time.time() * 1000) - DAYS * DAY_MS
        world = None if records else World(options.seed, options.events, start_ms, DAYS)
        services = Services(
            consumer, producer, world.hear if world else _ignore, Random(options.seed), feeder.said_ms
        )
        serving = asyncio.create_task(services.run(), name="services")
        try:
            began = time.monotonic()
            if world is not None:
                await self._play_world(world, feeder)
            elif records is not None:
                await self._play_file(records, feeder)
            self._progress.say("draining")
            processed = await self._drain(feeder)
            seconds = processed - began
        finally:
            await cancel(serving)
        return await self._report(feeder, services, world, seconds)

    async def _play_world(self, world: World, feeder: Feeder) -> None:
        """Play day after day; what is said today waits until yesterday is nearly processed."""
        await feeder.publish(example_records(world.start_ms))
        await feeder.publish(world.beginning())
        self._progress.say("playing 60 days")
        for number in range(world.days):
            today = world.day(number)
            await feeder.publish(today)
            # Two days on their way at most: what was answered must come before the customer's clock ran on
            # by 48 hours and the patience of four days.
            await self._keep_up(feeder, number + 1, world.days, 2 * len(today))

    async def _play_file(self, records: Callable[[], Iterator[Produced]], feeder: Feeder) -> None:
        self._progress.say("playing real feedback")
        for_once = list(records())
        step = max(1, len(for_once) // 50)
        for at in range(0, len(for_once), step):
            await feeder.publish(for_once[at : at + step])
            await self._keep_up(feeder, min(at + step, len(for_once)), len(for_once), 4000)

    async def _keep_up(self, feeder: Feeder, done: int, total: int, behind: int) -> None:
        """Show progress, and wait while more than `behind` events are on their way."""
        while True:
            self._check()
            lag = feeder.logged - await asyncio.to_thread(self._arrived)
            rate = feeder.raw / max(0.001, time.monotonic() - self._began)
            self._progress.at(done, total, rate, lag)
            if lag <= behind:
                return
            await asyncio.sleep(0.2)

    def _arrived(self) -> int:
        """Return how many records stand in the store; counted from part headers, so it costs nothing."""
        tables = ("feedback", "facts", "dead_letters")
        counts = " + ".join(f"(SELECT count() FROM {table})" for table in tables)
        return int(self._client.query(f"SELECT {counts}").result_rows[0][0])

    def _check(self) -> None:
        failure = self._cluster.failure
        if failure is not None and failure.done():
            raise NotDrained(failure.result())

    async def _drain(self, feeder: Feeder) -> float:
        """Wait until every event stands in the store and nothing has moved for a while.

        Returns
        -------
        float
            Monotonic time at which the last event was stored.
        """
        deadline = time.monotonic() + DRAIN_SECONDS
        last, moved = (-1, -1, -1), time.monotonic()
        while True:
            self._check()
            counts = await asyncio.to_thread(summarise_counts, self._client)
            now = time.monotonic()
            stored = counts["scored"] + counts["duplicates"] + counts["dead_letters"]
            found = (stored, counts["facts"], counts["others"])
            if found != last:
                last, moved = found, now
            self._progress.at(stored, feeder.raw, stored / (now - self._began), feeder.raw - stored)
            if stored >= feeder.raw and now - moved > QUIET_SECONDS:
                return moved
            if now > deadline:
                raise NotDrained(
                    f"{feeder.raw - stored} of {feeder.raw} events are not in the store after "
                    f"{DRAIN_SECONDS:.0f} s; see the logs in {self._cluster.data}"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def _report(
        self, feeder: Feeder, services: Services, world: World | None, seconds: float
    ) -> Summary:
        report = await asyncio.to_thread(summarise, self._client, feeder.raw)
        times = [services.seen_ms[i] - at for i, at in feeder.sent_ms.items() if i in services.seen_ms]
        waits = np.array([float(wait) for wait in times if wait >= 0] or [np.nan])
        report["events_per_second"] = round(feeder.raw / seconds, 1)
        report["latency_ms"] = {
            "p50": _finite(np.percentile(waits, 50)),
            "p99": _finite(np.percentile(waits, 99)),
            "n": len(times),
        }
        report["workers"] = self._options.workers
        report["seconds"] = round(seconds, 2)
        report["action_repeats"] = services.repeats
        if world is not None:
            truth = await asyncio.to_thread(true_effects, self._client, world)
            for row in report["uplift"]:
                row["truth"] = truth.get((row["rule"], row["metric"]))
        if self._options.html is not None:
            horizon_days = self._cluster.settings.horizon_days
            await asyncio.to_thread(write_page, self._options.html, self._client, report, horizon_days)
        return report


def summarise_counts(client: Client) -> dict[str, int]:
    """Return how many events are stored, and how many decisions, actions and answers."""
    row = client.query(
        "SELECT (SELECT count() FROM feedback), (SELECT count() FROM facts WHERE event = 'dropped' AND "
        "value = 'feedback'), (SELECT count() FROM dead_letters WHERE topic = 'feedback.raw'), "
        "(SELECT count() FROM facts WHERE event != 'dropped'), (SELECT count() FROM decisions) + "
        "(SELECT count() FROM actions) + (SELECT count() FROM action_status) SETTINGS final = 1"
    ).result_rows[0]
    names = ("scored", "duplicates", "dead_letters", "facts", "others")
    return dict(zip(names, map(int, row), strict=True))


def _ignore(action: dict[str, Any]) -> None:
    """Real customers are not in this room."""


def _finite(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 1)
