"""From measured costs to a cluster: `python -m ops.bench.capacity ops/bench/results/embedded.json`."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

DAY_S = 86_400
RATES = (10_000, 100_000, 1_000_000)
BUSY = 0.6
"""Share of a core planned for: the rest is for peaks, rebalances and a failed neighbour."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What one event costs.

    Parameters
    ----------
    cpu_us
        CPU µs of all agents.
    serial_us
        CPU µs of the slowest single agent: a partition is handled by one process at a time.
    learn_us
        CPU µs of the busiest learner, which has one partition whatever the size.
    wire_bytes
        Compressed bytes appended to all topics, changelogs included.
    stored_rows, stored_bytes
        Rows and compressed bytes in the store.
    """

    cpu_us: float
    serial_us: float
    learn_us: float
    wire_bytes: float = 1_100.0
    stored_rows: float = 1.5
    stored_bytes: float = 220.0


@dataclass(frozen=True, slots=True)
class Prices:
    """What a day costs, in dollars; a plain cloud's list prices, to be replaced by one's own."""

    core: float = 1.0
    disk_gb: float = 0.003
    network_gb: float = 0.01


@dataclass(frozen=True, slots=True)
class Plan:
    """A cluster for one rate."""

    rate: int
    partitions: int
    worker_cores: int
    brokers: int
    shards: int
    network_mb_s: float
    topic_disk_gb: float
    store_gb_a_day: float
    dollars_a_day: float
    first: str


def plan(rate: int, costs: Costs, prices: Prices | None = None) -> Plan:
    """Return the cluster for `rate` events a second.

    Brokers are counted at 100 MB/s each after threefold replication, shards at 200,000 rows/s, topics
    keep three days. The first bottleneck is what would be overrun first when the rate grows: the
    learner of one model, one process by design, or the cores.

    Examples
    --------
    >>> plan(10_000, Costs(cpu_us=90.0, serial_us=40.0, learn_us=5.0)).worker_cores
    2
    """
    prices = prices or Prices()
    cores = math.ceil(rate * costs.cpu_us / 1e6 / BUSY)
    # Twice what the slowest agent needs, so that an uneven spread of customers fits.
    partitions = max(8, 2 ** math.ceil(math.log2(2 * max(1.0, rate * costs.serial_us / 1e6 / BUSY))))
    written = rate * costs.wire_bytes / 1e6
    brokers, shards = (
        max(3, math.ceil(3 * written / 100)),
        max(1, math.ceil(rate * costs.stored_rows / 200_000)),
    )
    disk, stored = 3 * 3 * written * DAY_S / 1e3, rate * DAY_S * costs.stored_bytes / 1e9
    learner = rate * costs.learn_us / 1e6
    dollars = (cores + 4 * brokers + 8 * shards) * prices.core + disk * prices.disk_gb
    dollars += written * 4 * DAY_S / 1e3 * prices.network_gb
    first = "the learner of one model: thin its examples" if learner > BUSY else "worker cores"
    return Plan(
        rate, partitions, cores, brokers, shards, round(written * 4, 1), round(disk), round(stored, 1),
        round(dollars), first,
    )  # fmt: skip


def hot_rate(costs: Costs) -> float:
    """Return the events a second one customer may send before a partition's neighbours wait."""
    return BUSY * 1e6 / costs.serial_us


def costs_of(report: dict[str, object]) -> Costs:
    """Read the costs of a report of `hark bench`."""
    pipeline = report["pipeline"]
    assert isinstance(pipeline, dict)
    memory = pipeline["in_memory"]["stages"]
    serial = max(float(memory[agent]) for agent in ("intake", "score", "decide"))
    volume, usual = pipeline.get("volume", {}), Costs(0.0, 0.0, 0.0)
    return Costs(
        float(pipeline["cpu_us_per_event"]),
        serial,
        float(memory["learn"]),
        float(volume.get("topic_bytes", usual.wire_bytes)),
        float(volume.get("stored_rows", usual.stored_rows)),
        float(volume.get("stored_bytes", usual.stored_bytes)),
    )


def main(path: Path) -> None:
    """Print the table of `ops/docs/scale.md`."""
    costs = costs_of(json.loads(path.read_text()))
    sys.stdout.write(f"{costs}\nhot customer: {hot_rate(costs):,.0f} events/s\n\n")
    sys.stdout.write(
        "| events/s | partitions | worker cores | brokers | shards | network MB/s | topics GB | "
        "store GB/day | $/day | first bottleneck |\n" + "|---" * 10 + "|\n"
    )
    for rate in RATES:
        p = plan(rate, costs)
        sys.stdout.write(
            f"| {p.rate:,} | {p.partitions:,} | {p.worker_cores:,} | {p.brokers} | {p.shards} | "
            f"{p.network_mb_s:,} | {p.topic_disk_gb:,} | {p.store_gb_a_day:,} | {p.dollars_a_day:,} | "
            f"{p.first} |\n"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
