"""Turns of conversations: what the customer says without interruption is one feedback."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops.importing.convert import at_path
from ops.importing.mapping import Turns

MOST_OPEN = 100_000


@dataclass(slots=True)
class _Open:
    line: int
    event: dict[str, Any]
    last: str | None
    number: int


class TurnGroups:
    """Puts consecutive turns of the customer together, conversation by conversation.

    Conversations may be interleaved; turns of one come in order. At most `MOST_OPEN` feedbacks
    are held, the longest-open one goes first.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._speakers = frozenset(turns.customer)
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._numbers: dict[str, int] = {}

    def add(
        self, line: int, row: dict[str, Any], event: dict[str, Any]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Take a turn; yields feedbacks that it ends, with the line each began at."""
        name = str(at_path(row, self._turns.conversation) or "")
        speaker = str(at_path(row, self._turns.speaker) or "").lower()
        held = self._open.get(name)
        said = event.get("text")
        if speaker not in self._speakers or not said:
            if speaker not in self._speakers and held is not None:
                yield self._close(name)
            return
        at = event.get("occurred_at")
        if held is not None and not self._paused(held.last, at):
            held.event["text"] += "\n" + said
            held.last = at
            return
        if held is not None:
            yield self._close(name)
        number = self._numbers.get(name, 0) + 1
        self._numbers[name] = number
        self._open[name] = _Open(line, {**event, "id": f"{name}-{number}"}, at, number)
        if len(self._open) > MOST_OPEN:
            yield self._close(next(iter(self._open)))

    def rest(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield what is still open at the end of the file."""
        while self._open:
            yield self._close(next(iter(self._open)))

    def _close(self, name: str) -> tuple[int, dict[str, Any]]:
        held = self._open.pop(name)
        return held.line, held.event

    def _paused(self, last: str | None, at: str | None) -> bool:
        if last is None or at is None:
            return False
        pause = datetime.fromisoformat(at) - datetime.fromisoformat(last)
        return pause.total_seconds() > 60.0 * self._turns.gap_minutes
