"""The soak as a page of curves: inline SVG, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import ops.reporting
from ops.reporting.charts.lines import Line, line_chart
from ops.reporting.page import tile
from ops.reporting.sections import section

CURVES = (
    ("rss_mb", "Memory", "Resident MB of the workers."),
    (
        "lag_seconds",
        "Lag",
        "Seconds from the append of a record to the end of an agent's work on it, the slowest.",
    ),
    ("behind", "Behind", "Records published and not taken in yet."),
    ("cpu", "Processor", "Cores in use."),
    ("keys", "State", "Keys of partition state; grows with the customers met and the work orders held."),
    ("handles", "Handles", "Open files and sockets."),
    ("tasks", "Tasks", "Tasks of the event loops."),
)


def write_soak_page(path: Path, report: Mapping[str, Any]) -> None:
    """Write the page of a report of `ops.bench.soak.soak`; raises OSError when it cannot be written."""
    template = Template(files(ops.reporting).joinpath("page.html").read_text(encoding="utf-8"))
    found = report["machine"]
    tiles = [
        (f"{report['rate']:,.0f}/s", "events published"),
        (f"{report['minutes']:g}", "minutes"),
        (f"{report['published']:,}", "events in all"),
        (f"{report['second_half']['rss_mb']['per_hour']:+,.1f} MB/h", "memory, second half"),
        (f"{report['second_half']['behind']['max']:,.0f}", "most behind, second half"),
    ]
    charts = []
    for name, title, about in CURVES:
        points = [(sample["seconds"] / 60.0, float(sample[name])) for sample in report["samples"]]
        body = line_chart([Line(title, points)], f"{title} over minutes", show_x=lambda x: f"{x:.0f} min")
        charts.append(section("", title, about, body))
    page = template.substitute(
        title="What a long run takes",
        period=escape(
            f"Soak on the {report['stack']} stack: {found['processor']}, {found['cores']} cores, "
            f"load {found['load']} at the end"
        ),
        balance="good",
        balanced="everything published was processed",
        tiles="".join(tile(value, name) for value, name in tiles),
        sections="".join(charts),
        footer="Rest the pointer on a point for its numbers.",
    )
    path.write_text(page, encoding="utf-8")
