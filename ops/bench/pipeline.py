"""The whole pipeline on a broker: throughput, processor time, latency, memory."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import orjson
from prometheus_client.parser import text_string_to_metric_families

from ops.bench.cluster import BenchCluster
from ops.bench.traffic import Publisher, mix
from ops.embedded.process import EmbeddedError
from ops.simulator.world import Produced
from streams import kafka
from streams.topics import ACTION_TOPICS, FEEDBACK_RAW

POLL_S = 0.5
QUIET_S = 2.5
LONGEST_S = 150.0
LATENCY_S = 12.0
SHARES = (0.25, 0.5, 0.75)
TRIALS = (0.9, 0.75, 0.6, 0.5, 0.4, 0.3, 0.2)
"""Shares of what a backlog is worked off at, tried from above until one is kept up with."""

TRIAL_S, KEPT_UP_MS = 8.0, 1000.0
BACKLOG_SHARE = 1 / 8
"""Of the records; the rest is there for rates and latencies."""


class Stalled(RuntimeError):
    """The pipeline did not get through in time; the message says how far it came."""


@dataclass(slots=True)
class Seen:
    """Counters of all workers at one moment."""

    at: float
    cpu: float
    handled: Mapping[str, float] = field(default_factory=dict)
    step: Mapping[str, float] = field(default_factory=dict)


async def observe(cluster: BenchCluster) -> Seen:
    """Read the workers' counters and processor time; raises EmbeddedError when a worker is gone."""
    handled: dict[str, float] = defaultdict(float)
    step: dict[str, float] = defaultdict(float)
    for text in await pages(cluster):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "hark_events_total":
                    handled[sample.labels["agent"]] += sample.value
                elif sample.name == "hark_step_seconds_total":
                    step[sample.labels["agent"]] += sample.value
    return Seen(time.monotonic(), cluster.cpu(), handled, step)


async def pages(cluster: BenchCluster) -> list[str]:
    """Return every worker's metrics page; raises EmbeddedError when a worker is gone."""
    cluster.check()
    try:
        return [await asyncio.to_thread(_scrape, port) for port in cluster.metrics_ports]
    except OSError as error:
        await asyncio.sleep(POLL_S)  # its end is noticed a moment after its sockets are closed
        cluster.check()
        raise EmbeddedError(f"a worker lives and does not tell its metrics: {error}") from error


def _scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text: str = answer.read().decode()
        return text


async def settle(cluster: BenchCluster, before: Seen, logged: int) -> tuple[Seen, float]:
    """Wait until `logged` records have passed intake and decide and nothing moves any more.

    Returns
    -------
    Seen, float
        Counters when the last agent had finished, and the seconds until the last but the store's had: it
        waits a second for a batch to fill.
    """
    last, worked = before, before.at
    while True:
        await asyncio.sleep(POLL_S)
        now = await observe(cluster)
        if any(last.handled.get(agent) != n for agent, n in now.handled.items() if agent != "archive"):
            worked = now.at
        if now.handled != last.handled:
            last = now
        done = now.handled.get("intake", 0) - before.handled.get("intake", 0) >= logged
        if done and now.at - last.at > QUIET_S:
            return last, worked - before.at
        if now.at - before.at > LONGEST_S:
            raise Stalled(f"after {LONGEST_S:.0f} s the agents had handled {dict(now.handled)} of {logged}")


async def throughput(
    cluster: BenchCluster, publisher: Publisher, records: Sequence[Produced]
) -> dict[str, Any]:
    """Publish everything at once and measure what the workers need to get through it."""
    before, logged = await observe(cluster), publisher.logged + publisher.links
    await publisher.all(records)
    after, seconds = await settle(cluster, before, publisher.logged + publisher.links - logged)
    events = publisher.logged - logged
    cpu = after.cpu - before.cpu
    stages = {
        agent: round((after.step[agent] - before.step.get(agent, 0.0)) / events * 1e6, 2)
        for agent in after.step
    }
    total = cpu / events * 1e6
    stages["learn, archive, loop, wire"] = round(total - sum(stages.values()), 2)
    return {
        "events": events,
        "feedback": sum(record.topic == FEEDBACK_RAW for record in records),
        "seconds": round(seconds, 2),
        "events_per_second": round(events / seconds, 1),
        "cpu_us_per_event": round(total, 2),
        "events_per_core_second": round(events / cpu, 1),
        "stages": stages,
        "rss_mb": cluster.memory(),
    }


