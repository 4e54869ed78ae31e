"""Watches a model's error, scores and inputs, and says what drifted, since when and by how much."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.drift.adwin import Adwin
from models.learner import State

_MARKS = 128


@dataclass(frozen=True, slots=True)
class Series:
    """How one kind of series is watched.

    Parameters
    ----------
    low, high
        Range of its values; they are clipped to it and scaled to [0, 1], which ADWIN assumes.
    magnitude
        Smallest change of the mean, in the series' own unit, worth an alert.
    rising_only
        Alert only when the mean rises: an error that falls is a model that learns.
    warmup
        Values ignored at first, while a new model settles.
    delta
        ADWIN's bound on false alarms.
    """

    low: float = 0.0
    high: float = 1.0
    magnitude: float = 0.1
    rising_only: bool = False
    warmup: int = 0
    delta: float = 0.001


ERROR = Series(magnitude=0.03, rising_only=True, warmup=300)
SCORE = Series(low=-1.0, high=1.0, magnitude=0.1, warmup=1000)
PROBABILITY = Series(magnitude=0.05, warmup=1000)
INPUT = Series(magnitude=0.1, delta=0.0001)


@dataclass(frozen=True, slots=True)
class Drift:
    """One change found.

    Parameters
    ----------
    model, series
        What drifted: the model watched and the series' name, such as `error` or `language:zh`.
    at
        Event time it was found, seconds since the epoch.
    since
        Event time the new mean began, to within a few per cent of the window.
    before, after
        Means on either side, in the series' unit.
    events
        Values seen since the change began.
    """

    model: str
    series: str
    at: float
    since: float
    before: float
    after: float
    events: int

    @property
    def magnitude(self) -> float:
        """Absolute change of the mean."""
        return abs(self.after - self.before)


class _Watched:
    """One series: its detector and enough event times to date a change."""

    def __init__(self, kind: Series) -> None:
        self.kind = kind
        self.detector = Adwin(delta=kind.delta)
        self.n = 0
        self.every = 32
        self.marks: list[list[float]] = []

    def update(self, value: float, at: float) -> tuple[float, float, float, int] | None:
        """Return (since, before, after, events) when a change is worth telling."""
        kind = self.kind
        self.n += 1
        if self.n <= kind.warmup:
            return None
        if self.n % self.every == 0 or not self.marks:
            self.marks.append([self.n, at])
            if len(self.marks) > _MARKS:
                del self.marks[1::2]
                self.every *= 2
        scaled = (min(max(value, kind.low), kind.high) - kind.low) / (kind.high - kind.low)
        detector = self.detector
        detector.update(scaled)
        if not detector.drift_detected:
            return None
        _, before, events, after = detector.split
        start = self.n - events + 1
        since = next((mark[1] for mark in reversed(self.marks) if mark[0] <= start), at)
        self.marks, self.every = [], 32
        unit = kind.high - kind.low
        if abs(after - before) * unit < kind.magnitude or (kind.rising_only and after < before):
            return None
        return since, kind.low + before * unit, kind.low + after * unit, events


class Watch:
    """Named series of one model, each under its own detector.

    Parameters
    ----------
    model
        Name put into alerts.
    kinds
        How to watch a series, by its name up to the first colon; others are watched as `INPUT`.
    limit
        Most series; values of further ones are ignored, so that hostile input costs no memory.

    Examples
    --------
    >>> watch = Watch("sentiment", {"error": ERROR})
    >>> found = [watch.update("error", float(i % 10 < (1 if i < 2000 else 5)), float(i)) for i in range(3000)]
    >>> [(a.series, round(a.since, -2), round(a.before, 1), round(a.after, 1)) for a in found if a]
    [('error', 2000.0, 0.1, 0.5)]
    """

    def __init__(self, model: str, kinds: Mapping[str, Series] | None = None, limit: int = 64) -> None:
        self.name = f"drift:{model}"
        self.model = model
        self.kinds = dict(kinds if kinds is not None else DEFAULT_KINDS)
        self.limit = limit
        self._series: dict[str, _Watched] = {}

    def update(self, series: str, value: float, at: float) -> Drift | None:
        """Take one value of a series at event time `at`; values that are not finite are ignored."""
        if not math.isfinite(value):
            return None
        watched = self._series.get(series)
        if watched is None:
            if len(self._series) >= self.limit:
                return None
            watched = self._series[series] = _Watched(self._kind(series))
        found = watched.update(value, at)
        if found is None:
            return None
        since, before, after, events = found
        return Drift(self.model, series, at, since, before, after, events)

    def observe(self, values: Mapping[str, float], at: float) -> list[Drift]:
        """Take one event's value of several series; return what drifted, by series name."""
        found = (self.update(series, values[series], at) for series in sorted(values))
        return [drift for drift in found if drift is not None]

    def mean(self, series: str) -> float | None:
        """Return the mean over the series' current window, in its unit; None before any value."""
        watched = self._series.get(series)
        if watched is None or not watched.detector.width:
            return None
        kind = watched.kind
        return kind.low + watched.detector.estimation * (kind.high - kind.low)

    def state(self) -> State:
        """Return all windows as JSON values."""
        return {
            name: {
                "n": w.n,
                "every": w.every,
                "marks": [list(m) for m in w.marks],
                "adwin": w.detector.state(),
            }
            for name, w in self._series.items()
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace all windows; raises ValueError when they do not fit."""
        if len(state) > self.limit:
            raise ValueError(f"{len(state)} series are more than the limit of {self.limit}")
        series: dict[str, _Watched] = {}
        for name, held in state.items():
            if not isinstance(held, Mapping):
                raise ValueError(f"state of series {name!r} is no window")
            watched = series[name] = _Watched(self._kind(name))
            watched.n, watched.every = held["n"], held["every"]
            watched.marks = [list(mark) for mark in held["marks"]]
            watched.detector.restore(held["adwin"])
        self._series = series

    def _kind(self, series: str) -> Series:
        return self.kinds.get(series.split(":", 1)[0], INPUT)


DEFAULT_KINDS: dict[str, Series] = {"error": ERROR, "score": SCORE, "probability": PROBABILITY}
