"""score: drop duplicates, build features, score, and hand the learners their examples."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from models.churn.delayed import DelayedLabels
from models.clock import Clock, event_time
from models.intake.facts import is_erasure
from models.intake.links import VOICE
from models.near_duplicate import ClusterIndex
from models.outcome import DeadLetter, Drop, DropReason, Emit
from models.scoring import voices
from models.scoring.customer import CustomerMemory
from models.scoring.reading import Reading
from models.scoring.scorer import PartitionScoring, Scorer
from models.scoring.targets import MODELS
from models.training.observer import NAME, observation, records_of
from streams import metrics
from streams.agents.customers import CUSTOMER, WaitingLabels, memory_of, put_memory
from streams.codec import cloud_event, dumps, loads
from streams.dead_letters import add_dead_letter
from streams.origin import OriginFence
from streams.outbox import Outbox
from streams.state import PartitionState
from streams.step import Slice
from streams.topics import EXAMPLES, FEEDBACK_MASKED, FEEDBACK_SCORED, OBSERVED

TOPICS = (FEEDBACK_MASKED,)
CLUSTER = b"k:"
WATERMARK = "^watermark"
LIMITED = frozenset({"feedback", "customer"})
"""Events a customer may send too many of; outcomes, labels and answers are always heard."""
DAY_MS = 86_400_000
MOST_AHEAD = 64
"""Records of a wave up to which it is read as a whole; larger slices are cheap enough alone, and the loop
has its turn between them."""
_PARTITION = {model: partition for partition, model in enumerate(MODELS)}


class ScoreStep:
    """Scores one log a partition; customers' memories are the partition state.

    Parameters
    ----------
    new_waiting, new_clusters
        Make the parts of a partition's scoring that span customers.
    observing
        Whether to send what came in to the one who watches for drift and bursts.
    limit
        Feedback and facts of one customer a minute that are scored, see `CustomerMemory.flooding`.
    issue_of
        Gives a cluster's id the id of the issue it belongs to over all partitions.
    """

    def __init__(
        self,
        scorer: Scorer,
        clock: Clock,
        dedup_seconds: float,
        new_waiting: Callable[[MutableMapping[str, bytes]], DelayedLabels],
        new_clusters: Callable[[], ClusterIndex],
        observing: bool = True,
        limit: int = 0,
        issue_of: Callable[[str], str] = str,
    ) -> None:
        self._scorer = scorer
        self._clock = clock
        self._dedup_seconds = dedup_seconds
        self._new_waiting = new_waiting
        self._new_clusters = new_clusters
        self._observing = observing
        self._limit = limit
        self._issue_of = issue_of
        self._partitions: dict[int, PartitionScoring] = {}
        self._ahead: dict[tuple[int, int], tuple[dict[str, Any], Reading | None]] = {}
        self._edition: object = None

    def ahead(self, pieces: Sequence[Slice]) -> None:
        """Read the texts of small slices together: a compiled call costs 40 µs however few it is given."""
        self._ahead = {}
        if len(pieces) < 2 or sum(len(piece.records) for piece in pieces) > MOST_AHEAD:
            return
        events = [((p.partition, record.offset), loads(record.value)) for p in pieces for record in p.records]
        readings = iter(self._scorer.read([event for _, event in events if event["event"] == "feedback"]))
        self._edition = self._scorer.edition
        self._ahead = {
            place: (event, next(readings) if event["event"] == "feedback" else None)
            for place, event in events
        }

    def open(self, state: PartitionState) -> None:
        """Rebuild what spans customers from the loaded state."""
        waiting, clusters = self._new_waiting(WaitingLabels(state)), self._new_clusters()
        waiting.load()
        clusters.load([loads(value) for _, value in state.items(CLUSTER)])
        waiting.watermark = state.marks.get(WATERMARK, 0) / 1000.0
        self._partitions[state.partition] = PartitionScoring(clusters, waiting)

    def rollback(self, state: PartitionState) -> None:
        """Rebuild from what is committed; a slice failed, so this is rare."""
        self.open(state)

    def process(self, piece: Slice, out: Outbox) -> None:
        """Score every record of the slice."""
        state = piece.state
        assert state is not None
        partition = self._partitions[piece.partition]
        memories: dict[str, CustomerMemory] = {}
        dropped: dict[str, int] = {}
        entries: list[list[Any]] = []
        watermark = state.marks.get(WATERMARK, 0)
        events, surplus = self._new(piece, state, memories)
        readings = self._readings(piece.partition, events, surplus)
        for record, event in events:
            customer = event["customer_id"]
            if event["event"] == VOICE:
                self._hand(piece, record, voices.step(event, self._memory(customer, memories, state)), out)
                continue
            if is_erasure(event):
                memories.pop(customer, None)
                state.delete(CUSTOMER + customer.encode())
                partition.waiting.forget(customer)
                self._emit(piece, record, event, out)
                continue
            if record.offset in surplus:
                dropped[DropReason.FLOOD] = dropped.get(DropReason.FLOOD, 0) + 1
                self._tombstone(piece, record, event, Drop(DropReason.FLOOD), out)
                continue
            memory = self._memory(customer, memories, state)
            event["late"] = event["occurred_at"] <= watermark - DAY_MS
            watermark = max(watermark, event_time(event))
            outcome = self._scorer.step(event, memory, partition, readings.get(record.offset))
            if isinstance(outcome, Emit):
                scored = outcome.value
                if event["event"] == "feedback":
                    self._hand(piece, record, voices.handed_on(event, memory), out)
                    if scored.record["duplicate_of"] is None:
                        entries.append(
                            observation(scored.record, record.offset, readings[record.offset].words)
                        )
                    # From here on the issue's id: state and observations keep the partition's own.
                    scored.record["cluster_id"] = self._issue_of(scored.record["cluster_id"])
                self._emit(piece, record, scored.record, out)
                decided = self._scorer.decided(partition, watermark / 1000.0)
                self._teach(scored.examples + decided, piece.partition, record.offset, out)
            elif isinstance(outcome, Drop):
                dropped[outcome.reason] = dropped.get(outcome.reason, 0) + 1
                self._tombstone(piece, record, event, outcome, out)
            else:
                self._dead(piece, record, outcome, out)
        state.marks[WATERMARK] = watermark
        for said in records_of(entries) if self._observing else ():
            value = {"from": [piece.partition], **said}
            out.placed(EXAMPLES, OBSERVED, NAME.encode(), dumps(value))
        for customer, memory in memories.items():
            put_memory(state, customer, memory.state)
        partition.waiting.flush()
        for slot in partition.touched:
            state.put(CLUSTER + str(slot).encode(), dumps(partition.clusters.row(slot)))
        partition.touched.clear()
        for reason, count in dropped.items():
            metrics.DROPPED.labels("score", reason).inc(count)

    def _new(
        self, piece: Slice, state: PartitionState, memories: dict[str, CustomerMemory]
    ) -> tuple[list[tuple[Any, dict[str, Any]]], set[int]]:
        """Return records never seen before with their events, and the offsets of a flood's surplus."""
        fence, surplus = OriginFence(state.marks), set[int]()
        events: list[tuple[Any, dict[str, Any]]] = []
        for record in piece.records:
            known = self._ahead.get((piece.partition, record.offset))
            event = loads(record.value) if known is None else known[0]
            if not fence.passes(event["origin"]):
                metrics.REPEATED.labels("score").inc()
                continue
            events.append((record, event))
            if event["event"] in LIMITED and not is_erasure(event):
                memory = self._memory(event["customer_id"], memories, state)
                if memory.flooding(event["received_at"], self._limit):
                    surplus.add(record.offset)
        return events, surplus

    def _readings(
        self, partition: int, events: Sequence[tuple[Any, dict[str, Any]]], surplus: set[int]
    ) -> dict[int, Reading]:
        """Return what each feedback says by its offset; a flood's surplus is not read."""
        said = [(r.offset, e) for r, e in events if e["event"] == "feedback" and r.offset not in surplus]
        found: dict[int, Reading] = {}
        # A snapshot may have come in since: what is said of a text names the version it comes from.
        if self._scorer.edition is self._edition:
            for offset, _ in said:
                known = self._ahead.get((partition, offset))
                if known is not None and known[1] is not None:
                    found[offset] = known[1]
        rest = [(offset, event) for offset, event in said if offset not in found]
        fresh = self._scorer.read([event for _, event in rest]) if rest else []
        found.update((offset, reading) for (offset, _), reading in zip(rest, fresh, strict=True))
        return found

    def _memory(
        self, customer: str, memories: dict[str, CustomerMemory], state: PartitionState
    ) -> CustomerMemory:
        memory = memories.get(customer)
        if memory is None:
            held = memory_of(state, customer)
            memory = CustomerMemory(loads(held) if held else None, self._dedup_seconds)
            memories[customer] = memory
        return memory

    def _emit(self, piece: Slice, record: Any, scored: dict[str, Any], out: Outbox) -> None:
        scored["scored_at"] = int(self._clock.now() * 1000)
        ident = scored.get("feedback_id") or scored["id"]
        kind = "hark.feedback.scored" if scored["event"] == "feedback" else "hark.customer.fact"
        headers = cloud_event(kind, piece.topic, ident, scored["occurred_at"], record.headers)
        out.placed(FEEDBACK_SCORED, piece.partition, record.key, dumps(scored), headers)

    def _hand(self, piece: Slice, record: Any, told: dict[str, Any] | None, out: Outbox) -> None:
        """Tell another customer's log what a voice was heard with; a repeat of it has the same origin."""
        if told is not None:
            told["origin"] = (f"{piece.topic}/{VOICE}", piece.partition, record.offset)
            headers = cloud_event(
                "hark.customer.fact", piece.topic, told["id"], told["occurred_at"], record.headers
            )
            out.keyed(FEEDBACK_MASKED, told["customer_id"], dumps(told), headers)

    def _tombstone(self, piece: Slice, record: Any, event: dict[str, Any], drop: Drop, out: Outbox) -> None:
        """Say that an event was dropped, so that counts in the store add up event by event."""
        ident = event.get("feedback_id") or event["id"]
        value = {
            "event": "dropped",
            "origin": event["origin"],
            "id": "{}@{}/{}/{}".format(ident, *event["origin"]),
            "customer_id": event["customer_id"],
            "kind": drop.reason,
            "value": event["event"],
            "feedback_id": ident,
            "occurred_at": event["occurred_at"],
            "received_at": event["received_at"],
        }
        ident, at = str(value["id"]), event["occurred_at"]
        headers = cloud_event("hark.customer.fact", piece.topic, ident, at, record.headers)
        out.placed(FEEDBACK_SCORED, piece.partition, record.key, dumps(value), headers)

    def _teach(
        self, examples: list[tuple[str, dict[str, Any]]], partition: int, offset: int, out: Outbox
    ) -> None:
        for number, (model, example) in enumerate(examples):
            example["from"] = (partition, offset, number)
            out.placed(EXAMPLES, _PARTITION[model], model.encode(), dumps(example))

    def _dead(self, piece: Slice, record: Any, dead: DeadLetter, out: Outbox) -> None:
        metrics.DEAD.labels("score", dead.reason).inc()
        place = (piece.topic, piece.partition, record.offset)
        now_ms = int(self._clock.now() * 1000)
        add_dead_letter(out, "score", place, dead, record.timestamp, now_ms, record.headers)
