"""Dead letters: coordinates and a reason, never content; and the limit that stops a flood."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from models.outcome import DeadLetter, DeadReason
from streams import metrics
from streams.alerts import add_alert
from streams.codec import Header, cloud_event, dumps
from streams.outbox import Outbox
from streams.topics import DEAD_LETTERS

FLOOD_WINDOW = 5000
FLOOD_LEAST = 1000


class StopStream(RuntimeError):
    """Raised by a step when going on would do harm: an alert, the worker stops, the slice is redelivered."""

    kind = "model"


class DeadLetterFlood(StopStream):
    """Too large a share of the input cannot be processed; rather a fault here than in every event."""

    kind = "dead_letters"


class FloodGuard:
    """Counts dead letters among the latest records.

    Parameters
    ----------
    limit
        Largest share in (0, 1]; judged once `FLOOD_LEAST` records have been seen.

    Examples
    --------
    >>> guard = FloodGuard(0.5, window=4, least=2)
    >>> guard.add(3, 1); guard.share
    0.3333333333333333
    >>> guard.tripped
    False
    """

    def __init__(self, limit: float, window: int = FLOOD_WINDOW, least: int = FLOOD_LEAST) -> None:
        self._limit = limit
        self._window = window
        self._least = least
        self._slices: deque[tuple[int, int]] = deque()
        self._records = 0
        self._dead = 0

    def add(self, records: int, dead: int) -> None:
        """Count a slice of `records`, `dead` of them dead letters."""
        self._slices.append((records, dead))
        self._records += records
        self._dead += dead
        while len(self._slices) > 1 and self._records - self._slices[0][0] >= self._window:
            old_records, old_dead = self._slices.popleft()
            self._records -= old_records
            self._dead -= old_dead

    @property
    def share(self) -> float:
        """Share of dead letters among the latest records."""
        return self._dead / self._records if self._records else 0.0

    @property
    def tripped(self) -> bool:
        """Whether the share is past the limit; a limit of 1 never trips."""
        return self._limit < 1 and self._records >= self._least and self.share > self._limit


def add_dead_letter(
    out: Outbox,
    agent: str,
    place: tuple[str, int, int],
    dead: DeadLetter,
    appended_ms: int,
    now_ms: int,
    passed: Sequence[Header] = (),
) -> None:
    """Add the dead letter of the record at `place` (topic, partition, offset).

    Parameters
    ----------
    passed
        The record's headers; of these only `traceparent` goes on.
    """
    topic, partition, offset = place
    value = dumps(
        {
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "reason": dead.reason,
            "field": dead.field,
            "agent": agent,
            "appended_at": appended_ms,
            "rejected_at": now_ms,
        }
    )
    ident = f"{topic}/{partition}/{offset}"
    headers = cloud_event("hark.dead_letter", agent, ident, now_ms, passed)
    out.keyed(DEAD_LETTERS, ident, value, headers)


def add_poison(
    out: Outbox,
    agent: str,
    place: tuple[str, int, int],
    appended_ms: int,
    now_ms: int,
    passed: Sequence[Header],
) -> None:
    """Add the dead letter of a record that its agent cannot process, and an alert."""
    metrics.DEAD.labels(agent, DeadReason.POISON).inc()
    add_dead_letter(out, agent, place, DeadLetter(DeadReason.POISON), appended_ms, now_ms, passed)
    where = "/".join(map(str, place))
    said = f"{agent} cannot process {where}"
    add_alert(out, "poison", where, said, "critical", now_ms, done="dead-lettered")
