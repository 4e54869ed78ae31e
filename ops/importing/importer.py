"""A file, a mapping and intake's own judgement: the events to publish, and what is wrong with the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from models.intake import Limits, judge_fact, judge_feedback
from models.outcome import DeadLetter
from ops.failures import UserError
from ops.importing.convert import Unfit, at_path, to_event
from ops.importing.mapping import Mapping
from ops.importing.rows import rows_of
from ops.importing.turns import TurnGroups
from ops.producing.reader import FileProblem, Parsed
from ops.simulator.world import Produced
from streams.topics import CUSTOMER_EVENTS, FEEDBACK_RAW


class Importer:
    """Reads files by one mapping.

    Parameters
    ----------
    limits
        Intake's limits: what it would make a dead letter is refused here, with the same reason.
    now_ms
        Time of the import.
    limit
        Most events in all, None for no limit.

    Attributes
    ----------
    filled
        How many events have each field.
    wordless
        Rows that say nothing in words, as most survey answers do; left out without being a problem.
    skipped
        Rows the mapping leaves out.
    zoneless
        How many times named no zone, by the zone they were taken to be of.
    """

    def __init__(self, mapping: Mapping, limits: Limits, now_ms: int, limit: int | None = None) -> None:
        self._mapping = mapping
        self._limits = limits
        self._now_ms = now_ms
        self._left = limit
        self.topic = FEEDBACK_RAW if mapping.target == "feedback" else CUSTOMER_EVENTS
        self.filled: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.zoneless: Counter[str] = Counter()
        self.events = self.wordless = self.skipped = 0

    def records(self, path: Path) -> Iterator[Produced | Parsed]:
        """Yield what to publish, and lines that give nothing.

        Raises
        ------
        UserError
            When the file cannot be read at all.
        """
        try:
            for line, event in self._events(path):
                if self._left is not None and self.events >= self._left:
                    return
                if isinstance(event, str):
                    self.reasons[event] += 1
                    yield Parsed(line, None, event)
                elif (record := self._judged(line, event)) is not None:
                    yield record
        except (FileProblem, UnicodeDecodeError, EOFError) as error:
            raise UserError(f"{path}: {error}") from error

    def _events(self, path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
        groups = TurnGroups(self._mapping.turns) if self._mapping.turns else None
        for line, row in self._rows(path):
            if isinstance(row, str):
                yield line, row
                continue
            try:
                event = to_event(row, self._mapping, self.zoneless)
            except Unfit as problem:
                yield line, str(problem)
                continue
            if groups is None:
                yield line, event
            else:
                yield from groups.add(line, row, event)
        if groups is not None:
            yield from groups.rest()

    def _rows(self, path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
        each = self._mapping.each
        for line, row in rows_of(path, self._mapping.sheet):
            if isinstance(row, str):
                yield line, row
            elif self._left_out(row):
                self.skipped += 1
            elif each is None:
                yield line, row
            else:
                items = at_path(row, each)
                for item in items if isinstance(items, list) else []:
                    yield line, {**row, each: item}

    def _left_out(self, row: dict[str, Any]) -> bool:
        for path, values in self._mapping.skip.items():
            if str(at_path(row, path) or "").lower() in values:
                return True
        return False

    def _judged(self, line: int, event: dict[str, Any]) -> Produced | Parsed | None:
        feedback = self._mapping.target == "feedback"
        if feedback and not event.get("text"):
            if not event.get("attachments"):
                self.wordless += 1
                return None
            event["text"] = " "
        if feedback and "author" not in event and "customer_id" not in event:
            # A voice without a name is still a voice of its own.
            event["author"] = f"anonymous-{event.get('id', line)}"
        try:
            value = orjson.dumps(event)
        except TypeError:
            return self._refuse(line, "lone_surrogate")
        dead: Any = (
            judge_feedback(value, self._now_ms, self._limits)
            if feedback
            else judge_fact("customer", value, self._now_ms, self._limits)
        )
        if isinstance(dead, DeadLetter):
            return self._refuse(line, f"{dead.reason} {dead.field}".strip())
        self.events += 1
        self.filled.update(event.keys())
        key = str(event.get("customer_id") or event.get("author"))
        ident = event.get("id")
        return Produced(self.topic, key.encode(), value, None if ident is None else str(ident))

    def _refuse(self, line: int, reason: str) -> Parsed:
        self.reasons[reason] += 1
        return Parsed(line, None, reason)
