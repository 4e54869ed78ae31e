"""Labels that come late: what was known at scoring time waits until the horizon decides.

A score made at `t` becomes a positive example when an outcome of a kind its target names falls in
`(t, t + horizon]` of event time, and a negative one when the watermark has passed `t + horizon` plus
`grace` in silence. Features are copied when the score is made, so nothing that happens afterwards can
leak into them; each score yields exactly one label, whatever is delivered twice or late.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DAY = 86_400.0
Features = dict[str, float | str | None]


@dataclass(frozen=True, slots=True)
class Target:
    """Something a customer may do within a horizon.

    Parameters
    ----------
    name
        Of the propensity: `churn`, `purchase`, `feature_adoption`, …
    positive
        Outcome kinds that mean it happened.
    horizon_days
        How long after the score it counts; silence beyond means it did not happen.
    """

    name: str
    positive: frozenset[str]
    horizon_days: float

    def __post_init__(self) -> None:
        if not self.positive or not self.horizon_days > 0:
            raise ValueError(f"target {self.name!r} needs outcome kinds and a horizon above 0 days")


class Targets:
    """The declared targets, by name.

    Examples
    --------
    >>> targets = Targets([Target("churn", frozenset({"cancelled", "closed"}), 30.0)])
    >>> [target.name for target in targets.meant_by("closed")]
    ['churn']
    """

    def __init__(self, targets: Iterable[Target]) -> None:
        self._targets: dict[str, Target] = {}
        for target in targets:
            if target.name in self._targets:
                raise ValueError(f"target {target.name!r} is declared twice")
            self._targets[target.name] = target

    def __getitem__(self, name: str) -> Target:
        return self._targets[name]

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets.values())

    def meant_by(self, kind: str) -> list[Target]:
        """Return the targets an outcome of `kind` makes positive."""
        return [target for target in self._targets.values() if kind in target.positive]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One decided score: an example to learn from and a prediction to be judged by.

    Parameters
    ----------
    target, customer
        Which propensity of whom.
    scored_at
        Event time of the score, seconds since the epoch.
    features
        As they were then.
    label
        Whether the target's outcome came within the horizon.
    score
        The probability given then; None when none was.
    version
        Model version that gave it.
    """

    target: str
    customer: str
    scored_at: float
    features: Features
    label: bool
    score: float | None
    version: int


@dataclass(slots=True)
class _Waiting:
    """One customer's undecided scores for one target, and the newest outcome that made it positive."""

    scores: list[list[Any]]
    outcome: float | None = None


