"""What is remembered of a customer and of a partition, small enough to write on every change.

Most customers have no state at all. An entry of a window is `[time, event]` or `[time, event, value]`
with times in ms and events as 32-bit hashes, about 27 bytes as JSON: a customer with three counted
feedbacks and one action takes about 200 bytes. The bound is `MAX_ENTRIES` window entries,
`MAX_DECISIONS` decisions and `MAX_TIMERS` timers, together under 16 kB.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from models.events.decision import Arm, Suppression

MAX_ENTRIES = 256
MAX_DECISIONS = 48
MAX_TIMERS = 4
MAX_CLUSTERS = 200
REPLAY = 3_600_000
"""How long (ms) decisions that changed nothing are remembered, so that a replay repeats them."""

_REASONS = {
    Suppression.NONE: "", Suppression.GLOBAL_HOLDOUT: "g", Suppression.COOLDOWN: "c",
    Suppression.CONTACT_CAP: "k", Suppression.QUIET_HOURS: "q", Suppression.BUDGET: "b",
    Suppression.EXCLUSIVE_GROUP: "x", Suppression.DUPLICATE: "d", Suppression.PAUSED: "p",
    Suppression.RAMP: "r", Suppression.LATE: "l",
}  # fmt: skip
_ARMS = {Arm.ACTED: "A", Arm.HOLDOUT: "H", Arm.SUPPRESSED: "S", Arm.SHADOW: "W"}
_CODES = {(arm, reason): a + r for arm, a in _ARMS.items() for reason, r in _REASONS.items()}
_OUTCOMES = {code: outcome for outcome, code in _CODES.items()}
BINDING = (Arm.ACTED, Arm.HOLDOUT)
"""Arms that hold a cooldown and a place in a group; named once, as looking a member up takes .1 µs."""


def short(identity: str) -> int:
    """Return a 32-bit hash of an id: enough to tell the few hundred events of one customer apart."""
    return zlib.crc32(identity.encode())


class Past(NamedTuple):
    """One decision about a customer, as it is remembered."""

    at: int
    event: int
    rule: str
    arm: Arm
    reason: Suppression
    kind: str

    def dump(self) -> list[Any]:
        """Return the entry as a JSON list."""
        return [self.at, self.event, self.rule, _CODES[self.arm, self.reason], self.kind]

    @classmethod
    def load(cls, entry: list[Any]) -> Past:
        """Read what `dump` wrote."""
        arm, reason = _OUTCOMES[entry[3]]
        return cls(entry[0], entry[1], entry[2], arm, reason, entry[4])


@dataclass(slots=True)
class Timer:
    """A decision that waits for an absence: `found` is what the condition saw when it began."""

    due: int
    window: str
    rule: str
    event: int
    found: dict[str, Any]


@dataclass(slots=True)
class CustomerState:
    """Windows, decisions and timers of one customer.

    Parameters
    ----------
    windows
        Entries by window key, sorted by time.
    decisions
        Newest last.
    timers
        Absences waited for.
    changed
        Whether anything differs from what was last written.
    """

    windows: dict[str, list[list[Any]]] = field(default_factory=dict)
    decisions: list[Past] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    changed: bool = False

    def __bool__(self) -> bool:
        return bool(self.windows or self.decisions or self.timers)

    def dump(self) -> dict[str, Any]:
        """Return the state as plain JSON; empty parts are left out."""
        data: dict[str, Any] = {}
        if self.windows:
            data["w"] = self.windows
        if self.decisions:
            data["d"] = [past.dump() for past in self.decisions]
        if self.timers:
            data["t"] = [[t.due, t.window, t.rule, t.event, t.found] for t in self.timers]
        return data

    @classmethod
    def load(cls, data: Mapping[str, Any] | None) -> CustomerState:
        """Read what `dump` wrote; None is a customer nothing is known of."""
        if not data:
            return cls()
        return cls(
            {key: list(entries) for key, entries in data.get("w", {}).items()},
            [Past.load(entry) for entry in data.get("d", [])],
            [Timer(*entry) for entry in data.get("t", [])],
        )

    def decided(self, event: int) -> bool:
        """Tell whether some decision on this event is remembered."""
        return event in [past.event for past in self.decisions]

    def remember(self, past: Past, keep: int) -> None:
        """Add a decision; those older than `keep` ms, or merely kept for a replay, make room."""
        self.decisions = [
            old for old in self.decisions if past.at - old.at < (keep if old.arm in BINDING else REPLAY)
        ]
        self.decisions.append(past)
        while len(self.decisions) > MAX_DECISIONS:
            passive = next((i for i, old in enumerate(self.decisions) if old.arm not in BINDING), 0)
            del self.decisions[passive]
        self.changed = True

    def bound(self) -> None:
        """Forget the oldest entries of the largest window beyond `MAX_ENTRIES` in all."""
        while sum(map(len, self.windows.values())) > MAX_ENTRIES:
            del max(self.windows.values(), key=len)[0]

    def expire(self, now: int, horizons: Mapping[str, int], keep: int) -> None:
        """Forget what no rule can ask for any more.

        Parameters
        ----------
        now
            Watermark or decision time in ms.
        horizons
            How long (ms) each window's entries matter; windows of no live rule are kept for `keep`.
        keep
            How long (ms) decisions matter.
        """
        for key in list(self.windows):
            start = now - horizons.get(key, keep)
            entries = [entry for entry in self.windows[key] if entry[0] > start]
            if len(entries) < len(self.windows[key]):
                self.changed = True
            if entries:
                self.windows[key] = entries
            else:
                del self.windows[key]
        kept = [past for past in self.decisions if now - past.at < keep]
        if len(kept) < len(self.decisions):
            self.decisions, self.changed = kept, True


@dataclass(slots=True)
class PartitionState:
    """What a partition remembers beyond its customers: watermark, budgets spent, clusters acted on.

    Parameters
    ----------
    partition, partitions
        Which part of each daily budget is spent here.
    watermark
        Highest event time seen (ms), never past the append time, so that one wrong clock fires nothing.
    spent
        Day number and actions bought, by rule.
    clusters
        Time and event of the last decision, by rule and cluster.
    """

    partition: int
    partitions: int
    watermark: int = 0
    spent: dict[str, list[int]] = field(default_factory=dict)
    clusters: dict[str, list[int]] = field(default_factory=dict)
    _due: list[tuple[int, str]] = field(default_factory=list)

    def dump(self) -> dict[str, Any]:
        """Return the state as plain JSON; timers live with their customers."""
        return {"watermark": self.watermark, "spent": self.spent, "clusters": self.clusters}

    @classmethod
    def load(cls, partition: int, partitions: int, data: Mapping[str, Any] | None) -> PartitionState:
        """Read what `dump` wrote; call `index` for each customer afterwards."""
        data = data or {}
        return cls(
            partition, partitions, data.get("watermark", 0),
            {rule: list(entry) for rule, entry in data.get("spent", {}).items()},
            {key: list(entry) for key, entry in data.get("clusters", {}).items()},
        )  # fmt: skip

    def index(self, customer_id: str, state: CustomerState) -> None:
        """Note a customer's timers, after the state was loaded or a timer was set."""
        for timer in state.timers:
            self._due.append((timer.due, customer_id))
        heapify(self._due)

    def wait(self, due: int, customer_id: str) -> None:
        """Note one more timer."""
        heappush(self._due, (due, customer_id))

    def advance(self, watermark: int) -> None:
        """Move event time forward; an earlier time changes nothing."""
        if watermark > self.watermark:
            self.watermark = watermark

    @property
    def has_due(self) -> bool:
        """Whether some timer has been reached."""
        return bool(self._due) and self._due[0][0] <= self.watermark

    def next_due(self) -> str | None:
        """Return a customer with a timer that is due and forget the note, None if there is none."""
        if self.has_due:
            return heappop(self._due)[1]
        return None

    def decide_cluster(self, key: str, at: int, event: int) -> None:
        """Note that a cluster was acted on; the oldest of `MAX_CLUSTERS` makes room."""
        self.clusters.pop(key, None)
        self.clusters[key] = [at, event]
        if len(self.clusters) > MAX_CLUSTERS:
            del self.clusters[next(iter(self.clusters))]
