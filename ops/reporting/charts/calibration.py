"""Reliability: what was predicted against what was seen, by tenth of the prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ops.reporting.charts.scale import Scale, percent
from ops.reporting.charts.svg import drawing, element, hint, note, path, words

SIZE, LEFT, BOTTOM, EDGE = 330.0, 46.0, 40.0, 20.0


@dataclass(frozen=True, slots=True)
class Bin:
    """One tenth: mean prediction, share seen with its interval, and how many."""

    predicted: float
    seen: float
    low: float
    high: float
    events: int


def expected_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error: mean distance of seen from predicted, weighted by events.

    Examples
    --------
    >>> expected_error([Bin(0.2, 0.3, 0, 1, 10), Bin(0.8, 0.8, 0, 1, 30)])
    0.025
    """
    total = sum(found.events for found in bins)
    if not total:
        return None
    return round(math.fsum(b.events * abs(b.predicted - b.seen) for b in bins) / total, 12)


def chance_error(bins: Sequence[Bin]) -> tuple[float, float] | None:
    """Return mean and deviation of `expected_error` were all probabilities right; None without events.

    A tenth of n events with mean p misses its share by √(2·p(1−p)/(π·n)) on average, however right p is: few
    labels look like a fault. Events are taken as independent; where a customer counts twice it is more.

    Examples
    --------
    >>> mean, deviation = chance_error([Bin(0.2, 0.3, 0, 1, 100), Bin(0.5, 0.5, 0, 1, 100)])
    >>> round(mean, 4), round(deviation, 4)
    (0.0359, 0.0193)
    """
    total = sum(found.events for found in bins)
    if not total:
        return None
    spreads = [math.sqrt(b.events * b.predicted * (1.0 - b.predicted)) / total for b in bins]
    mean = math.sqrt(2.0 / math.pi) * math.fsum(spreads)
    return mean, math.sqrt((1.0 - 2.0 / math.pi) * math.fsum(spread**2 for spread in spreads))


def reliability(bins: Sequence[Bin], label: str) -> str:
    """Return a square chart; points on the diagonal mean that a probability can be taken at its word."""
    if not bins:
        return note("No outcome is old enough yet.")
    across, up = Scale(0.0, 1.0, LEFT, SIZE - EDGE), Scale(0.0, 1.0, SIZE - BOTTOM, EDGE)
    parts = []
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = across.at(value), up.at(value)
        parts.append(element("line", x1=LEFT, x2=SIZE - EDGE, y1=y, y2=y, class_="grid"))
        parts.append(words(LEFT - 6, y + 4, percent(value), "tick", "end"))
        parts.append(words(x, SIZE - BOTTOM + 15, percent(value), "tick", "middle"))
    parts.append(path([(LEFT, SIZE - BOTTOM), (SIZE - EDGE, EDGE)], "diagonal"))
    parts.append(words((LEFT + SIZE - EDGE) / 2, SIZE - 8, "predicted", "tick", "middle"))
    most = max(found.events for found in bins)
    points = [(across.at(found.predicted), up.at(found.seen)) for found in bins]
    parts.append(path(points, "line c0"))
    for found, (x, y) in zip(bins, points, strict=True):
        said = (
            f"predicted {percent(found.predicted)}, seen {percent(found.seen)} of {found.events:,} "
            f"(95 % {percent(found.low)} to {percent(found.high)})"
        )
        whisker = element("line", x1=x, x2=x, y1=up.at(found.low), y2=up.at(found.high), class_="whisker c0")
        radius = 2.5 + 5 * math.sqrt(found.events / most)
        parts.append(
            element("g", hint(said), whisker, element("circle", cx=x, cy=y, r=radius, class_="dot c0"))
        )
    return drawing(SIZE, SIZE, label, *parts)
