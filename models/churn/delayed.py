"""Labels that come late: what was known at scoring time waits until the horizon decides.

A score made at `t` becomes a positive example when an outcome of a kind its target names falls in
`(t, t + horizon]` of event time, else a negative one, once the watermark has passed `t + horizon` plus
`grace`. Positive labels wait as long as negative ones: told at once, they would come ahead of the
silence of the same days, and a learner would believe for a whole horizon that everybody leaves
(`ops/docs/adr/0014-labels-at-the-horizon.md`). Features are copied when the score is made, so nothing
that happens afterwards can leak into them; each score yields exactly one label, whatever is delivered
twice or late.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from models.churn.target import Targets

DAY = 86_400.0
Features = dict[str, float | str | None]
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Labelled:
    """One decided score: an example to learn from and a prediction to be judged by.

    Parameters
    ----------
    target, customer
        Which propensity of whom.
    scored_at
        Event time of the score, seconds since the epoch.
    encoded
        The features as they were then, as JSON: few readers need more than to pass them on.
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
    encoded: bytes
    label: bool
    score: float | None
    version: int

    @property
    def features(self) -> Features:
        """The features as they were at scoring time."""
        found: Features = orjson.loads(self.encoded)
        return found


class _Entry:
    """One customer's undecided scores, and the newest outcome of each target.

    Written as a line of JSON, `[{target: [[scored_at, score, version, line, label], …]}, {target: at}]`,
    and a line a distinct set of features, which targets scored at the same moment share and which
    nothing but the learner ever parses. Kept written, 100,000 waiting customers take 70 MB less.
    Scores name their line by number: comparing the lines themselves took a third of scoring.
    """

    __slots__ = ("lines", "outcomes", "scores")

    def __init__(self, written: bytes | None = None) -> None:
        self.scores: dict[str, list[list[Any]]] = {}
        self.outcomes: dict[str, float] = {}
        self.lines: list[bytes] = []
        if written:
            head, *self.lines = written.split(b"\n")
            self.scores, self.outcomes = orjson.loads(head)

    def written(self) -> bytes | None:
        """Return the bytes this is read from, None when nothing waits."""
        if not self.scores and not self.outcomes:
            return None
        places: dict[int, int] = {}
        scores = {
            target: [
                [at, score, version, places.setdefault(x, len(places)), label]
                for at, score, version, x, label in kept
            ]
            for target, kept in self.scores.items()
        }
        return b"\n".join((orjson.dumps([scores, self.outcomes]), *(self.lines[x] for x in places)))

    def settle(self, target: str, kept: list[list[Any]]) -> None:
        """Replace the scores that wait for a target."""
        if kept:
            self.scores[target] = kept
        else:
            self.scores.pop(target, None)

    def labelled(self, target: str, customer: str, scores: list[list[Any]]) -> list[Labelled]:
        """Return these scores as examples."""
        return [
            Labelled(target, customer, at, self.lines[x], bool(label), score, version)
            for at, score, version, x, label in scores
        ]


