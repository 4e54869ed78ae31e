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
from typing import Any

import orjson

from models.churn.target import Targets
from models.churn.waiting import Entry, Labelled, head

DAY = 86_400.0
_MOST_OPEN = 4096
"""Changed entries held open; one slice changes fewer."""


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
        self._open: dict[str, Entry] = {}
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
        entry = self._entry(customer)
        kept = [target for target in scores if self._wanted(entry, target, at)]
        if not kept:
            return kept
        # What `round` to four digits gives, at a third of its cost; larger numbers are whole anyway.
        rounded = {
            k: math.floor(v * 1e4 + 0.5) / 1e4 if type(v) is float and -1e11 < v < 1e11 else v
            for k, v in features.items()
        }
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

    def _wanted(self, entry: Entry, target: str, at: float) -> bool:
        outcome = entry.outcomes.get(target)
        if at + self._wait[target] <= self.watermark or (outcome is not None and at < outcome):
            return False
        waiting = entry.scores.get(target, ())
        return len(waiting) < self.limit and not any(
            abs(at - other[0]) < self.spacing or at == other[0] for other in waiting
        )

    def forget(self, customer: str) -> None:
        """Drop all that waits for a customer who is to be erased; no label comes of it."""
        if self._open.pop(customer, None) is not None or customer in self._entries:
            self._entries.pop(customer, None)
            self.touched.add(customer)

    def outcome(self, customer: str, kind: str, at: float) -> None:
        """Note that an outcome at event time `at` makes the scores positive that wait within its horizon."""
        for target in self.targets.meant_by(kind):
            name, due = target.name, at + self._wait[target.name]
            if not math.isfinite(at) or due <= self.watermark:
                continue
            entry = self._entry(customer)
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
            if customer in self._open or customer in self._entries:
                found += self._decided(customer, self._entry(customer), due)
        return found

    def _decided(self, customer: str, entry: Entry, due: float) -> list[Labelled]:
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

    def _entry(self, customer: str) -> Entry:
        held = self._open.get(customer)
        return Entry(self._entries.get(customer)) if held is None else held

    def _write(self, customer: str, entry: Entry) -> None:
        """Take a changed entry; it is written when it is asked for, or when many are open."""
        self._open[customer] = entry
        self.touched.add(customer)
        if len(self._open) > _MOST_OPEN:
            for waiting in list(self._open):
                self.entry(waiting)

    def entry(self, customer: str) -> bytes | None:
        """Return what is to be stored of a customer, None when nothing waits."""
        entry = self._open.pop(customer, None)
        if entry is not None:
            written = entry.written()
            if written is None:
                self._entries.pop(customer, None)
            else:
                self._entries[customer] = written
        return self._entries.get(customer)

    def load(self, customer: str, written: bytes | None) -> None:
        """Set a customer's entry as stored earlier; targets no longer declared are dropped."""
        self._entries.pop(customer, None)
        self._open.pop(customer, None)
        if not written:
            return
        scores, outcomes = head(written)
        if not self._wait.keys() >= scores.keys() | outcomes.keys():
            entry = Entry(written)
            for name in {*scores, *outcomes}.difference(self._wait):
                entry.scores.pop(name, None)
                entry.outcomes.pop(name, None)
            written, scores, outcomes = entry.written(), entry.scores, entry.outcomes
            if not written:
                return
        self._entries[customer] = written
        wait = self._wait
        times = {score[0] + wait[name] for name, waiting in scores.items() for score in waiting}
        for due in times.union(at + wait[name] for name, at in outcomes.items()):
            heapq.heappush(self._due, (due, customer))

    def __len__(self) -> int:
        for customer in list(self._open):
            self.entry(customer)
        entries = map(Entry, self._entries.values())
        return sum(len(scores) for entry in entries for scores in entry.scores.values())


def _time(score: list[Any]) -> float:
    at: float = score[0]
    return at
