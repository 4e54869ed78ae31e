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
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import orjson

from models.churn.target import Targets
from models.churn.waiting import Entry, Labelled, head

DAY = 86_400.0
_MOST_OPEN = 4096
"""Changed entries held open; one slice changes fewer."""


class DelayedLabels:
    """Scores of many customers waiting for their labels.

    Parameters
    ----------
    targets
        The declared targets.
    entries
        Where the written entries of customers are kept, by customer: a view of the partition's state,
        or a dict. Changed entries are written by `flush`; what it held before is taken up by `load`.
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
    """

    def __init__(
        self,
        targets: Targets,
        entries: MutableMapping[str, bytes] | None = None,
        *,
        limit: int = 8,
        spacing: float = DAY,
        grace: float = 3600.0,
    ) -> None:
        self.targets = targets
        self.limit = limit
        self.spacing = spacing
        self.grace = grace
        self.watermark = -math.inf
        self._entries = {} if entries is None else entries
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
        first = self._first(entry)
        for target in kept:
            score, version = scores[target]
            waiting = entry.scores.setdefault(target, [])
            waiting.append([at, score, version, len(entry.lines) - 1, 0])
            waiting.sort(key=_time)
        self._queue(customer, entry, first)
        self._keep(customer, entry)
        return kept

    def _wanted(self, entry: Entry, target: str, at: float) -> bool:
        outcome = entry.outcomes.get(target)
        if at + self._wait[target] <= self.watermark or (outcome is not None and at < outcome):
            return False
        waiting = entry.scores.get(target, ())
        if len(waiting) >= self.limit:
            return False
        return not [other for other in waiting if abs(at - other[0]) < self.spacing or at == other[0]]

    def forget(self, customer: str) -> None:
        """Drop all that waits for a customer who is to be erased; no label comes of it."""
        self._open.pop(customer, None)
        self._entries.pop(customer, None)

    def outcome(self, customer: str, kind: str, at: float) -> None:
        """Note that an outcome at event time `at` makes the scores positive that wait within its horizon."""
        for target in self.targets.meant_by(kind):
            name = target.name
            if not math.isfinite(at) or at + self._wait[name] <= self.watermark:
                continue
            entry = self._entry(customer)
            first = self._first(entry)
            since = at - target.horizon_days * DAY
            for score in entry.scores.get(name, ()):
                if since <= score[0] < at:
                    score[4] = 1
            entry.outcomes[name] = max(at, entry.outcomes.get(name, at))
            self._queue(customer, entry, first)
            self._keep(customer, entry)

    def advance(self, watermark: float) -> list[Labelled]:
        """Return the scores whose horizon has passed by `watermark`, earliest due first."""
        if watermark > self.watermark:
            self.watermark = watermark
        found: list[Labelled] = []
        while self._due and self._due[0][0] <= self.watermark:
            due, customer = now = heapq.heappop(self._due)
            while self._due and self._due[0] == now:
                heapq.heappop(self._due)
            entry = self._entry(customer)
            if self._first(entry) <= due:
                found += self._decided(customer, entry, due)
                self._keep(customer, entry)
            self._queue(customer, entry, math.inf)
        return found

    def _decided(self, customer: str, entry: Entry, due: float) -> list[Labelled]:
        found: list[Labelled] = []
        for name, wait in self._wait.items():
            waiting = entry.scores.get(name)
            if waiting and waiting[0][0] + wait <= due:
                decided = [score for score in waiting if score[0] + wait <= due]
                entry.settle(name, waiting[len(decided) :])
                found += entry.labelled(name, customer, decided)
            outcome = entry.outcomes.get(name)
            if outcome is not None and outcome + wait <= due:
                del entry.outcomes[name]
        return found

    def _first(self, entry: Entry) -> float:
        """Return when the first of a customer's scores and outcomes is due; infinite when none waits."""
        wait, first = self._wait, math.inf
        for name, waiting in entry.scores.items():
            if (due := waiting[0][0] + wait[name]) < first:
                first = due
        for name, at in entry.outcomes.items():
            if (due := at + wait[name]) < first:
                first = due
        return first

    def _queue(self, customer: str, entry: Entry, before: float) -> None:
        """Have a customer looked at when the first thing is due, unless that was so `before`.

        A customer stands in the queue once, or a few times for a while after events that came late.
        """
        if (first := self._first(entry)) < before:
            heapq.heappush(self._due, (first, customer))

    def _keep(self, customer: str, entry: Entry) -> None:
        self._open[customer] = entry
        if len(self._open) > _MOST_OPEN:
            self.flush()

    def _entry(self, customer: str) -> Entry:
        held = self._open.get(customer)
        if held is not None:
            return held
        entry = Entry(self._entries.get(customer))
        declared = self._wait.keys()
        if not (entry.scores.keys() <= declared and entry.outcomes.keys() <= declared):
            for name in {*entry.scores, *entry.outcomes}.difference(declared):
                entry.scores.pop(name, None)
                entry.outcomes.pop(name, None)
        return entry

    @property
    def queued(self) -> int:
        """How many places the queue of what will be due has."""
        return len(self._due)

    def flush(self) -> None:
        """Write the entries that changed; nothing is kept of those with nothing left to wait for."""
        for customer, entry in self._open.items():
            written = entry.written()
            if written is None:
                self._entries.pop(customer, None)
            else:
                self._entries[customer] = written
        self._open.clear()

    def load(self) -> None:
        """Take up what the entries hold, after a restart or when a slice is undone."""
        self._open.clear()
        self._due = []
        for customer, written in self._entries.items():
            scores, outcomes = head(written)
            known = Entry()
            known.scores = {name: kept for name, kept in scores.items() if name in self._wait}
            known.outcomes = {name: at for name, at in outcomes.items() if name in self._wait}
            if (first := self._first(known)) < math.inf:
                self._due.append((first, customer))
        heapq.heapify(self._due)

    def __len__(self) -> int:
        self.flush()
        entries = (self._entry(customer) for customer in self._entries)
        return sum(len(scores) for entry in entries for scores in entry.scores.values())


def _time(score: list[Any]) -> float:
    at: float = score[0]
    return at