class DelayedLabels:
    """Scores of many customers waiting for their labels.

    State is one entry of bytes a customer, which the caller writes to its changelog when the customer
    is in `touched`.

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
        self._entries: dict[str, bytes] = {}
        self._due: list[tuple[float, str]] = []
        self._wait = {target.name: target.horizon_days * DAY + grace for target in targets}

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
        return bool(self.scored_all(customer, at, features, {target: (score, version)}))

    def scored_all(
        self,
        customer: str,
        at: float,
        features: Mapping[str, float | str | None],
        scores: Mapping[str, tuple[float | None, int]],
    ) -> Sequence[str]:
        """Do as `scored` for several targets scored at once; returns those whose score was kept.

        Parameters
        ----------
        features
            Numbers are kept to four decimals.
        scores
            Score and model version by target.
        """
        if not math.isfinite(at):
            return ()
        entry = _Entry(self._entries.get(customer))
        kept = [target for target in scores if self._wanted(entry, target, at)]
        if not kept:
            return kept
        rounded = {k: round(v, _DIGITS) if type(v) is float else v for k, v in features.items()}
        entry.lines.append(orjson.dumps(rounded))
        for target in kept:
            score, version = scores[target]
            waiting = entry.scores.setdefault(target, [])
            waiting.append([at, score, version, len(entry.lines) - 1, 0])
            waiting.sort(key=_time)
        for due in {at + self._wait[target] for target in kept}:
            heapq.heappush(self._due, (due, customer))
        self._write(customer, entry)
        return kept

    def _wanted(self, entry: _Entry, target: str, at: float) -> bool:
        outcome = entry.outcomes.get(target)
        if at + self._wait[target] <= self.watermark or (outcome is not None and at < outcome):
            return False
        waiting = entry.scores.get(target, ())
        return len(waiting) < self.limit and not any(
            abs(at - other[0]) < self.spacing or at == other[0] for other in waiting
        )

    def forget(self, customer: str) -> None:
        """Drop all that waits for a customer who is to be erased; no label comes of it."""
        if self._entries.pop(customer, None) is not None:
            self.touched.add(customer)

    def outcome(self, customer: str, kind: str, at: float) -> None:
        """Note that an outcome at event time `at` makes the scores positive that wait within its horizon."""
        for target in self.targets.meant_by(kind):
            name, due = target.name, at + self._wait[target.name]
            if not math.isfinite(at) or due <= self.watermark:
                continue
            entry = _Entry(self._entries.get(customer))
            since = at - target.horizon_days * DAY
            for score in entry.scores.get(name, ()):
                if since <= score[0] < at:
                    score[4] = 1
            entry.outcomes[name] = max(at, entry.outcomes.get(name, at))
            heapq.heappush(self._due, (due, customer))
            self._write(customer, entry)

    def advance(self, watermark: float) -> list[Labelled]:
        """Return the scores whose horizon has passed by `watermark`, earliest due first."""
        if watermark > self.watermark:
            self.watermark = watermark
        found: list[Labelled] = []
        while self._due and self._due[0][0] <= self.watermark:
            due, customer = heapq.heappop(self._due)
            written = self._entries.get(customer)
            if written is not None:
                found += self._decided(customer, _Entry(written), due)
        return found

    def _decided(self, customer: str, entry: _Entry, due: float) -> list[Labelled]:
        found: list[Labelled] = []
        changed = False
        for name, wait in self._wait.items():
            waiting = entry.scores.get(name)
            if waiting and waiting[0][0] + wait <= due:
                decided = [score for score in waiting if score[0] + wait <= due]
                entry.settle(name, waiting[len(decided) :])
                found += entry.labelled(name, customer, decided)
            outcome = entry.outcomes.get(name)
            if outcome is not None and outcome + wait <= due:
                del entry.outcomes[name]
                changed = True
        if found or changed:
            self._write(customer, entry)
        return found

    def _write(self, customer: str, entry: _Entry) -> None:
        written = entry.written()
        if written is None:
            self._entries.pop(customer, None)
        else:
            self._entries[customer] = written
        self.touched.add(customer)

    def entry(self, customer: str) -> bytes | None:
        """Return what is to be stored of a customer, None when nothing waits."""
        return self._entries.get(customer)

    def load(self, customer: str, written: bytes | None) -> None:
        """Set a customer's entry as stored earlier; targets no longer declared are dropped."""
        self._entries.pop(customer, None)
        if not written:
            return
        entry = _Entry(written)
        for name in {*entry.scores, *entry.outcomes}.difference(self._wait):
            entry.scores.pop(name, None)
            entry.outcomes.pop(name, None)
            written = entry.written()
        if not written:
            return
        self._entries[customer] = written
        times = [(name, score[0]) for name, scores in entry.scores.items() for score in scores]
        for due in {at + self._wait[name] for name, at in (*times, *entry.outcomes.items())}:
            heapq.heappush(self._due, (due, customer))

    def __len__(self) -> int:
        entries = map(_Entry, self._entries.values())
        return sum(len(scores) for entry in entries for scores in entry.scores.values())


def _time(score: list[Any]) -> float:
    at: float = score[0]
    return at
