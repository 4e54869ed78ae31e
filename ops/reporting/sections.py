"""The page's sections: which rows go into which chart, and the sentence above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from html import escape
from typing import Any

from models.topics.taxonomy import Taxonomy
from ops.reporting.charts.bars import Bar, bar_chart
from ops.reporting.charts.calibration import Bin, chance_error, expected_error, reliability
from ops.reporting.charts.forest import Estimate, forest
from ops.reporting.charts.heat import heat_map
from ops.reporting.charts.lines import Line, Mark, line_chart
from ops.reporting.charts.scale import day, percent, short
from ops.reporting.charts.svg import note
from ops.reporting.series import Rows, Series

Figures = Mapping[str, Any]

MODEL_COLOURS = {"sentiment": 0, "churn": 1, "topics": 3, "purchase": 4, "feature_adoption": 2}
UPLIFT_ROWS = 14
FEWEST = 5
"""Customers an arm below which an interval says nothing."""
PRECEDE_ROWS = 12


def sections(report: Figures, series: Series) -> Iterator[str]:
    """Yield the sections in reading order."""
    for size, title, about, body in _contents(report, series):
        yield section(size, title, about, body)


def _contents(report: Figures, series: Series) -> Iterator[tuple[str, str, str, str]]:
    alerts = series["dash_alerts"]
    about = "Mean of all feedback, −1 worst to 1 best; red marks are alerts of drift and bursts."
    yield "two", "Sentiment over time", about, _sentiment(series["dash_sentiment"], _marks(alerts))
    about = "By customers complaining in the later half of the period, against the half before."
    body = _issues(series["insight_top_issues"]) + _kinds(series["dash_kinds"])
    yield "third", "Top issues, and kinds of feedback", about, body
    yield "", "Topics", "What feedback is about, by its first topic.", _topics(series["dash_topics"])
    about = "Customers complaining; weeks begin on Monday."
    yield "", "Complaints by week", about, _weeks(series["insight_heat_map"])
    about = "Every time a rule's condition held: acted on, held out at random, or left alone by a limit."
    yield "", "Decisions", about, _decisions(series["dash_decisions"])
    about = (
        "Difference in the share of customers who stayed, acted on against held out, with 95 % intervals; "
        "at the right how many customers, acted on / held out."
    )
    yield "", "Did it help?", about, _uplift(report["uplift"])
    churn, mood = series["dash_calibration"], series["dash_calibration_sentiment"]
    yield "third", "Is a churn score right?", _error(churn), _calibration(churn, "Churn, predicted and seen")
    label = "Sentiment, predicted and by stars"
    yield "third", "Is a sentiment score right?", _error(mood), _calibration(mood, label)
    about = "Risk of leaving after complaining of a topic, against other complaints, adjusted."
    yield "third", "What comes before churn", about, _precede(series["insight_precede"])
    about = (
        "Each example is predicted before it is learned; accuracy over all examples so far, red marks where "
        "the error drifted."
    )
    yield "wide", "Models while they learn", about, _models(series["dash_models"], alerts)
    about = "Near-identical words by different customers, the earliest wording as an example."
    yield "wide", "The same issue in many mouths", about, _clusters(series["insight_clusters"])
    about = "Pairs above chance, Fisher's exact test corrected for how many were looked at."
    yield "", "Products and complaints that belong together", about, _pairs(series["insight_pairs"])
    yield "", "Alerts", "Newest first.", _alerts(alerts)


def topic_name(ident: str) -> str:
    """Return what people call a topic.

    Examples
    --------
    >>> topic_name("quality.defect"), topic_name("none found")
    ('Defect', 'none found')
    """
    topic = Taxonomy.shipped().topics.get(ident)
    return topic.name["en"] if topic else ident


def section(size: str, title: str, about: str, body: str) -> str:
    """Return a card of the page; `size` is its width: "", "third", "two" or "wide"."""
    head = f"<h2>{escape(title)}</h2><p>{escape(about)}</p>"
    return f'<section class="{size}">{head}<div class="scroll">{body}</div></section>'


def _ms(moment: datetime | date | int) -> float:
    if isinstance(moment, int):
        return float(moment)
    when = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000


def _marks(alerts: Rows) -> list[Mark]:
    kinds = ("drift", "burst")
    return [Mark(_ms(row["since"]), row["message"]) for row in alerts if row["kind"] in kinds]


def _sentiment(rows: Rows, marks: Sequence[Mark]) -> str:
    if not rows:
        return note("Nothing here yet.")
    times = [_ms(row["time"]) for row in rows]
    mood = [Line("mean sentiment", list(zip(times, (row["polarity"] for row in rows), strict=True)))]
    volume = [Line("feedback events", [(t, float(r["events"])) for t, r in zip(times, rows, strict=True)], 2)]
    reach = max(0.2, *(abs(row["polarity"]) * 1.15 for row in rows))
    return line_chart(mood, "Mean sentiment over time", limits=(-reach, reach), marks=marks) + line_chart(
        volume, "Feedback events over time", height=110.0
    )


def _issues(rows: Rows) -> str:
    if not rows:
        return note("No complaints in the later half of the period.")
    found = []
    for row in rows:
        change = "" if row["change"] is None else f"{100 * row['change']:+.0f} %"
        found.append((topic_name(row["topic"]), f"{row['customers']:,}", change, f"{row['at_stake']:,.0f}"))
    return _table(("issue", "customers", "change", "value at stake"), found)


def _kinds(rows: Rows) -> str:
    total = sum(row["events"] for row in rows)
    bars = [Bar(row["kind"], (float(row["events"]),), percent(row["events"] / total)) for row in rows]
    return bar_chart(bars, ("events",), (0,), "Feedback by kind", left=74.0, width=360.0)


def _topics(rows: Rows) -> str:
    bars = [
        Bar(
            topic_name(row["topic"]),
            (float(row["negative"]), float(row["events"] - row["negative"])),
            f"{percent(row['negative_share'] or 0.0)} negative",
        )
        for row in rows
    ]
    return bar_chart(bars, ("negative", "other"), (1, 2), "Feedback by topic")


def _weeks(rows: Rows) -> str:
    weeks = sorted({row["week"] for row in rows})
    reach: dict[str, dict[Any, int]] = {}
    for row in rows:
        reach.setdefault(row["topic"], {})[row["week"]] = row["customers"]
    order = sorted(reach, key=lambda topic: -sum(reach[topic].values()))
    values = [[float(reach[topic].get(week, 0)) for week in weeks] for topic in order]
    names = [topic_name(topic) for topic in order]
    return heat_map(names, [day(_ms(week)) for week in weeks], values, "Customers complaining by week")


def _decisions(rows: Rows) -> str:
    bars = [
        Bar(
            row["rule"].replace("_", " "),
            (float(row["acted"]), float(row["held_out"]), float(row["suppressed"])),
            row["top_suppression"].replace("_", " "),
        )
        for row in rows
    ]
    names = ("acted on", "held out", "left alone (main reason at the right)")
    return bar_chart(bars, names, (0, 1, 2), "Decisions by rule", left=215.0)


def _uplift(rows: Sequence[Figures]) -> str:
    known = [
        row for row in rows
        if row["metric"] == "retained" and row["low"] is not None and row["delta"] is not None
        and not row["segment"] and min(row["n_treated"], row["n_control"]) >= FEWEST
    ]  # fmt: skip
    known.sort(key=lambda row: row["high"] - row["low"])
    chart = forest([_estimate(row) for row in known[:UPLIFT_ROWS]], "Uplift of retention by rule")
    if any(row.get("truth") is not None for row in known):
        chart += (
            '<ul class="legend"><li><i class="diamond"></i>true effect, known because the customers '
            "are simulated</li></ul>"
        )
    return chart


def _estimate(row: Figures) -> Estimate:
    low, high = float(row["low"]), float(row["high"])
    good = 1 if low > 0 else -1 if high < 0 else 0
    return Estimate(
        row["rule"].replace("_", " "), float(row["delta"]), low, high, good, row.get("truth"),
        f"{row['n_treated']:,} / {row['n_control']:,}",
    )  # fmt: skip


def _bins(rows: Rows) -> list[Bin]:
    return [Bin(row["predicted"], row["seen"], row["low"], row["high"], row["events"]) for row in rows]


def _calibration(rows: Rows, label: str) -> str:
    return reliability(_bins(rows), label)


def _error(rows: Rows) -> str:
    error, chance = expected_error(_bins(rows)), chance_error(_bins(rows))
    if error is None or chance is None:
        return "On the dashed line a probability can be taken at its word."
    mean, deviation = 100 * chance[0], 100 * chance[1]
    return (
        "On the dashed line a probability can be taken at its word. "
        f"Expected error {100 * error:.1f} points; so few labels alone give {mean:.1f} ± {deviation:.1f}."
    )


def _precede(rows: Rows) -> str:
    shown = [row for row in rows if row["low"] is not None][:PRECEDE_ROWS]
    found = []
    for row in shown:
        sure = "yes" if row["q"] is not None and row["q"] < 0.05 else ""
        interval = f"{100 * row['low']:+.0f} … {100 * row['high']:+.0f}"
        found.append((topic_name(row["topic"]), f"{100 * row['delta']:+.1f}", interval, sure))
    if not found:
        return note("Needs customers with a whole period after what they said.")
    return _table(("topic", "points", "95 %", "sure"), found)


def _models(rows: Rows, alerts: Rows) -> str:
    lines: dict[str, list[tuple[float, float | None]]] = {}
    for row in rows:
        lines.setdefault(row["model"], []).append((float(row["examples"]), row["accuracy"]))
    shown = [
        Line(model.replace("_", " "), sorted(points), MODEL_COLOURS.get(model, 4))
        for model, points in lines.items()
    ]
    marks = [mark for row in alerts if (mark := _drift(row, rows)) is not None]
    return line_chart(
        shown,
        "Accuracy of the models",
        limits=(0.0, 1.0),
        marks=marks,
        show_x=short,
        show_y=percent,
        width=1160.0,
    )


def _drift(alert: Figures, metrics: Rows) -> Mark | None:
    """Place a drift by the number of examples its model had seen when it was raised."""
    if alert["kind"] != "drift":
        return None
    model, at = alert["subject"].split("/")[0], _ms(alert["time"])
    seen = [row["examples"] for row in metrics if row["model"] == model and _ms(row["time"]) <= at]
    return Mark(float(max(seen, default=0)), alert["message"])


def _clusters(rows: Rows) -> str:
    if not rows:
        return note("No two customers have said nearly the same.")
    found = [
        (row["example"][:120], topic_name(row["topic"]), f"{row['customers']:,}", f"{row['channels']}",
         percent(row["latest_share"]))
        for row in rows
    ]  # fmt: skip
    return _table(("in their words", "topic", "customers", "channels", "in the last quarter"), found, left=2)


def _pairs(rows: Rows) -> str:
    shown = [row for row in rows if row["q"] is not None and row["q"] < 0.05][:10]
    if not shown:
        return note("No pair is more frequent than chance explains.")
    found = [
        (row["product"], topic_name(row["topic"]), f"{row['customers']:,}", f"{row['lift']:.1f} ×")
        for row in shown
    ]
    return _table(("product", "complaint", "customers", "lift"), found, left=2)


def _alerts(rows: Rows) -> str:
    if not rows:
        return note("None.")
    found = [(row["kind"], row["message"], row["severity"], row["done"]) for row in rows[:8]]
    return _table(("kind", "what", "severity", "done"), found, left=4)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    def cells(values: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{'' if place < left else ' class=n'}>{escape(value)}</{tag}>"
            for place, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{cells(heads, 'th')}</tr></thead><tbody>{body}</tbody></table>"
