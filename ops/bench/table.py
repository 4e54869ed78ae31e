"""The benchmark's report for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def show(report: dict[str, Any], console: Console) -> None:
    """Print tables of a report of `ops.bench.run.run`."""
    found = report["machine"]
    console.print(
        f"{found['processor']}, {found['cores']} cores, {found['memory_gb']} GB, load {found['load']}; "
        f"{report['stack']} stack; {report['seconds']} s; {report['command']}"
    )
    console.print(", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    pipeline = report["pipeline"]
    costs = Table("stage", "CPU µs an event", title="One worker, every agent")
    for stage, value in pipeline.get("stages", {}).items():
        costs.add_row(stage, f"{value:,.1f}")
    costs.add_row("all", _number(pipeline.get("cpu_us_per_event")), style="bold")
    console.print(costs)
    for name in ("events_per_second", "events_per_core_second"):
        console.print(f"{name.replace('_', ' ')} of a backlog: {_number(pipeline.get(name))}")
    sustained = pipeline.get("sustained", {}).get("events_per_second")
    both = report.get("two_workers", {}).get("sustained", {}).get("events_per_second")
    console.print(
        f"events per second sustained, 99 % of actions within a second: {_number(sustained)}, "
        f"with two workers {_number(both)}"
    )
    console.print(f"two workers: {_number(report['scaling_2_workers'])} times one")
    waits = Table("load", "events/s", "p50", "p99", "p99.9", title="feedback to action, ms")
    for load, row in pipeline.get("latency_ms", {}).items():
        waits.add_row(load, *(_number(row.get(key)) for key in ("rate", "p50", "p99", "p99.9")))
    console.print(waits)
    show_peers(report["peers"], console)
    sizes = Table(
        "customers", "state MB", "recovery s", "resident MB", "steps µs an event", title="Customers"
    )
    for row in report["customers"]:
        keys = ("customers", "state_mb", "recovery_seconds", "rss_mb", "step_us_per_event")
        sizes.add_row(*(_number(row.get(key)) for key in keys))
    console.print(sizes)
    for name, reason in report["skipped"].items():
        console.print(f"skipped {name}: {reason}")


def show_peers(peers: Mapping[str, Mapping[str, Any]], console: Console) -> None:
    """Print what the peers cost an event, and the parts of those that tell them."""
    costs = Table("peer", "CPU µs an event", "seconds", "note", title="The same records another way")
    for name, row in peers.items():
        costs.add_row(
            name, *(_number(row.get(key)) for key in ("cpu_us_per_event", "seconds")), row.get("skipped", "")
        )
    console.print(costs)
    told = {
        name: row["parts_us_per_feedback"] for name, row in peers.items() if "parts_us_per_feedback" in row
    }
    parts = Table("part", *told, title="CPU µs a feedback")
    for part in dict.fromkeys(part for found in told.values() for part in found):
        parts.add_row(part, *(_number(found.get(part)) for found in told.values()))
    if told:
        console.print(parts)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
