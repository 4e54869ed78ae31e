"""How fast the sink alone stores rows: `python -m ops.bench.sink [--rows N] [--repeats N]`.

Records are made beforehand as the pipeline writes them (feedback 1.2 kB, facts, decisions,
actions); the clock runs over `ClickHouseSink.write` alone, so over splicing, HTTP, parsing and
the table engine. Sink and store are held to one and the same core. Each kind is shown alone and the
mix as the demo has it, by the wall clock and by the CPU that both processes used together, merges in
the background that fall into the time included: on a machine shared with others CPU says more. The
last line holds it against the goal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import orjson

from ops.embedded.store import EmbeddedStore
from sinks.base import Slice
from sinks.clickhouse import ClickHouseSink, Schema, connect

START_MS = 1_750_000_000_000
MIX = {"feedback": 0.45, "facts": 0.35, "decisions": 0.12, "actions": 0.08}
"""Share of each kind among archived records of a demo run."""

GOAL = 100_000
"""Rows of the mix a CPU second, sink and store together."""


def feedback(rng: random.Random, at: int) -> dict[str, Any]:
    """Make a scored feedback of 1.2 kB."""
    return {
        "event": "feedback",
        "feedback_id": f"{rng.getrandbits(96):024x}",
        "customer_id": f"c{rng.randrange(50_000)}",
        "linked": True,
        "voice": None,
        "channel": rng.choice(("app", "web", "chat")),
        "text": f"这个新版本的转账老是卡住，等了{rng.randrange(60)}分钟都没有反应，希望尽快修复，谢谢",
        "lang": "zh",
        "rating": rng.choice((-1.0, -0.5, 0.5, 1.0, None)),
        "label": None,
        "kind": None,
        "product": "app",
        "region": "华东",
        "order_id": None,
        "occurred_at": at,
        "received_at": at + 500,
        "late": False,
        "masked": {"PHONE": 1},
        "media_pending": 0,
        "attributes": {},
        "scores": {
            "polarity": -0.73,
            "confidence": 0.88,
            "emotion": "angry",
            "effort": False,
            "topics": ["product.defect", "service"],
            "kind": "complaint",
            "demand": True,
            "urgency": "normal",
            "response_minutes": 240,
            "priority": 0.63,
            "churn": rng.random(),
            "purchase": 0.1,
        },
        "customer": {
            "tier": "gold",
            "segment": "a",
            "region": "华东",
            "time_zone": "Asia/Shanghai",
            "lifetime_value": 1234.5,
            "tenure_days": 512.3,
            "purchases": 3.2,
            "money": 420.25,
            "days_since_purchase": 12.5,
            "products": ["a", "b"],
            "feedbacks": 3.0,
            "negatives": 2.0,
            "open_tickets": 1,
            "late_deliveries": 0,
        },
        "cluster_id": f"{rng.getrandbits(64):016x}",
        "cluster_size": 3,
        "duplicate_of": None,
        "reasons": ["3 negative feedbacks in 7 days", "mentions refund"],
        "models": {"sentiment": 12, "churn": 8, "topics": 3},
        "scored_at": at + 1500,
    }


def fact(rng: random.Random, at: int) -> dict[str, Any]:
    """Make a customer event as it stands in the customer's log."""
    return {
        "event": "customer",
        "id": f"{rng.getrandbits(96):024x}",
        "customer_id": f"c{rng.randrange(50_000)}",
        "kind": "purchase",
        "value": None,
        "amount": 42.5,
        "quantity": 1.0,
        "product": "app",
        "tier": None,
        "lifetime_value": None,
        "since": None,
        "time_zone": None,
        "segment": None,
        "region": None,
        "feedback_id": None,
        "model": None,
        "action_id": None,
        "occurred_at": at,
        "received_at": at + 500,
    }


def decision(rng: random.Random, at: int) -> dict[str, Any]:
    """Make a decision."""
    return {
        "decision_id": f"{rng.getrandbits(96):024x}",
        "feedback_id": f"{rng.getrandbits(96):024x}",
        "customer_id": f"c{rng.randrange(50_000)}",
        "rule_id": "late_delivery",
        "rule_version": 3,
        "arm": rng.choice(("acted", "holdout")),
        "reason": "",
        "propensity": 0.9,
        "holdout_share": 0.1,
        "action_kind": "coupon",
        "action_id": f"{rng.getrandbits(96):024x}",
        "expected_value": 12.0,
        "cost": 3.0,
        "channel": "app",
        "tier": "gold",
        "topic": "logistics.late",
        "models": {"churn": 8},
        "values": {"negative_7d": 3, "customer.lifetime_value": 1234.5, "scores.churn": 0.62},
        "attribution_days": 30.0,
        "occurred_at": at,
        "received_at": at + 500,
        "decided_at": at + 2000,
    }


