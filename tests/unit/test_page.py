"""The page of a report: complete on rows, on none, and safe whatever the rows hold."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from ops.reporting.charts.bars import Bar, bar_chart
from ops.reporting.charts.calibration import Bin, chance_error, expected_error, reliability
from ops.reporting.charts.forest import Estimate, forest
from ops.reporting.charts.heat import heat_map
from ops.reporting.charts.lines import Line, Mark, line_chart
from ops.reporting.charts.scale import Scale, around, ticks
from ops.reporting.page import render
from ops.reporting.series import Series, read_series, step_seconds

DAY_MS = 86_400_000
START = 1_750_000_000_000
HOSTILE = "<script>alert('x')</script>&\"quoted\""
REPORT: dict[str, Any] = {
    "events_in": 120, "scored": 110, "duplicates": 6, "dead_letters": 4, "missing": 0, "balanced": True,
    "masked": {"PHONE": 5}, "events_per_second": 900.0, "latency_ms": {"p50": 40.0, "p99": 90.0},
    "uplift": [
        {"rule": HOSTILE, "metric": "retained", "segment": "", "low": 0.02, "high": 0.2, "delta": 0.1,
         "n_treated": 80, "n_control": 20, "truth": 0.12},
        {"rule": "harmful", "metric": "retained", "segment": "", "low": -0.3, "high": -0.1, "delta": -0.2,
         "n_treated": 80, "n_control": 20, "truth": None},
        {"rule": "too_few", "metric": "retained", "segment": "", "low": -1.0, "high": 1.0, "delta": 0.0,
         "n_treated": 2, "n_control": 1, "truth": None},
    ],
}  # fmt: skip


def when(days: float) -> datetime:
    return datetime.fromtimestamp((START + days * DAY_MS) / 1000, UTC).replace(tzinfo=None)


def rows() -> Series:
    cell = {"events": 40, "predicted": 0.3, "seen": 0.25, "low": 0.1, "high": 0.5, "tenth": 3}
    return {
        "dash_period": [{"first": START, "last": START + 20 * DAY_MS, "events": 110}],
        "dash_totals": [{"events": 110, "customers": 40, "negative_share": 0.4, "urgent": 3}],
        "dash_sentiment": [
            {"time": when(day), "events": 5 + day, "polarity": 0.1 * (day % 5 - 2), "negative_share": 0.4}
            for day in range(20)
        ],
        "dash_kinds": [{"kind": "complaint", "events": 60}, {"kind": "praise", "events": 50}],
        "dash_topics": [
            {"topic": "quality.defect", "events": 40, "negative": 30, "negative_share": 0.75},
            {"topic": HOSTILE, "events": 10, "negative": 1, "negative_share": 0.1},
        ],
        "dash_decisions": [
            {"rule": HOSTILE, "acted": 30, "held_out": 10, "suppressed": 5, "top_suppression": "cooldown"}
        ],
        "dash_models": [
            {"time": when(day), "model": "churn", "examples": 100 * day, "accuracy": 0.8}
            for day in range(1, 9)
        ],
        "dash_calibration": [cell, cell | {"predicted": 0.7, "seen": 0.6, "high": 0.9}],
        "dash_calibration_sentiment": [cell],
        "dash_alerts": [
            {"time": when(5), "kind": "drift", "severity": "warning", "subject": "churn/error",
             "message": HOSTILE, "done": "challenger started", "since": START + 4 * DAY_MS, "magnitude": 0.2}
        ],
        "insight_heat_map": [
            {"week": date(2025, 6, 16), "topic": "quality.defect", "customers": 9},
            {"week": date(2025, 6, 23), "topic": HOSTILE, "customers": 2},
        ],
        "insight_top_issues": [
            {"topic": "quality.defect", "customers": 9, "change": -0.1, "at_stake": 900.0},
            {"topic": "price.expensive", "customers": 3, "change": None, "at_stake": 100.0},
        ],
        "insight_clusters": [
            {"example": HOSTILE, "topic": "", "customers": 4, "channels": 2, "latest_share": 0.5}
        ],
        "insight_pairs": [
            {"product": HOSTILE, "topic": "quality.defect", "customers": 5, "lift": 3.0, "q": 0.001},
            {"product": "chance", "topic": "quality.defect", "customers": 5, "lift": 1.1, "q": 0.9},
        ],
        "insight_precede": [
            {"topic": "quality.defect", "delta": 0.1, "low": 0.02, "high": 0.2, "q": 0.01},
            {"topic": "price.expensive", "delta": 0.1, "low": None, "high": None, "q": None},
        ],
    }  # fmt: skip


class Outline(HTMLParser):
    """Collects tags and text, and checks that they are nested."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_whole_self_contained_and_escaped() -> None:
    page = render(REPORT, rows())
    outline = Outline(page)
    assert not outline.open and outline.addresses == []
    assert "script" not in outline.tags and "<script>" not in page and "//" not in page
    assert outline.tags.count("svg") == 10 and outline.tags.count("section") == 13
    assert "nan" not in re.findall(r'="([^"]*)"', page) and "$" not in page
    assert any(HOSTILE in text for text in outline.texts)


