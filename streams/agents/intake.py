"""intake: validate, normalise, resolve identity, mask, key by customer."""

from __future__ import annotations

from models.clock import Clock
from models.intake import Admission, FactAdmission
from models.outcome import DeadLetter, Emit
from streams import metrics
from streams.codec import cloud_event, dumps
from streams.dead_letters import DeadLetterFlood, FloodGuard, add_dead_letter
from streams.outbox import Outbox
from streams.runner import Slice, Stateless
from streams.topics import CUSTOMER_EVENTS, FEEDBACK_MASKED, FEEDBACK_RAW, LABELS, OUTCOMES

TOPICS = (FEEDBACK_RAW, CUSTOMER_EVENTS, OUTCOMES, LABELS)


class IntakeStep(Stateless):
    """Everything producers send becomes records of the customers' logs or dead letters."""

    def __init__(self, feedback: Admission, facts: dict[str, FactAdmission], guard: FloodGuard, clock: Clock):
        self._admit = {FEEDBACK_RAW: feedback.step, **{topic: fact.step for topic, fact in facts.items()}}
        self._guard = guard
        self._clock = clock

    def process(self, piece: Slice, out: Outbox) -> None:
        """Admit every record of the slice."""
        admit, topic, partition = self._admit[piece.topic], piece.topic, piece.partition
        kind = "hark.feedback.masked" if topic == FEEDBACK_RAW else "hark.customer.fact"
        dead: dict[str, int] = {}
        masked: dict[str, int] = {}
        for record in piece.records:
            outcome = admit(record.value, (topic, partition, record.offset), record.timestamp)
            if isinstance(outcome, Emit):
                event = outcome.value
                ident = event.get("feedback_id") or event["id"]
                headers = cloud_event(kind, topic, ident, event["occurred_at"], record.headers)
                out.keyed(FEEDBACK_MASKED, event["customer_id"], dumps(event), headers)
                for name, count in event.get("masked", {}).items():
                    masked[name] = masked.get(name, 0) + count
            elif isinstance(outcome, DeadLetter):
                dead[outcome.reason] = dead.get(outcome.reason, 0) + 1
                place = (topic, partition, record.offset)
                now_ms = int(self._clock.now() * 1000)
                add_dead_letter(out, "intake", place, outcome, record.timestamp, now_ms)
        self._count(len(piece.records), dead, masked)

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
