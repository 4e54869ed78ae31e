"""The report as one self-contained page: inline SVG, no script, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from ops.reporting import sections
from ops.reporting.charts.scale import day, percent
from ops.reporting.series import Series, read_series
from sinks.clickhouse.client import Client

Figures = Mapping[str, Any]


def write_page(path: Path, client: Client, report: Figures, horizon_days: float = 30.0) -> None:
    """Write the page of a report.

    Parameters
    ----------
    report
        As `ops.reporting.summary.summarise` returns it, with `truth` in its uplift rows where known.
    horizon_days
        How long after a score a churn counts.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    path.write_text(render(report, read_series(client, horizon_days)), encoding="utf-8")


def render(report: Figures, series: Series) -> str:
    """Return the page's HTML; everything that comes from data is escaped."""
    template = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    balanced = report["balanced"]
    return template.substitute(
        title="What customers said, and what was done about it",
        period=_period(series),
        balance="good" if balanced else "bad",
        balanced=_balance(report),
        tiles="".join(tile(value, name) for value, name in _tiles(report, series)),
        sections="".join(sections.sections(report, series)),
        footer=_footer(report),
    )


def _period(series: Series) -> str:
    found = series["dash_period"][0]
    if not found["events"]:
        return "The store holds no feedback yet."
    return f"{day(found['first'])} to {day(found['last'])}, event time, UTC"


def _balance(report: Figures) -> str:
    parts = (
        f"{report['events_in']:,} events in = {report['scored']:,} scored + {report['duplicates']:,} "
        f"duplicates + {report['dead_letters']:,} dead letters: "
    )
    missing = f"{abs(report['missing']):,} events are NOT accounted for"
    return parts + ("every event is accounted for" if report["balanced"] else missing)


def _tiles(report: Figures, series: Series) -> list[tuple[str, str]]:
    totals = series["dash_totals"][0]
    decided = series["dash_decisions"]
    tiles = [
        (f"{report['scored']:,}", "feedback events scored"),
        (f"{totals['customers']:,}", "customers heard"),
        ("–" if totals["negative_share"] is None else percent(totals["negative_share"]), "negative"),
        (f"{totals['urgent']:,}", "urgent"),
        (f"{sum(row['acted'] for row in decided):,}", "triggers acted on"),
        (f"{sum(row['held_out'] for row in decided):,}", "held out, to compare with"),
        (f"{sum(report['masked'].values()):,}", "pieces of personal data masked"),
    ]
    if report.get("events_per_second"):
        tiles.append((f"{report['events_per_second']:,.0f}/s", "events processed"))
    return tiles


def tile(value: str, name: str) -> str:
    """Return a figure and what it counts."""
    return f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>'


def _footer(report: Figures) -> str:
    line = "Rest the pointer on a point for its numbers. Words are masked before anything is stored."
    latency = report.get("latency_ms")
    if latency and latency.get("p50") is not None:
        line += f" Append to action: p50 {latency['p50']:,.0f} ms, p99 {latency['p99']:,.0f} ms."
    return escape(line)
