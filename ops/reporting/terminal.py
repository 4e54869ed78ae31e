"""The report as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

Figures = Mapping[str, Any]
MAIN_METRIC = "retained"
DECIDED = frozenset({"helps", "hurts"})
"""Verdicts worth a line whatever the metric."""


def show(report: Figures, console: Console) -> None:
    """Print a report."""
    _balance(report, console)
    _counts("Personal data masked", report["masked"], console)
    _counts("Dead letters by reason", report["dead_by_reason"], console)
    _models(report, console)
    _decisions(report["decisions"], console)
    _counts("Actions", report["actions"], console)
    _uplift(report["uplift"], console)
    _alerts(report["alerts"], console)
    _speed(report, console)
    for line in report.get("next", ()):
        console.print(f"  {line}", highlight=False)


def _balance(report: Figures, console: Console) -> None:
    verdict = "[green]every event is accounted for[/]"
    if not report["balanced"]:
        verdict = f"[red]{report['missing']} events are NOT accounted for[/]"
    console.print(
        f"\n[bold]{report['events_in']:,}[/] events in = {report['scored']:,} scored + "
        f"{report['duplicates']:,} duplicates + {report['dead_letters']:,} dead letters: {verdict}"
    )
    console.print(f"{report['facts']:,} customer events, outcomes and labels beside them")


def _counts(title: str, counts: Mapping[str, int], console: Console) -> None:
    if counts:
        console.print(
            f"[bold]{title}[/]: " + ", ".join(f"{name} {count:,}" for name, count in counts.items())
        )


def _models(report: Figures, console: Console) -> None:
    table = Table(title="Models, predicted before learned", title_justify="left")
    for name in ("model", "examples", "accuracy", "AUC", "log loss", "Brier", "version"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for model, row in report["models"].items():
        # Without both outcomes nothing was told apart, and an accuracy of 1 would say otherwise.
        alike = row["auc"] is None
        cells = ("–" if alike else _number(row[name]) for name in ("accuracy", "auc", "log_loss", "brier"))
        table.add_row(model, f"{int(row['examples']):,}", *cells, str(row["version"]))
    console.print(table)


def _decisions(rules: Mapping[str, Mapping[str, int]], console: Console) -> None:
    table = Table(title="Decisions", title_justify="left")
    for name in ("rule", "acted", "held out", "suppressed"):
        table.add_column(name, justify="left" if name in ("rule", "suppressed") else "right")
    for rule, arms in rules.items():
        others = (f"{arm.removeprefix('suppressed: ')} {n:,}" for arm, n in arms.items() if ":" in arm)
        held = arms.get("holdout", 0)
        table.add_row(rule, f"{arms.get('acted', 0):,}", f"{held:,}", ", ".join(others))
    console.print(table)


def _uplift(rows: list[Figures], console: Console) -> None:
    compared = [row for row in rows if row["n_control"] and row["n_treated"]]
    if not compared:
        return
    shown = [row for row in compared if row["metric"] == MAIN_METRIC or row["verdict"] in DECIDED]
    truth = any(row.get("truth") is not None for row in shown)
    table = Table(title="Uplift: acted against held out, 95 % interval", title_justify="left")
    table.add_column("rule and metric")
    for name in ("acted/held", "difference", *(("truth",) if truth else ())):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for row in shown:
        cells = [
            f"{row['rule']} {row['metric']}",
            f"{row['n_treated']:,}/{row['n_control']:,}",
            _difference(row),
        ]
        if truth:
            cells.append("" if row.get("truth") is None else f"{row['truth']:+.3f}")
        table.add_row(*cells, str(row["verdict"]))
    console.print(table)
    if len(compared) > len(shown):
        console.print(f"  {len(compared) - len(shown)} further comparisons: `hark uplift`, or --json here")


def _difference(row: Figures) -> str:
    if row["low"] is None:
        return f"{row['delta']:+.3f}"
    return f"{row['delta']:+.3f} \\[{row['low']:+.3f}, {row['high']:+.3f}]"


def _alerts(alerts: list[Figures], console: Console) -> None:
    if not alerts:
        console.print("[bold]Alerts[/]: none")
        return
    console.print("[bold]Alerts[/]")
    for alert in alerts[:8]:
        console.print(f"  {alert['kind']}: {alert['message']}", highlight=False)


def _speed(report: Figures, console: Console) -> None:
    if report.get("events_per_second"):
        latency = report["latency_ms"]
        words = (
            f"[bold]Speed[/]: {report['events_per_second']:,.0f} events/s through {report['workers']} workers"
        )
        if latency["p50"] is not None:
            words += f"; append to action p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms"
        console.print(words)


def _number(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.3f}"