def action(rng: random.Random, at: int) -> dict[str, Any]:
    """Make an action."""
    return {
        "action_id": f"{rng.getrandbits(96):024x}",
        "decision_id": f"{rng.getrandbits(96):024x}",
        "feedback_id": f"{rng.getrandbits(96):024x}",
        "customer_id": f"c{rng.randrange(50_000)}",
        "kind": "coupon",
        "rule_id": "late_delivery",
        "rule_version": 3,
        "team": "care",
        "template": "late_delivery",
        "lang": "zh",
        "parameters": {"coupon": "express", "valid_days": 30},
        "explanation": "late delivery, 3 complaints in 7 days",
        "priority": 0.7,
        "deadline": at + 3_600_000,
        "received_at": at + 500,
        "decided_at": at + 2000,
    }


KINDS: dict[str, tuple[str, Callable[[random.Random, int], dict[str, Any]]]] = {
    "feedback": ("feedback.scored", feedback),
    "facts": ("feedback.scored", fact),
    "decisions": ("decisions", decision),
    "actions": ("actions.coupon", action),
}


def _slices(kinds: dict[str, int], begin: int, rng: random.Random) -> list[Slice]:
    """Make one batch of `kinds` (rows by kind), a partition a kind, offsets from `begin`."""
    found = []
    for partition, (kind, rows) in enumerate(kinds.items()):
        topic, make = KINDS[kind]
        records = [(begin + i, orjson.dumps(make(rng, START_MS + i * 50))) for i in range(rows)]
        found.append(Slice(topic, partition, begin, begin + rows - 1, records))
    return found


def _cpu_of(pid: int) -> float:
    """Return the CPU seconds process `pid` used so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def hold_to_one_core() -> None:
    """Keep this process and those it starts on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


async def measure(rows: int, repeats: int, seed: int = 7) -> dict[str, dict[str, float]]:
    """Return rows a second by kind and for the mix: medians over `repeats`, for CPU also extremes."""
    rng = random.Random(seed)
    results: dict[str, dict[str, float]] = {}
    store = EmbeddedStore()
    await store.start()
    try:
        client = connect(store.url)
        Schema(client).migrate()
        client.close()
        sink = ClickHouseSink(store.url, insert_settings={"max_threads": 1, "max_insert_threads": 1})
        await sink.start()
        plans = {"mix": {kind: round(share * rows) for kind, share in MIX.items()}}
        plans |= {kind: {kind: rows} for kind in KINDS}
        begin = 0
        for name, plan in plans.items():
            walls, cpus = [], []
            for _ in range(repeats + 1):
                batch = _slices(plan, begin, rng)
                begin += rows
                wall, cpu = time.perf_counter(), time.process_time() + _cpu_of(store.pid or 0)
                written = await sink.write(batch)
                cpus.append(written.rows / (time.process_time() + _cpu_of(store.pid or 0) - cpu))
                walls.append(written.rows / (time.perf_counter() - wall))
            # The first round pays for connecting and warming up.
            results[name] = {
                "wall": statistics.median(walls[1:]),
                "cpu": statistics.median(cpus[1:]),
                "cpu_least": min(cpus[1:]),
                "cpu_most": max(cpus[1:]),
            }
        await sink.close()
    finally:
        await store.stop()
    return results


def main() -> None:
    """Print a table, and one JSON object with --json."""
    parser = argparse.ArgumentParser(description="Throughput of the ClickHouse sink into the embedded store.")
    parser.add_argument("--rows", type=int, default=50_000, help="rows of one batch")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    hold_to_one_core()
    results = asyncio.run(measure(options.rows, options.repeats))
    if options.json:
        print(json.dumps(results))
        return
    print(f"{'rows':<12}{'a second':>12}{'a CPU second':>14}")
    for name, figures in results.items():
        print(f"{name:<12}{figures['wall']:>12,.0f}{figures['cpu']:>14,.0f}")
    mix = results["mix"]
    print(
        f"goal {GOAL:,} rows of the mix a CPU second of sink and store: median {mix['cpu']:,.0f}"
        f" of {options.repeats} ({mix['cpu_least']:,.0f} to {mix['cpu_most']:,.0f}),"
        f" {'reached' if mix['cpu'] >= GOAL else 'missed'}"
    )


if __name__ == "__main__":
    main()
