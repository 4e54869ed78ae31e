"""intake: validate, normalise, resolve identity, mask, key by customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from models.clock import Clock
from models.events.base import Origin
from models.intake import Admission
from models.intake.links import told_of
from models.outcome import DeadLetter, Emit, Outcome
from streams import metrics
from streams.codec import cloud_event, dumps
from streams.dead_letters import DeadLetterFlood, FloodGuard, add_dead_letter
from streams.outbox import Outbox
from streams.step import Slice, Stateless
from streams.topics import (
    ACTION_STATUS,
    CUSTOMER_EVENTS,
    CUSTOMER_LINKS,
    FEEDBACK_MASKED,
    FEEDBACK_RAW,
    LABELS,
    OUTCOMES,
)

TOPICS = (FEEDBACK_RAW, CUSTOMER_EVENTS, OUTCOMES, LABELS, CUSTOMER_LINKS, ACTION_STATUS)

Admit = Callable[[bytes | None, Origin, int], Outcome[dict[str, Any]]]
"""Value, coordinates and append time (ms) of a record to the masked record, or why not."""


class IntakeStep(Stateless):
    """Everything producers send becomes records of the customers' logs or dead letters."""

    def __init__(
        self,
        feedback: Admission,
        facts: Mapping[str, Admit],
        guard: FloodGuard,
        clock: Clock,
        forgotten: Callable[[bytes | None, Origin, int], dict[str, Any] | None] | None = None,
    ) -> None:
        self._admit: dict[str, Admit] = {FEEDBACK_RAW: feedback.step, **facts}
        self._guard = guard
        self._clock = clock
        self._forgotten = forgotten

    def process(self, piece: Slice, out: Outbox) -> None:
        """Admit every record of the slice."""
        admit, topic, partition = self._admit[piece.topic], piece.topic, piece.partition
        kind = "hark.feedback.masked" if topic == FEEDBACK_RAW else "hark.customer.fact"
        dead: dict[str, int] = {}
        masked: dict[str, int] = {}
        pending = 0
        for record in piece.records:
            if not record.value and topic == CUSTOMER_LINKS:
                # No fact of anybody's: the broadcast applies it, the voice's own log hands nothing on now.
                if self._forgotten is not None:
                    origin = (topic, partition, record.offset)
                    self._tell(self._forgotten(record.key, origin, record.timestamp), record, out)
                continue
            outcome = admit(record.value, (topic, partition, record.offset), record.timestamp)
            if isinstance(outcome, Emit):
                event = outcome.value
                ident = event.get("feedback_id") or event["id"]
                headers = cloud_event(kind, topic, ident, event["occurred_at"], record.headers)
                out.keyed(FEEDBACK_MASKED, event["customer_id"], dumps(event), headers)
                if topic == CUSTOMER_LINKS:
                    self._tell(told_of(event), record, out)
                pending += event.get("media_pending", 0)
                for name, count in event.get("masked", {}).items():
                    masked[name] = masked.get(name, 0) + count
            elif isinstance(outcome, DeadLetter):
                dead[outcome.reason] = dead.get(outcome.reason, 0) + 1
                place = (topic, partition, record.offset)
                now_ms = int(self._clock.now() * 1000)
                add_dead_letter(out, "intake", place, outcome, record.timestamp, now_ms, record.headers)
        self._count(len(piece.records), dead, masked)
        metrics.MEDIA_PENDING.inc(pending)

    @staticmethod
    def _tell(told: dict[str, Any] | None, record: Any, out: Outbox) -> None:
        """Tell a voice's log of its link."""
        if told is not None:
            headers = cloud_event(
                "hark.customer.fact", CUSTOMER_LINKS, told["id"], told["occurred_at"], record.headers
            )
            out.keyed(FEEDBACK_MASKED, told["customer_id"], dumps(told), headers)

    def _count(self, records: int, dead: dict[str, int], masked: dict[str, int]) -> None:
        self._guard.add(records, sum(dead.values()))
        if self._guard.tripped:
            raise DeadLetterFlood(
                f"intake: {self._guard.share:.0%} of the latest events cannot be processed, more than "
                "HARK_DEAD_LETTER_LIMIT allows; mend the producer or raise the limit, then restart"
            )
        for reason, count in dead.items():
            metrics.DEAD.labels("intake", reason).inc(count)
        for name, count in masked.items():
            metrics.MASKED.labels(name).inc(count)
