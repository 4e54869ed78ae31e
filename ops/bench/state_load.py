"""Memory, recovery and cost with many customers: changelogs are filled, a fresh process takes them over."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from ops.bench.cluster import KafkaBroker
from ops.bench.steps import Steps
from ops.bench.take_over import AGENTS, CUSTOMER, DAYS_AGO, PARTITIONS, PATTERNS
from ops.bench.traffic import mix
from ops.embedded.stack import Stack
from ops.topic_admin import apply
from streams import kafka
from streams.codec import partition_of
from streams.packing import shared_packer
from streams.settings import Settings
from streams.topics import state_topic

LONGEST_S = 200.0
_PREFIX = b"c:"
_BATCH_BYTES = 900_000


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
    found: dict[str, dict[bytes, dict[bytes, bytes]]] = {agent: defaultdict(dict) for agent in AGENTS}
    for (agent, _), state in steps.states.items():
        for key, value in state.items():
            if agent in found and key[:2] == _PREFIX and CUSTOMER.fullmatch(key[2:]):
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
        command = [sys.executable, "-m", "ops.bench.take_over", stack.broker.address, str(customers)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=LONGEST_S, env=environment
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return {"skipped": (done.stderr.strip().splitlines() or ["no output"])[-1][:200]}
    return {"customers": customers, "state_mb": round(written / 1e6, 1), **json.loads(lines[-1])}
