"""Everything `hark bench` measures, in an order that keeps it under ten minutes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ops.bench import compare, machine, pipeline, state_load
from ops.bench.steps import Steps
from ops.bench.traffic import mix
from streams.memory import spare_the_collector

SAME_STEPS = ("intake", "score", "decide")
Say = Callable[[str], None]


async def in_memory(feedback: int) -> dict[str, Any]:
    """Return the cost of every agent's step without a broker, µs an event."""
    spare_the_collector()  # as a worker does: else its walks are charged to random steps
    steps = Steps(8, 4000)
    beginning, days = mix(feedback)
    steps.feed(beginning)
    steps.costs.seconds.clear()
    steps.costs.events = steps.costs.feedback = steps.costs.state_bytes = 0
    await asyncio.to_thread(steps.feed, days)
    await steps.close()
    costs = steps.costs
    return {
        "events": costs.events,
        "cpu_us_per_event": costs.us_per_event,
        "stages": costs.stages(),
        "state_bytes_per_event": round(costs.state_bytes / max(1, costs.events)),
    }


async def run(on_kafka: bool, quick: bool, peers: Any, say: Say) -> dict[str, Any]:
    """Measure everything and return one JSON-able object.

    A part that fails is reported with its reason and does not end the others.

    Parameters
    ----------
    quick
        A third of the events and no million customers.
    peers
        Folder of the peers' virtual environment.
    """
    began, skipped = time.monotonic(), dict[str, str]()
    feedback = 4_000 if quick else 16_000

    async def part(name: str, work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        say(f"{name} ({time.monotonic() - began:.0f} s)")
        try:
            return await work
        except Exception as problem:
            skipped[name] = f"{type(problem).__name__}: {problem}"[:200]
            return {}

    report: dict[str, Any] = {
        "machine": machine.describe(),
        "versions": machine.versions(),
        "stack": "kafka" if on_kafka else "embedded",
        "quick": quick,
    }
    steps = await part("steps in memory", in_memory(feedback // 2))
    one = await part("one worker", pipeline.backlog(on_kafka, feedback // 2, 1))
    two = await part("two workers", pipeline.backlog(on_kafka, feedback // 2, 2))
    same = await part("the three steps Quix has", pipeline.backlog(on_kafka, feedback // 2, 1, SAME_STEPS))
    beside = await part("peers", compare.compare(on_kafka, feedback // 2, peers))
    rates = await part("rates", pipeline.rates(on_kafka, feedback // 2))
    two |= await part("rates of two workers", pipeline.rates(on_kafka, feedback // 2, 2, ()))
    sizes = (10_000, 100_000) if quick else (10_000, 100_000, 1_000_000)
    customers = [await part(f"{n:,} customers", state_load.state_figures(on_kafka, n)) for n in sizes]
    skipped.update({name: got["skipped"] for name, got in beside.items() if "skipped" in got})
    cost, same_cost = one.get("cpu_us_per_event"), same.get("cpu_us_per_event")
    half = rates.get("latency_ms", {}).get("50%", {})
    report |= {
        "pipeline": {
            "cpu_us_per_event": cost,
            "stages": one.get("stages", {}),
            **one,
            **rates,
            "in_memory": steps,
        },
        "ratio": {
            "ordinary_faust": _ratio(beside.get("ordinary_faust"), cost),
            "ordinary_faust_less": _ratio(beside.get("ordinary_faust_less"), cost),
            "quix": _ratio(beside.get("quix"), same_cost),
            "relay": _ratio(beside.get("relay"), cost),
        },
        "peers": {**beside, "hark_same_steps_as_quix": same},
        "two_workers": two,
        "scaling_2_workers": scaling(one, two),
        "latency_ms_half_load": {"p50": half.get("p50"), "p99": half.get("p99"), "p99.9": half.get("p99.9")},
        "rss_mb": (one.get("rss_mb") or [None])[0],
        "customers": customers,
        "skipped": skipped,
        "seconds": round(time.monotonic() - began, 1),
    }
    return report


def _ratio(peer: dict[str, Any] | None, cost: float | None) -> float | None:
    """Return how often a peer's cost an event contains ours; below 1 for a floor."""
    if not peer or not cost or "cpu_us_per_event" not in peer:
        return None
    return round(float(peer["cpu_us_per_event"]) / cost, 3)


def scaling(one: dict[str, Any], two: dict[str, Any]) -> float | None:
    """Return how much more two workers get through.

    By the clock where each worker and everything else had cores of their own; otherwise by what an
    event cost: two workers whose events cost as much as one's do twice the work on cores of their own.

    Examples
    --------
    >>> scaling({"cpu_us_per_event": 90.0}, {"cpu_us_per_event": 100.0, "pinned": False})
    1.8
    """
    if not one.get("cpu_us_per_event") or not two.get("cpu_us_per_event"):
        return None
    if two.get("pinned"):
        return round(float(two["events_per_second"]) / float(one["events_per_second"]), 2)
    return round(2.0 * float(one["cpu_us_per_event"]) / float(two["cpu_us_per_event"]), 2)