async def latency(
    cluster: BenchCluster, publisher: Publisher, records: Sequence[Produced], rate: float
) -> dict[str, Any]:
    """Publish at a steady rate and return how long actions took, append to append, in milliseconds."""
    consumer = kafka.reader(cluster.settings, "bench-actions")
    consumer.subscribe(list(ACTION_TOPICS))
    await consumer.start()
    seen: dict[str, int] = {}

    async def listen() -> None:
        async for record in consumer:
            seen.setdefault(orjson.loads(record.value)["feedback_id"], record.timestamp)

    listening = asyncio.create_task(listen())
    try:
        before, logged = await observe(cluster), publisher.logged + publisher.links
        known = set(publisher.sent_ms)
        late = await publisher.paced(records, rate)
        await settle(cluster, before, publisher.logged + publisher.links - logged)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await consumer.stop()
    waits = [seen[i] - at for i, at in publisher.sent_ms.items() if i in seen and i not in known]
    found = np.array(waits or [np.nan])
    return {
        "rate": round(rate, 1),
        "actions": len(waits),
        "late_ticks": late,
        **{f"p{q:g}": round(float(np.percentile(found, q)), 1) for q in (50, 99, 99.9)},
    }


async def sustained(
    cluster: BenchCluster, publisher: Publisher, records: Iterator[Produced], most: float
) -> dict[str, Any]:
    """Return the highest rate tried that is kept up with: 99 % of actions within a second, throughout.

    A backlog comes in large slices, which cost less an event than what trickles in; so what is worked off a
    second is no rate to live with. Source: Karimov et al., "Benchmarking Distributed Stream Data Processing
    Systems", ICDE 2018 (sustainable throughput).

    Parameters
    ----------
    most
        Events a second a backlog is worked off at.
    """
    tried: list[dict[str, Any]] = []
    for share in TRIALS:
        rate = share * most
        tried.append(await latency(cluster, publisher, list(islice(records, int(rate * TRIAL_S))), rate))
        if tried[-1]["p99"] <= KEPT_UP_MS:
            return {"events_per_second": tried[-1]["rate"], "tried": tried}
    return {"events_per_second": None, "tried": tried}


@asynccontextmanager
async def running(
    beginning: Sequence[Produced], workers: int, kafka_: bool, agents: Sequence[str] = ()
) -> AsyncIterator[tuple[BenchCluster, Publisher, bool]]:
    """Run a cluster that has processed `beginning`; yields whether each worker has a core of its own, too."""
    async with BenchCluster(workers, kafka_, agents=agents) as cluster:
        with cluster.pinned() as pinned:
            producer = kafka.producer(cluster.settings, "bench")
            await producer.start()
            try:
                publisher = Publisher(producer, cluster.settings.partitions)
                # Profiles first and unmeasured: they fill caches.
                await publisher.all(beginning)
                await settle(cluster, Seen(time.monotonic(), 0.0), publisher.logged)
                yield cluster, publisher, pinned
            finally:
                await producer.stop()


async def backlog(kafka_: bool, feedback: int, workers: int, agents: Sequence[str] = ()) -> dict[str, Any]:
    """Measure what the whole demo mix costs: 60 days, published at once."""
    beginning, days = mix(feedback)
    async with running(beginning, workers, kafka_, agents) as (cluster, publisher, pinned):
        before = await asyncio.to_thread(cluster.volume)
        found = await throughput(cluster, publisher, days)
        after = await asyncio.to_thread(cluster.volume)
        return {**found, "pinned": pinned, "volume": after.since(before, found["events"])}


async def rates(
    kafka_: bool, feedback: int, workers: int = 1, shares: Sequence[float] = SHARES
) -> dict[str, Any]:
    """Measure what workers can sustain, and how long actions take at shares of that.

    Rates need more records than a backlog does: the first `BACKLOG_SHARE` of a larger mix tell how fast a
    backlog is worked off, the rest is published at rates.
    """
    beginning, days = mix(int(feedback / BACKLOG_SHARE))
    async with running(beginning, workers, kafka_) as (cluster, publisher, _):
        rest = iter(days)
        first = await throughput(cluster, publisher, list(islice(rest, int(len(days) * BACKLOG_SHARE))))
        found: dict[str, Any] = {
            "sustained": await sustained(cluster, publisher, rest, first["events_per_second"]),
            "latency_ms": {},
        }
        for share in shares:
            rate = share * (found["sustained"]["events_per_second"] or 0.0)
            if some := list(islice(rest, int(rate * LATENCY_S))):
                found["latency_ms"][f"{share:.0%}"] = await latency(cluster, publisher, some, rate)
        return found
