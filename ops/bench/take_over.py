"""A fresh process takes changelogs over as a worker does: what it costs in time and memory.

A module apart, so that nothing of the measurement's own counts as the worker's memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import Any

from models.clock import SystemClock
from ops.bench.machine import rss_mb
from ops.bench.steps import Steps
from ops.bench.traffic import mix
from ops.simulator.world import Produced
from streams.memory import (
    give_back_compiler,
    give_back_large_blocks,
    give_back_unused,
    spare_the_collector,
)
from streams.runtime import Runtime
from streams.settings import Settings

PARTITIONS = 8
AGENTS = ("score", "decide")
PATTERNS, EVENTS, PIECES = 1500, 6000, 7
DAYS_AGO = 7
"""When the states were left, so that what happens after them, closer together, is not in the future."""
CUSTOMER = re.compile(rb"cust-(\d{6})")
_OCCURRED = re.compile(rb'"occurred_at":(\d+)')


def spread(records: list[Produced], customers: int, known: int) -> list[Produced]:
    """Return the records with their `known` customers spread evenly over `customers`.

    They happen after the time of the states and closer together, so that each customer is heard of as
    often as before: else labels of all customers would fall due between one record and the next.
    """
    stride = max(1, customers // known)
    times = [int(found.group(1)) for r in records if (found := _OCCURRED.search(r.value))]
    first, last = min(times), max(times)

    def moved(match: re.Match[bytes]) -> bytes:
        return b"cust-%07d" % (int(match.group(1)) * stride)

    def later(match: re.Match[bytes]) -> bytes:
        return b'"occurred_at":%d' % (last + (int(match.group(1)) - first) // stride)

    return [
        replace(
            r,
            value=_OCCURRED.sub(later, CUSTOMER.sub(moved, r.value)),
            key=r.key and CUSTOMER.sub(moved, r.key),
        )
        for r in records
    ]


async def take_over(broker: str, customers: int) -> dict[str, Any]:
    """Load every partition as a worker does, then let events through; run in a process of its own."""
    settings = Settings.model_validate({"broker": broker, "partitions": PARTITIONS})
    run = Runtime(settings, SystemClock(), "bench")
    give_back_large_blocks()
    await run.producer.start()
    base, began, cpu = rss_mb(os.getpid()), time.monotonic(), time.process_time()
    steps, loaded = Steps(PARTITIONS, 2000), []
    spare_the_collector()  # as a worker does: else its walks are charged to random steps
    give_back_compiler()
    ready = time.monotonic()
    for agent in AGENTS:
        changelog = run.changelog(agent)
        loaded += [(agent, state) for state in await asyncio.gather(*map(changelog.load, range(PARTITIONS)))]
    for agent, state in loaded:
        steps.adopt(agent, state)
    figures: dict[str, Any] = {
        "start_seconds": round(ready - began, 2),
        "recovery_seconds": round(time.monotonic() - ready, 2),
        "recovery_cpu_seconds": round(time.process_time() - cpu, 2),
        "keys": sum(len(state) for _, state in loaded),
        "rss_mb": rss_mb(os.getpid()),
        "rss_mb_before": base,
        "peak_rss_mb": rss_mb(os.getpid(), peak=True),
    }
    # Models learn before the clock runs: else a run in which one is fitted half-way looks dear.
    for part in mix(PATTERNS, seed=5, days_ago=DAYS_AGO):
        steps.feed(part)
    del part
    give_back_unused()  # as a worker does twice a minute
    figures["rss_mb_with_learned_models"] = rss_mb(os.getpid())
    _, days = mix(EVENTS, seed=11, days_ago=DAYS_AGO)
    records = spread(days, customers, EVENTS // 6)
    half = len(records) // 2
    steps.feed(records[:half])
    figures["step_us_per_event"] = round(median(_pieces(steps, records[half:])), 2)
    await asyncio.gather(steps.close(), run.producer.stop())
    return figures


def _pieces(steps: Steps, records: list[Produced]) -> Iterator[float]:
    """Yield what each piece cost, µs an event: a neighbour's minute on this machine is in one, not in all."""
    size = len(records) // PIECES
    for at in range(0, size * PIECES, size):
        before, events = _spent(steps), steps.costs.events
        steps.feed(records[at : at + size])
        yield (_spent(steps) - before) / (steps.costs.events - events) * 1e6


def _spent(steps: Steps) -> float:
    return sum(steps.costs.seconds[name] for name in ("intake", "score", "decide"))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(take_over(sys.argv[1], int(sys.argv[2])))) + "\n")
