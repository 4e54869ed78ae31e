"""A work order: one action, what was said of it and which of its timers have fired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from models.follow_up.progress import Entry, Progress, fold

MOST_ENTRIES = 48
"""Entries kept one by one; older ones are folded into the beginning, so a work order stays small."""


def stable_id(*parts: str) -> str:
    """Return an id that depends on nothing but its parts, so that a repeat gives the same.

    Examples
    --------
    >>> stable_id("escalate", "a1", "0", "1") == stable_id("escalate", "a1", "0", "1")
    True
    """
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


@dataclass(slots=True)
class WorkOrder:
    """One action that someone has to finish.

    Parameters
    ----------
    action
        The action as it was published.
    key
        Its Kafka key: what follows from it goes to the same partition.
    opened_at
        When the action was decided, ms.
    sla
        Time (ms that count) to the deadline.
    response
        Time (ms that count) to the first response.
    topic, urgency
        Of the feedback behind it.
    holder
        Team that was last sent the work.
    fired
        When each timer fired, by name; a timer fires once.
    derived
        Ids of the actions sent because of it, with the step that sent them.
    changes
        Changes recorded so far.
    """

    action: dict[str, Any]
    key: str
    opened_at: int
    sla: int
    response: int
    topic: str
    urgency: str
    holder: str
    start: Progress
    entries: list[Entry] = field(default_factory=list)
    fired: dict[str, int] = field(default_factory=dict)
    derived: dict[str, str] = field(default_factory=dict)
    changes: int = 0

    @property
    def ident(self) -> str:
        """The action's id, which is the work order's."""
        return str(self.action["action_id"])

    @property
    def customer(self) -> str:
        """The customer it is for."""
        return str(self.action["customer_id"])

    @property
    def kind(self) -> str:
        """Kind of the action."""
        return str(self.action["kind"])

    def has(self, entry: Entry) -> bool:
        """Tell whether the same thing was said before."""
        return any(known.ident == entry.ident for known in self.entries)

    def add(self, entry: Entry, reopen_window: int, most_cycles: int) -> None:
        """Add something said; times before the opening are a service's clock going slow."""
        if entry.at < self.opened_at:
            entry = Entry(
                entry.ident,
                entry.status,
                self.opened_at,
                entry.by,
                entry.reason,
                entry.team,
                entry.tells,
            )
        self.entries.append(entry)
        self.entries.sort(key=lambda held: held.order)
        while len(self.entries) > MOST_ENTRIES:
            self.start.apply(self.entries.pop(0), reopen_window, most_cycles)

    def progress(self, reopen_window: int, most_cycles: int) -> Progress:
        """Return where it stands."""
        return fold(self.start.copy(), self.entries, reopen_window, most_cycles)

    def dump(self) -> dict[str, Any]:
        """Return the work order as JSON, which shares the action with it."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        plain |= {"fired": dict(self.fired), "derived": dict(self.derived)}
        return plain | {"start": self.start.dump(), "entries": [entry.dump() for entry in self.entries]}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> WorkOrder:
        """Return the work order `dump` described; later changes of it leave `data` alone."""
        start = Progress(**data["start"]).copy()
        entries = [Entry(*row) for row in data["entries"]]
        plain = {name: data[name] for name in _PLAIN}
        plain |= {"fired": dict(data["fired"]), "derived": dict(data["derived"])}
        return cls(start=start, entries=entries, **plain)


_PLAIN = ("action", "key", "opened_at", "sla", "response", "topic", "urgency", "holder",
          "fired", "derived", "changes")  # fmt: skip
