"""Counts records and tells at the end what they cost this process."""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Meter:
    """Starts with the first record.

    Parameters
    ----------
    count
        Records after which `add` returns True.

    Attributes
    ----------
    parts
        CPU seconds of what ran within `part`, by its name.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.seen = 0
        self.parts: dict[str, float] = defaultdict(float)
        self._began = self._cpu = 0.0
        self._ended: tuple[float, float] | None = None

    def add(self, records: int = 1) -> bool:
        """Count records begun; return whether all have come."""
        if not self.seen:
            self._began, self._cpu = time.monotonic(), time.process_time()
        self.seen += records
        return self.seen >= self.count

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what runs within as this part; a part within a part counts only as itself.

        Nothing may be awaited within: another task's time would count as this part's.
        """
        inner, began = sum(self.parts.values()), time.process_time()
        try:
            yield
        finally:
            spent = time.process_time() - began
            self.parts[name] += spent - (sum(self.parts.values()) - inner)

    def touch(self) -> None:
        """Note that something came out, where the end cannot be told from what went in."""
        self._ended = (time.monotonic(), time.process_time())

    def report(self, **more: object) -> None:
        """Print the figures."""
        ended, cpu = self._ended or (time.monotonic(), time.process_time())
        found = {
            "events": self.seen,
            "seconds": round(ended - self._began, 3),
            "cpu_us_per_event": round((cpu - self._cpu) / max(1, self.seen) * 1e6, 2),
            **more,
        }
        out = sys.__stdout__ or sys.stdout  # Faust's worker sends sys.stdout to its log
        out.write(json.dumps(found) + "\n")
        out.flush()

    def report_parts(self, feedback: int) -> None:
        """Print the figures, and the CPU µs a feedback of every part and of all the rest."""
        whole = time.process_time() - self._cpu
        shares = {**self.parts, "rest": whole - sum(self.parts.values())}
        parts = {name: round(spent / max(1, feedback) * 1e6, 1) for name, spent in shares.items()}
        self.report(feedback=feedback, parts_us_per_feedback=parts)
