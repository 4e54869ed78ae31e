"""What an agent's own work looks like to the runner: slices in, records out, state between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from streams.outbox import Outbox
from streams.state import PartitionState


class Work(NamedTuple):
    """Records of one partition, in offset order, before its state is known."""

    topic: str
    partition: int
    records: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Slice:
    """Records of one partition, in offset order.

    Parameters
    ----------
    records
        aiokafka records: `key`, `value`, `headers`, `offset`, `timestamp` (ms).
    state
        The partition's state, None for agents that keep none.
    """

    topic: str
    partition: int
    records: Sequence[Any]
    state: PartitionState | None


Ahead = Callable[[Sequence[Slice]], None]
"""Does for the slices of a wave together what is cheaper so; a step does without where it fails."""


class Step(Protocol):
    """What an agent does with a slice; pure but for `out` and the slice's state."""

    def open(self, state: PartitionState) -> None:
        """Prepare for a partition whose state has just been loaded."""
        ...

    def process(self, piece: Slice, out: Outbox) -> None:
        """Process every record of the slice."""
        ...

    def rollback(self, state: PartitionState) -> None:
        """Forget what `process` did to anything derived from `state`, which is rolled back already."""
        ...


class Untimed:
    """Base of steps that have no timers of their own; their ticks only try parked actions again."""

    def next_due(self, partition: int) -> int | None:
        """Nothing is ever due."""
        return None

    def due(self, state: PartitionState, now_ms: int, out: Outbox) -> None:
        """Fire nothing."""


class Stateless:
    """Base of steps that keep no partition state."""

    def open(self, state: PartitionState) -> None:
        """Keep nothing."""

    def rollback(self, state: PartitionState) -> None:
        """Keep nothing."""
