"""Counts records and tells at the end what they cost this process."""

from __future__ import annotations

import json
import sys
import time


class Meter:
    """Starts with the first record.

    Parameters
    ----------
    count
        Records after which `add` returns True.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.seen = 0
        self._began = self._cpu = 0.0
        self._ended: tuple[float, float] | None = None

    def add(self, records: int = 1) -> bool:
        """Count records begun; return whether all have come."""
        if not self.seen:
            self._began, self._cpu = time.monotonic(), time.process_time()
        self.seen += records
        return self.seen >= self.count

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
