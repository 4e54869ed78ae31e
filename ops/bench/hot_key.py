"""A customer whose client runs wild: what neighbours in the partition pay for it, with the limit and without.

    python -m ops.bench.hot_key

One customer's records go to one partition, which one process works on, so neighbours wait for as long as
the surplus takes. `HARK_CUSTOMER_LIMIT` lets the surplus end before it is read, joined, taught and judged.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import sys

import orjson

from ops.bench.steps import Steps
from ops.bench.traffic import mix
from ops.simulator.world import Produced
from streams.settings import Settings
from streams.topics import FEEDBACK_RAW

EVENTS = 4_000
RUNS = 3
STAGES = ("intake", "score", "decide", "follow_up", "wire")
RATE = 10_000
"""Events a second of the one customer, for the bound that is printed."""


def wild(count: int, run: int) -> list[Produced]:
    """Return feedback of one customer, every text another."""
    values = [
        {
            "id": f"wild-{run}-{n}",
            "channel": "app",
            "customer_id": "wild",
            "text": f"第{n}次提交失败，一直转圈，怎么回事？",
        }
        for n in range(count)
    ]
    return [Produced(FEEDBACK_RAW, b"wild", orjson.dumps(value), str(value["id"])) for value in values]


async def cost(limit: int, run: int) -> float:
    """Return CPU µs an event of the flood, over the agents on the way to an action."""
    settings = Settings.model_validate(
        {"pii_keys": secrets.token_hex(), "partitions": 8, "rules_clock": "occurred", "customer_limit": limit}
    )
    steps = Steps(8, 2000, settings=settings)
    try:
        beginning, days = mix(800)
        steps.feed([*beginning, *days, *wild(1_000, -1)])
        before = sum(steps.costs.seconds[stage] for stage in STAGES)
        steps.feed(wild(EVENTS, run))
        return (sum(steps.costs.seconds[stage] for stage in STAGES) - before) / EVENTS * 1e6
    finally:
        await steps.close()


async def main() -> None:
    """Print both costs, medians of several runs, and what a neighbour waits at a given flood."""
    for name, limit in (("no limit", 0), ("limit 600", 600)):
        found = statistics.median([await cost(limit, run) for run in range(RUNS)])
        sys.stdout.write(
            f"{name:<10} {found:6.1f} µs an event of the flood; at {RATE:,} a second a neighbour waits "
            f"{RATE * found / 1e6:.2f} s for each second of it\n"
        )


if __name__ == "__main__":
    asyncio.run(main())
