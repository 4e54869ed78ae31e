"""Memory, recovery and cost with many customers: changelogs are filled, a fresh process takes them over."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from models.clock import SystemClock
from ops.bench.cluster import KafkaBroker
from ops.bench.machine import rss_mb
from ops.bench.steps import Steps
from ops.bench.traffic import mix
from ops.embedded.stack import Stack
from ops.simulator.world import Produced
from ops.topic_admin import apply
from streams import kafka
from streams.codec import partition_of
from streams.memory import (
    give_back_compiler,
    give_back_free_heap,
    give_back_large_blocks,
    spare_the_collector,
)
from streams.packing import shared_packer
from streams.runtime import Runtime
from streams.settings import Settings
from streams.topics import state_topic

PARTITIONS = 8
PATTERNS, EVENTS = 1500, 6000
DAYS_AGO = 7
"""When the states were left, so that what happens after them, closer together, is not in the future."""
LONGEST_S = 200.0
_CUSTOMER = re.compile(rb"cust-(\d{6})")
_OCCURRED = re.compile(rb'"occurred_at":(\d+)')
_PREFIX = b"c:"
_BATCH_BYTES = 900_000
_AGENTS = ("score", "decide")


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
            value=_OCCURRED.sub(later, _CUSTOMER.sub(moved, r.value)),
            key=r.key and _CUSTOMER.sub(moved, r.key),
        )
        for r in records
    ]


def clones(
    patterns: dict[str, list[dict[bytes, bytes]]], customers: int
) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield (agent, key, value) of every customer, states taken in turn from those that really came about."""
    for number in range(customers):
        ident = b"cust-%07d" % number
        for agent, found in patterns.items():
            for prefix, value in found[number % len(found)].items():
                yield agent, prefix + ident, value


async def patterns() -> dict[str, list[dict[bytes, bytes]]]:
    """Return the states of simulated customers as they are written, by agent, each by key prefix."""
    steps = Steps(PARTITIONS, 2000)
    beginning, days = mix(PATTERNS, days_ago=DAYS_AGO)
    steps.feed([*beginning, *days])
    await steps.close()
    found: dict[str, dict[bytes, dict[bytes, bytes]]] = {agent: defaultdict(dict) for agent in _AGENTS}
    for (agent, _), state in steps.states.items():
        for key, value in state.items():
            if agent in found and key[:2] == _PREFIX and _CUSTOMER.fullmatch(key[2:]):
                found[agent][key[2:]][key[:2]] = shared_packer().pack(value)
    return {agent: list(held.values()) for agent, held in found.items()}


async def fill(producer: AIOKafkaProducer, customers: int) -> int:
    """Write the changelogs of `customers`; returns their bytes before compression."""
    held: dict[tuple[str, int], Any] = {}
    total, waiting = 0, []
    for agent, key, value in clones(await patterns(), customers):
        place = (state_topic(agent), partition_of(key[2:], PARTITIONS))
        batch = held.get(place)
        if batch is None or batch.append(key=key, value=value, timestamp=None, headers=[("e", b"0")]) is None:
            if batch is not None:
                waiting.append(await producer.send_batch(batch, place[0], partition=place[1]))
            batch = held[place] = kafka.batch(Settings(), _BATCH_BYTES, _BATCH_BYTES)
            batch.append(key=key, value=value, timestamp=None, headers=[("e", b"0")])
        total += len(key) + len(value)
        if len(waiting) > 32:
            await asyncio.gather(*waiting)
            waiting = []
    for (topic, partition), batch in held.items():
        waiting.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*waiting)
    return total


async def state_figures(on_kafka: bool, customers: int) -> dict[str, Any]:
    """Fill a broker and have a fresh process load everything and go on."""
    stack = Stack()
    if on_kafka:
        stack.broker = KafkaBroker()
    async with stack:
        settings = Settings.model_validate({"broker": stack.broker.address, "partitions": PARTITIONS})
        await apply(settings)
        producer = kafka.producer(settings, "bench")
        await producer.start()
        try:
            written = await fill(producer, customers)
        finally:
            await producer.stop()
        command = [sys.executable, "-m", "ops.bench.state_load", stack.broker.address, str(customers)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=LONGEST_S, env=environment
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return {"skipped": (done.stderr.strip().splitlines() or ["no output"])[-1][:200]}
    return {"customers": customers, "state_mb": round(written / 1e6, 1), **json.loads(lines[-1])}


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
    for agent in _AGENTS:
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
    give_back_free_heap()  # as a worker does twice a minute
    figures["rss_mb_with_learned_models"] = rss_mb(os.getpid())
    _, days = mix(EVENTS, seed=11, days_ago=DAYS_AGO)
    records = spread(days, customers, EVENTS // 6)
    half = len(records) // 2
    steps.feed(records[:half])
    warm = sum(steps.costs.seconds[name] for name in ("intake", "score", "decide"))
    before = steps.costs.events
    steps.feed(records[half:])
    spent = sum(steps.costs.seconds[name] for name in ("intake", "score", "decide")) - warm
    figures["step_us_per_event"] = round(spent / (steps.costs.events - before) * 1e6, 2)
    await asyncio.gather(steps.close(), run.producer.stop())
    return figures


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(take_over(sys.argv[1], int(sys.argv[2])))) + "\n")