class DelayedLabels:
    """Scores of many customers waiting for their labels.

    State is one JSON-able entry a customer, which the caller writes to its changelog when the customer
    is in `touched`: `{target: {"w": [[scored_at, score, version, features], …], "o": outcome_at}}`.

    Parameters
    ----------
    targets
        The declared targets.
    limit
        Scores kept waiting per customer and target; further ones are not kept, so that the oldest
        reach their horizon.
    spacing
        Seconds between kept scores of one customer and target: ten scores of one day are one example.
    grace
        Seconds the watermark must be past the horizon before silence counts, for late outcomes.

    Attributes
    ----------
    watermark
        Event time up to which everything is decided; set it when restoring.
    touched
        Customers whose entry changed; the caller clears it.
    """

    def __init__(self, targets: Targets, limit: int = 8, spacing: float = DAY, grace: float = 3600.0) -> None:
        self.targets = targets
        self.limit = limit
        self.spacing = spacing
        self.grace = grace
        self.watermark = -math.inf
        self.touched: set[str] = set()
        self._entries: dict[str, dict[str, _Waiting]] = {}
        self._due: list[tuple[float, str, str]] = []

    def scored(
        self,
        customer: str,
        target: str,
        at: float,
        features: Mapping[str, float | str | None],
        score: float | None = None,
        version: int = 0,
    ) -> bool:
        """Keep one score waiting; return whether it was kept.

        Not kept are: a repeat, one within `spacing` of another, one whose horizon is already decided,
        and one older than an outcome already seen, because its features may have seen it too.
        """
        due = self._due_at(target, at)
        if not math.isfinite(at) or due <= self.watermark:
            return False
        held = self._entries.get(customer, {}).get(target) or _Waiting([])
        if held.outcome is not None and at < held.outcome:
            return False
        near = any(abs(at - other[0]) < self.spacing or at == other[0] for other in held.scores)
        if near or len(held.scores) >= self.limit:
            return False
        held.scores.append([at, score, version, dict(features)])
        held.scores.sort(key=lambda waiting: waiting[0])
        self._entries.setdefault(customer, {})[target] = held
        heapq.heappush(self._due, (due, customer, target))
        self.touched.add(customer)
        return True

    def outcome(self, customer: str, kind: str, at: float) -> list[Labelled]:
        """Return the waiting scores an outcome at event time `at` makes positive."""
        found: list[Labelled] = []
        for target in self.targets.meant_by(kind):
            due = self._due_at(target.name, at)
            if not math.isfinite(at) or due <= self.watermark:
                continue
            held = self._entries.setdefault(customer, {}).setdefault(target.name, _Waiting([]))
            since = at - target.horizon_days * DAY
            inside = [waiting for waiting in held.scores if since <= waiting[0] < at]
            held.scores = [waiting for waiting in held.scores if not since <= waiting[0] < at]
            held.outcome = at if held.outcome is None else max(held.outcome, at)
            heapq.heappush(self._due, (due, customer, target.name))
            self.touched.add(customer)
            found += _labelled(target.name, customer, inside, True)
        return found

    def advance(self, watermark: float) -> list[Labelled]:
        """Return the scores whose horizon passed in silence by `watermark`, earliest due first."""
        self.watermark = max(self.watermark, watermark)
        found: list[Labelled] = []
        while self._due and self._due[0][0] <= self.watermark:
            _, customer, name = heapq.heappop(self._due)
            held = self._entries.get(customer, {}).get(name)
            if held is None:
                continue
            silent = [waiting for waiting in held.scores if self._due_at(name, waiting[0]) <= self.watermark]
            held.scores = held.scores[len(silent) :]
            if held.outcome is not None and self._due_at(name, held.outcome) <= self.watermark:
                held.outcome = None
            if not held.scores and held.outcome is None:
                del self._entries[customer][name]
                if not self._entries[customer]:
                    del self._entries[customer]
            self.touched.add(customer)
            found += _labelled(name, customer, silent, False)
        return found

    def entry(self, customer: str) -> dict[str, dict[str, Any]] | None:
        """Return the customer's JSON-able entry, None when nothing waits."""
        entry = self._entries.get(customer)
        if entry is None:
            return None
        return {name: {"w": list(held.scores), "o": held.outcome} for name, held in entry.items()}

    def load(self, customer: str, entry: Mapping[str, Mapping[str, Any]] | None) -> None:
        """Set the customer's entry as written earlier; targets no longer declared are dropped."""
        self._entries.pop(customer, None)
        declared = {target.name for target in self.targets}
        for name, held in (entry or {}).items():
            if name not in declared:
                continue
            waiting = _Waiting([list(score) for score in held["w"]], held["o"])
            self._entries.setdefault(customer, {})[name] = waiting
            times = [score[0] for score in waiting.scores]
            for at in times if waiting.outcome is None else [*times, waiting.outcome]:
                heapq.heappush(self._due, (self._due_at(name, at), customer, name))

    def __len__(self) -> int:
        return sum(len(held.scores) for entry in self._entries.values() for held in entry.values())

    def _due_at(self, target: str, at: float) -> float:
        return at + self.targets[target].horizon_days * DAY + self.grace


def _labelled(target: str, customer: str, scores: list[list[Any]], label: bool) -> list[Labelled]:
    return [Labelled(target, customer, at, x, label, score, version) for at, score, version, x in scores]
