"""A work order's progress as a fold over what was said of it, so that arrival order does not matter.

Services answer late, twice and out of order. The progress is therefore never changed step by step: it is
computed from all answers in order of when they happened, and any order of arrival ends the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

State = Literal["open", "assigned", "in_progress", "waiting", "resolved", "closed"]

RANK = {
    name: rank
    for rank, name in enumerate(
        ("assigned", "accepted", "in_progress", "waiting", "delivered", "failed", "resolved",
         "customer_told", "reopened", "complained", "closed", "abandoned")
    )
}  # fmt: skip
"""Order of answers that bear the same time: the way things normally go."""

_WORKING: dict[str, frozenset[State]] = {
    "accepted": frozenset({"open"}),
    "delivered": frozenset({"open"}),
    "assigned": frozenset({"open", "assigned", "in_progress", "waiting"}),
    "in_progress": frozenset({"open", "assigned", "waiting"}),
    "waiting": frozenset({"open", "assigned", "in_progress"}),
}
_BECOMES: dict[str, State] = {
    "accepted": "assigned",
    "delivered": "assigned",
    "assigned": "assigned",
    "in_progress": "in_progress",
    "waiting": "waiting",
}


class Entry(NamedTuple):
    """One thing said of a work order.

    Parameters
    ----------
    ident
        Tells a repeat from news.
    status
        A status of the contract, or `complained` (the customer, again) or `abandoned` (nobody, for weeks).
    at
        When it happened, ms since the epoch.
    by, reason
        As the service said.
    team
        New team, for `assigned`.
    tells
        Whether the customer learned of the outcome by it.
    """

    ident: str
    status: str
    at: int
    by: str = ""
    reason: str = ""
    team: str = ""
    tells: bool = False

    @property
    def order(self) -> tuple[int, int, str]:
        """Where the entry belongs among the others."""
        return self.at, RANK[self.status], self.ident

    def dump(self) -> list[Any]:
        """Return the entry as JSON."""
        return list(self)


@dataclass(slots=True)
class Progress:
    """Where a work order stands.

    Attributes
    ----------
    team
        Who has it.
    responded_at
        First sign that somebody took it up, ever.
    taken_at
        The same since it was last reopened or failed.
    waits
        Spans (ms) in which it waited for the customer, since it was last reopened.
    failures, failed_at
        How often an attempt failed, and when last.
    cycle
        How often it was reopened.
    complaints
        Complaints about the same topic that did not reopen it.
    """

    team: str
    began: int
    state: State = "open"
    responded_at: int | None = None
    taken_at: int | None = None
    resolved_at: int | None = None
    told_at: int | None = None
    closed_at: int | None = None
    waiting_since: int | None = None
    waits: list[list[int]] = field(default_factory=list)
    failures: int = 0
    failed_at: int = 0
    cycle: int = 0
    complaints: int = 0
    abandoned: bool = False

    def copy(self) -> Progress:
        """Return a copy that shares nothing that changes."""
        return Progress(**self.dump())

    def dump(self) -> dict[str, Any]:
        """Return the progress as JSON, which shares nothing with it."""
        plain = {name: getattr(self, name) for name in _FIELDS}
        plain["waits"] = [list(span) for span in self.waits]
        return plain

    @property
    def done(self) -> bool:
        """Whether nobody has to work on it."""
        return self.state in ("resolved", "closed")

    def apply(self, entry: Entry, reopen_window: int, most_cycles: int) -> None:
        """Take one entry, which must not be older than those taken before.

        Parameters
        ----------
        reopen_window
            How long (ms) after the resolution another complaint reopens.
        most_cycles
            How often at most, so that a quarrel ends with a person and not in a loop.
        """
        status, at = entry.status, entry.at
        if status == "complained":
            since = self.resolved_at
            if not self.done or self.abandoned or since is None or at - since > reopen_window:
                self.complaints += 1
            else:
                self._reopen(at, most_cycles)
        elif status == "reopened":
            if self.done:
                self._reopen(at, most_cycles)
        elif status in ("closed", "abandoned"):
            self._close(at, abandoned=status == "abandoned")
        elif status == "failed":
            if self.state != "closed":
                self._leave_waiting(at)
                self.state, self.taken_at, self.resolved_at = "open", None, None
                self.failures, self.failed_at = self.failures + 1, at
        else:
            self._work(entry)

    def _work(self, entry: Entry) -> None:
        status, at = entry.status, entry.at
        if status != "assigned":
            self.responded_at = at if self.responded_at is None else self.responded_at
            self.taken_at = at if self.taken_at is None else self.taken_at
        if entry.tells and self.told_at is None:
            self.told_at = at
        if status == "resolved":
            if not self.done:
                self._leave_waiting(at)
                self.state, self.resolved_at = "resolved", at
        elif status in _WORKING and self.state in _WORKING[status]:
            self._leave_waiting(at)
            self.state = _BECOMES[status]
            if status == "waiting":
                self.waiting_since = at
            if entry.team:
                self.team = entry.team

    def _reopen(self, at: int, most_cycles: int) -> None:
        if self.cycle >= most_cycles:
            self.complaints += 1
            return
        self.state, self.cycle, self.began = "open", self.cycle + 1, at
        self.taken_at = self.resolved_at = self.told_at = self.closed_at = None
        self.waits, self.abandoned = [], False

    def _close(self, at: int, *, abandoned: bool) -> None:
        if self.state != "closed" and not (abandoned and self.done):
            self._leave_waiting(at)
            self.state, self.closed_at, self.abandoned = "closed", at, abandoned

    def _leave_waiting(self, at: int) -> None:
        if self.waiting_since is not None:
            self.waits.append([self.waiting_since, at])
            self.waiting_since = None


_FIELDS = tuple(one.name for one in fields(Progress))


def fold(start: Progress, entries: Iterable[Entry], reopen_window: int, most_cycles: int) -> Progress:
    """Return `start` after `entries`, in order of when they happened.

    Examples
    --------
    >>> told = [Entry("b", "resolved", 20), Entry("a", "accepted", 10)]
    >>> fold(Progress("support", 0), told, 0, 3).state
    'resolved'
    """
    for entry in sorted(entries, key=lambda entry: entry.order):
        start.apply(entry, reopen_window, most_cycles)
    return start
