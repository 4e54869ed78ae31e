"""A long run at half load, to see whether memory, lag, handles or tasks grow.

Days of the same customers are published at a steady rate; every few seconds the workers are looked at from
outside (/proc) and by their own metrics. Nobody answers actions, so work orders end soon (`BRIEF`): kept for
their days and weeks, none would end within the run, and 60 a second would be added to memory. What grows
shows as a slope over the second half, when caches, windows and models have filled.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ops.bench import machine
from ops.bench.cluster import BenchCluster
from ops.bench.pipeline import TRIAL_S, TRIALS, Seen, observe, pages, settle, sustained, throughput
from ops.bench.traffic import DAY_MS, Publisher, mix
from ops.simulator.world import Produced, World
from streams import kafka

SAMPLE_S = 5.0
CHUNK_S = 2.0
BURST = 8_000
PER_DAY = 2_000
"""Feedback a simulated day: about three records of any kind for each."""
SEASON = 60_000
"""Feedbacks of a world; it has a sixth as many customers."""
BRIEF = {"abandon_after": "2m", "keep": "30s", "reopen": {"window": "30s", "most": 1}}
"""Instead of the follow-up policy's."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at all workers together.

    Parameters
    ----------
    seconds
        Since the beginning.
    rss_mb, handles, threads, tasks, keys, cpu
        Summed over the workers; `keys` of partition state, `cpu` in cores since the last look.
    behind
        Records published and not taken in yet.
    lag_seconds
        Age of the record an agent finished last when it did, the largest over agents and partitions.
    """

    seconds: float
    rss_mb: float
    handles: int
    threads: int
    tasks: int
    keys: int
    cpu: float
    behind: int
    lag_seconds: float


def days(seed: int, feedback: int) -> Iterator[Produced]:
    """Yield records day after day until `feedback` has been said, by the same customers all the time.

    Customers leave for good, so a world of `SEASON` feedbacks follows another: were there ever new
    customers, memory would have to grow.
    """
    seasons = -(-feedback // SEASON)
    length = SEASON // PER_DAY
    start = int(time.time() * 1000) - seasons * length * DAY_MS
    for season in range(seasons):
        world = World(seed, SEASON, start + season * length * DAY_MS, length, first=season * 10 * SEASON)
        yield from world.beginning()
        for number in range(length):
            yield from world.day(number)


def trend(samples: Sequence[Sample], name: str) -> dict[str, float]:
    """Return mean, largest and slope an hour of a figure over the second half.

    Examples
    --------
    >>> rows = [Sample(60.0 * i, 100.0 + i, 9, 4, 7, 50, 0.5, 0, 0.1) for i in range(10)]
    >>> trend(rows, "rss_mb")["per_hour"], trend(rows, "handles")["per_hour"]
    (60.0, 0.0)
    """
    half = samples[len(samples) // 2 :]
    at = np.array([sample.seconds for sample in half]) / 3600.0
    values = np.array([float(getattr(sample, name)) for sample in half])
    moved = at - at.mean()
    slope = float(moved @ (values - values.mean()) / (moved @ moved)) if len(half) > 1 else 0.0
    return {
        "mean": round(float(values.mean()), 2),
        "max": round(float(values.max()), 2),
        "per_hour": round(slope, 2),
    }


async def soak(
    on_kafka: bool, minutes: float, rate: float | None, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run and return one JSON-able object.

    Parameters
    ----------
    rate
        Records a second; half of what can be sustained when None.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as policy:
        shipped = files("models.follow_up").joinpath("policy.yaml").read_text("utf-8")
        policy.write(yaml.safe_dump(yaml.safe_load(shipped) | BRIEF))
        policy.flush()
        environment = {"HARK_FOLLOW_UP_FILE": policy.name}
        return await _soaked(BenchCluster(1, on_kafka, environment), minutes, rate, say, on_kafka)


async def _soaked(
    arena: BenchCluster, minutes: float, rate: float | None, say: Callable[[str], None], on_kafka: bool
) -> dict[str, Any]:
    async with arena as cluster:
        producer = kafka.producer(cluster.settings, "soak")
        await producer.start()
        try:
            publisher = Publisher(producer, cluster.settings.partitions)
            beginning, burst = mix(BURST)
            await publisher.all(beginning)
            await settle(cluster, Seen(time.monotonic(), 0.0), publisher.logged)
            most = (await throughput(cluster, publisher, burst))["events_per_second"]
            stream = days(11, int(max(most, rate or 0.0) * (minutes * 60.0 + TRIAL_S * sum(TRIALS))))
            held = None if rate else (await sustained(cluster, publisher, stream, most))["events_per_second"]
            pace = rate or (held or most * TRIALS[-1]) / 2
            say(f"a burst got through at {most:.0f} events/s; now {pace:.0f} for {minutes:g} minutes")
            samples = await _run(cluster, publisher, stream, pace, minutes * 60.0, say)
        finally:
            await producer.stop()
    figures = ("rss_mb", "handles", "threads", "tasks", "behind", "lag_seconds", "keys", "cpu")
    return {
        "machine": machine.describe(),
        "versions": machine.versions(),
        "stack": "kafka" if on_kafka else "embedded",
        "minutes": minutes,
        "rate": round(pace, 1),
        "burst_events_per_second": most,
        "sustained_events_per_second": held,
        "published": publisher.logged,
        "second_half": {name: trend(samples, name) for name in figures},
        "samples": [asdict(sample) for sample in samples],
    }


async def _run(
    cluster: BenchCluster,
    publisher: Publisher,
    stream: Iterator[Produced],
    rate: float,
    seconds: float,
    say: Callable[[str], None],
) -> list[Sample]:
    first = await observe(cluster)
    began, logged = time.monotonic(), publisher.logged + publisher.links
    samples: list[Sample] = []
    look = asyncio.create_task(_look(cluster, publisher, first, logged, began, samples, say))
    try:
        while time.monotonic() - began < seconds:
            chunk = [record for record, _ in zip(stream, range(int(rate * CHUNK_S)), strict=False)]
            if not chunk:
                break
            await publisher.paced(chunk, rate)
            publisher.sent_ms.clear()
            if look.done():
                look.result()
    finally:
        look.cancel()
        await asyncio.gather(look, return_exceptions=True)
    await settle(cluster, replace(first, at=time.monotonic()), publisher.logged + publisher.links - logged)
    return samples


async def _look(
    cluster: BenchCluster,
    publisher: Publisher,
    first: Seen,
    logged: int,
    began: float,
    samples: list[Sample],
    say: Callable[[str], None],
) -> None:
    last = first
    while True:
        await asyncio.sleep(SAMPLE_S)
        now = await observe(cluster)
        own = [_own(text) for text in await pages(cluster)]
        done = now.handled.get("intake", 0) - first.handled.get("intake", 0)
        pids = cluster.worker_pids
        samples.append(
            Sample(
                round(now.at - began, 1),
                round(sum(machine.rss_mb(pid) for pid in pids), 1),
                sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
                sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids),
                int(sum(found["hark_tasks"] for found in own)),
                int(sum(found["hark_state_keys"] for found in own)),
                round((now.cpu - last.cpu) / (now.at - last.at), 3),
                max(0, int(publisher.logged + publisher.links - logged - done)),
                round(max(found["hark_lag_seconds"] for found in own), 2),
            )
        )
        last = now
        if len(samples) % 12 == 0:
            found = samples[-1]
            say(
                f"{found.seconds:6.0f} s  {found.rss_mb:.0f} MB  behind {found.behind}  "
                f"lag {found.lag_seconds} s  cpu {found.cpu:.2f}"
            )


def _own(text: str) -> Mapping[str, float]:
    found = {"hark_tasks": 0.0, "hark_state_keys": 0.0, "hark_lag_seconds": 0.0}
    for family in text_string_to_metric_families(text):
        values = [sample.value for sample in family.samples]
        if family.name == "hark_lag_seconds":
            found[family.name] = max(values, default=0.0)
        elif family.name in found:
            found[family.name] = sum(values)
    return found
