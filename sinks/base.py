"""What a sink is: it takes slices of topics and promises that every record is there once.

The archive agent hands over what it read, undecoded, with its coordinates. A sink is fenced by
those coordinates: a record it already has is skipped, so at-least-once reading becomes
exactly-once rows. `write` returns only when everything is stored; that is the back-pressure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Partition = tuple[str, int]
"""Topic and partition number."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive records of one partition, as fetched.

    Parameters
    ----------
    topic
        Name of the topic, behind `@` the id of the cluster whose log it is: a broker that starts anew
        counts from zero again, and what an older log stored must not fence it.
    first_offset, last_offset
        Offsets the slice spans; compaction may leave holes between records.
    records
        Offset and JSON bytes of each record, offsets ascending.
    """

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    records: Sequence[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Coordinates of a record the store cannot take; never its content.

    Parameters
    ----------
    code
        ClickHouse error code, 0 when the sink itself saw that it is not an object.
    """

    topic: str
    partition: int
    offset: int
    code: int


OnRejected = Callable[[Rejected], None]
"""Called once for every record left out of a batch."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one batch: `rows` stored now, `skipped` already there, `rejected` left out."""

    rows: int = 0
    skipped: int = 0
    rejected: int = 0


@dataclass(slots=True)
class Counters:
    """What the sink did so far, for metrics; `away` is true while the store does not answer."""

    rows: int = 0
    inserts: int = 0
    skipped: int = 0
    rejected: int = 0
    retries: int = 0
    away: bool = False


class SinkError(Exception):
    """The sink cannot go on without a person; its text is one sentence that says what to do."""


class Sink(Protocol):
    """Stores slices; see the module docstring for what it promises."""

    async def start(self) -> None:
        """Connect and learn how far the store got.

        Raises
        ------
        SinkError
            When the schema is missing or of another version.
        """

    async def write(self, batch: Sequence[Slice]) -> Written:
        """Store every record of `batch` once and return when that is done."""

    async def positions(self) -> Mapping[Partition, int]:
        """Return the greatest stored offset of each partition that has one."""

    def forget(self, partitions: Iterable[Partition] | None = None) -> None:
        """Ask the store again before the next write to `partitions` (None: all).

        Call it whenever partitions were assigned: another worker may have written meanwhile.
        """

    async def close(self) -> None:
        """Release connections."""
