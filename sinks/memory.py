"""A sink that keeps rows in memory, for tests of agents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sinks.base import OnRejected, Partition, Rejected, Slice, Written


class MemorySink:
    """Keeps decoded rows by coordinates.

    Parameters
    ----------
    on_rejected
        Called with the coordinates of every value that is not a JSON object.

    Examples
    --------
    >>> import asyncio
    >>> sink = MemorySink()
    >>> batch = [Slice("alerts", 0, 7, 7, [(7, b'{"kind": "drift"}')])]
    >>> asyncio.run(sink.write(batch)), asyncio.run(sink.write(batch))
    (Written(rows=1, skipped=0, rejected=0), Written(rows=0, skipped=1, rejected=0))
    >>> sink.of("alerts")
    [{'kind': 'drift'}]
    """

    def __init__(self, on_rejected: OnRejected | None = None) -> None:
        self.rows: dict[tuple[str, int, int], dict[str, Any]] = {}
        self._on_rejected = on_rejected

    async def start(self) -> None:
        """Do nothing; there is nothing to connect to."""

    async def write(self, batch: Sequence[Slice]) -> Written:
        """Keep the rows of `batch` that are not there yet."""
        rows = skipped = rejected = 0
        for part in batch:
            for offset, value in part.records:
                key = (part.topic, part.partition, offset)
                if key in self.rows:
                    skipped += 1
                    continue
                try:
                    row = json.loads(value)
                except ValueError:
                    row = None
                if isinstance(row, dict):
                    self.rows[key] = row
                    rows += 1
                else:
                    rejected += 1
                    if self._on_rejected is not None:
                        self._on_rejected(Rejected(*key, code=0))
        return Written(rows, skipped, rejected)

    async def positions(self) -> Mapping[Partition, int]:
        """Return the greatest offset kept of each partition."""
        found: dict[Partition, int] = {}
        for topic, partition, offset in self.rows:
            found[topic, partition] = max(offset, found.get((topic, partition), -1))
        return found

    def forget(self, partitions: Iterable[Partition] | None = None) -> None:
        """Do nothing; nothing is remembered apart from the rows."""

    async def close(self) -> None:
        """Do nothing."""

    def of(self, topic: str) -> list[dict[str, Any]]:
        """Return the rows of `topic` in order of partition and offset."""
        return [row for key, row in sorted(self.rows.items()) if key[0] == topic]
