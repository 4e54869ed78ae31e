"""Time as a value: injected, so that tests and replays decide what "now" is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol


class Clock(Protocol):
    """Anything that tells the wall-clock time."""

    def now(self) -> float:
        """Return seconds since the Unix epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return seconds since the Unix epoch, UTC."""
        return time.time()


class VirtualClock:
    """A clock that moves only when told to.

    Examples
    --------
    >>> clock = VirtualClock(100.0)
    >>> clock.advance(5)
    >>> clock.now()
    105.0
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return the virtual time in seconds since the Unix epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds` (≥ 0)."""
        if seconds < 0:
            raise ValueError(f"a clock cannot go back by {-seconds} s")
        self._now += seconds

    def move_to(self, timestamp: float) -> None:
        """Jump forward to `timestamp`; an earlier one changes nothing."""
        self._now = max(self._now, timestamp)


def event_time(record: Mapping[str, Any]) -> int:
    """Return how far (ms since the epoch) a record of a customer's log moves event time.

    A time in the future counts as its append. Services answer today, even where feedback of long ago is
    played, so an answer moves nothing.

    Examples
    --------
    >>> event_time({"event": "feedback", "occurred_at": 900, "received_at": 500})
    500
    >>> event_time({"event": "action_status", "occurred_at": 900, "received_at": 900})
    0
    """
    if record["event"] == "action_status":
        return 0
    return min(int(record["occurred_at"]), int(record["received_at"]))