def test_what_a_reader_looks_for_is_said() -> None:
    page = render(REPORT, rows())
    for words in (
        "every event is accounted for",
        "120 events in",
        "15 Jun to 5 Jul",
        "true effect",
        "Defect",
    ):
        assert words in page
    assert "too few" not in page and "chance</td>" not in page
    assert page.count('class="truth"') == 1 and page.count('class="mark"') == 2
    assert 'class="point good"' in page and 'class="point bad"' in page


def test_a_report_that_does_not_add_up_says_so() -> None:
    page = render(REPORT | {"balanced": False, "missing": 3}, rows())
    assert "3 events are NOT accounted for" in page and 'class="balance bad"' in page


def test_an_empty_store_makes_a_page_too() -> None:
    nothing: Series = {name: [] for name in rows()}
    nothing["dash_period"] = [{"first": 0, "last": 0, "events": 0}]
    nothing["dash_totals"] = [{"events": 0, "customers": 0, "negative_share": None, "urgent": 0}]
    page = render(REPORT | {"uplift": [], "masked": {}}, nothing)
    assert "no feedback yet" in page and "svg" not in Outline(page).tags


def test_points_stand_where_their_values_say() -> None:
    chart = line_chart([Line("a", [(0.0, 0.0), (1.0, 1.0), (2.0, None), (3.0, 0.5)])], "x", limits=(0.0, 1.0))
    dots = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', chart)
    (x0, y0), (x1, y1), (x3, y3) = [(float(x), float(y)) for x, y in dots]
    assert x3 - x0 == pytest.approx(3 * (x1 - x0), abs=0.05) and y0 - y3 == pytest.approx(
        (y0 - y1) / 2, abs=0.05
    )
    assert chart.count("<path") == 1  # the lone point behind the gap has no line


def test_marks_outside_the_span_are_left_out() -> None:
    line = Line("a", [(0.0, 0.0), (9.0, 1.0)])
    chart = line_chart([line], "x", marks=[Mark(4.0, "in"), Mark(11.0, "out")])
    assert chart.count('class="mark"') == 1 and "in</title>" in chart


def test_bars_add_up_and_calibration_sits_on_its_diagonal() -> None:
    chart = bar_chart([Bar("a", (3.0, 1.0)), Bar("b", (4.0, 0.0))], ("x", "y"), (0, 1), "bars")
    widths = [float(w) for w in re.findall(r'<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"', chart)]
    assert len(widths) == 3 and widths[0] + widths[1] == pytest.approx(widths[2], abs=0.05)
    drawn = reliability([Bin(0.5, 0.5, 0.4, 0.6, 10)], "x")
    line = re.search(r'd="M([\d.]+) ([\d.]+) L([\d.]+) ([\d.]+)" class="diagonal"', drawn)
    dot = re.search(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn)
    assert line and dot
    x0, y0, x1, y1 = map(float, line.groups())
    assert tuple(map(float, dot.groups())) == pytest.approx(((x0 + x1) / 2, (y0 + y1) / 2))


def test_wild_intervals_are_cut_and_empty_charts_say_why() -> None:
    chart = forest([Estimate("a", 0.1, 0.05, 0.15, 1), Estimate("b", 0.0, -40.0, 40.0)], "x")
    assert chart.count('class="tip open"') == 2
    bars, heat = bar_chart([], (), (), "x"), heat_map([], [], [], "x")
    for empty in (forest([], "x"), bars, heat, reliability([], "x"), line_chart([], "x")):
        assert empty.startswith('<p class="nothing">')


def test_scales_ticks_and_steps() -> None:
    assert ticks(-0.4, 0.4, 4) == [-0.4, -0.2, 0.0, 0.2, 0.4] and ticks(0.0, 0.0) == [0.0]
    assert around([None, float("nan"), 0.93]) == (0.0, 1.0) and around([]) == (0.0, 1.0)
    assert Scale(1.0, 1.0, 0.0, 10.0).at(1.0) == 5.0
    for days in (0.01, 0.5, 3, 45, 61, 400):
        step = step_seconds(START, START + int(days * DAY_MS))
        assert step % 3600 == 0 and days * 86_400 / step <= 61


def test_every_query_of_the_page_is_asked_with_what_it_needs() -> None:
    class Result:
        column_names = ("first", "last", "events")
        result_rows = ((START, START + 60 * DAY_MS, 5),)

    class Asked:
        database = "x"

        def query(self, query: str, parameters: dict[str, Any], settings: Any = None) -> Result:
            wanted = set(re.findall(r"\{(\w+):\w", query))
            assert wanted <= set(parameters), query[:80]
            return Result()

    assert set(read_series(Asked())) == set(rows())


def test_a_calibration_error_is_told_beside_that_of_chance() -> None:
    tenths = [(0.1, 300), (0.3, 200), (0.6, 50)]
    generator = np.random.default_rng(7)
    errors = [
        expected_error([Bin(p, generator.binomial(n, p) / n, 0.0, 1.0, n) for p, n in tenths])
        for _ in range(2000)
    ]
    mean, deviation = chance_error([Bin(p, 0.0, 0.0, 1.0, n) for p, n in tenths])
    assert mean == pytest.approx(np.mean(errors), abs=0.001)
    assert deviation == pytest.approx(np.std(errors), abs=0.001)
    assert chance_error([]) is None
