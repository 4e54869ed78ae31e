"""From values to places: linear scales with round ticks, and dates."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from [low, high] to [start, end].

    Examples
    --------
    >>> Scale(0.0, 10.0, 100.0, 200.0).at(2.5)
    125.0
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of `value`."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return self.start + share * (self.end - self.start)


def step_of(span: float, most: int) -> float:
    """Return the smallest of 1, 2, 5, 10, … that cuts `span` into at most `most` parts."""
    if span <= 0 or not math.isfinite(span):
        return 1.0
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * times for times in (1.0, 2.0, 5.0, 10.0) if power * times >= rough * (1 - 1e-9))


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round values within [low, high].

    Examples
    --------
    >>> ticks(0.0, 0.93)
    [0.0, 0.2, 0.4, 0.6, 0.8]
    """
    step = step_of(high - low, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def around(values: Iterable[float | None], *, zero: bool = True, most: int = 5) -> tuple[float, float]:
    """Return round limits that hold all finite `values`, and zero if asked."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if zero or not known:
        known.append(0.0)
    low, high = min(known), max(known)
    if low == high:
        high = low + 1.0
    step = step_of(high - low, most)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def day(moment_ms: float) -> str:
    """Return a date as people write it.

    Examples
    --------
    >>> day(1_750_000_000_000)
    '15 Jun'
    """
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return f"{moment.day} {moment:%b}"


def short(value: float) -> str:
    """Return a tick's label.

    Examples
    --------
    >>> short(1500.0), short(0.2), short(-3.0)
    ('1,500', '0.2', '-3')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:g}"


def percent(value: float) -> str:
    """Return a share in percent."""
    return f"{100 * value:.0f} %"
