"""One record of a customer's log in, its scored form and the training examples it decides out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from models.churn.delayed import DelayedLabels
from models.churn.waiting import Labelled
from models.fingerprint import Fingerprint
from models.near_duplicate import Cluster, ClusterIndex
from models.outcome import DeadLetter, DeadReason, Drop, DropReason, Emit, Outcome
from models.scoring.customer import CustomerMemory
from models.scoring.model_set import ModelSet
from models.scoring.reading import Reading, read
from models.scoring.targets import ADOPTION, CHURN, PURCHASE, SENTIMENT, TOPICS
from models.topics.analyser import Analyser
from models.topics.priority import PriorityWeights, priority, standing
from models.topics.taxonomy import is_topic
from models.topics.urgency import RESPONSE_HOURS

_AT_RISK = 0.3
"""From which churn score on its strongest contribution is told; finding it costs more than the score."""

Record = dict[str, Any]


@dataclass(slots=True)
class Scored:
    """What one record gave.

    Parameters
    ----------
    record
        The scored feedback, or the fact as it passes through.
    examples
        (model, example) pairs for `models.examples`.
    """

    record: Record
    examples: list[tuple[str, Record]] = field(default_factory=list)


class PartitionScoring:
    """The parts of a partition's scoring that span customers: clusters and labels still to come."""

    def __init__(self, clusters: ClusterIndex, waiting: DelayedLabels) -> None:
        self.clusters = clusters
        self.waiting = waiting
        self.touched: set[int] = set()

    def join(
        self, words: Fingerprint, feedback_id: str, customer_id: str, at: float, channel: str
    ) -> Cluster:
        """Put a text into its cluster and note that the cluster has changed."""
        cluster = self.clusters.join(words, feedback_id, customer_id, at, channel)
        self.touched.add(cluster.slot)
        return cluster


class Scorer:
    """Scores records; pure but for the state objects it is handed.

    Parameters
    ----------
    models
        The models of this worker, replaced in place when a snapshot arrives.
    weights
        Of the factors of priority.
    learning
        Whether to keep examples for the learners.
    response_ms
        Response target of an urgency level, milliseconds; None for one, four and 24 hours.
    """

    def __init__(
        self,
        models: ModelSet,
        analyser: Analyser,
        weights: PriorityWeights | None = None,
        learning: bool = True,
        response_ms: Callable[[str], int] | None = None,
    ) -> None:
        self._models = models
        self._analyser = analyser
        self._minutes = {
            level: int(60 * hours) if response_ms is None else response_ms(level) // 60_000
            for level, hours in RESPONSE_HOURS.items()
        }
        self._weights = weights or PriorityWeights()
        self._learning = learning
        self._facts: dict[str, Callable[[Record, CustomerMemory, PartitionScoring], Outcome[Scored]]] = {
            "customer": self._customer,
            "outcome": self._outcome,
            "label": self._label,
            "action_status": self._status,
        }

    @property
    def edition(self) -> object:
        """The models in use, as an object that is another one once any of them is."""
        return self._models.versions()

    def read(self, feedbacks: Sequence[Record]) -> list[Reading]:
        """Return what each of these feedbacks says, for `step`: cheaper together than one by one."""
        return read(self._models, self._analyser, feedbacks)

    def step(
        self,
        record: Record,
        memory: CustomerMemory,
        partition: PartitionScoring,
        reading: Reading | None = None,
    ) -> Outcome[Scored]:
        """Return the scored record, or why it ends here.

        Parameters
        ----------
        reading
            What `read` returned for this feedback; read now where it is None.
        """
        fact = record["event"] != "feedback"
        # Systems number what they write from one: an order, its refund and a feedback may share a number.
        ident = f"{record['event']}\x1f{record['kind']}\x1f{record['id']}" if fact else record["feedback_id"]
        if not memory.seen.step(ident, record["occurred_at"] / 1000.0):
            return Drop(DropReason.DUPLICATE)
        if not fact:
            said = self.read([record])[0] if reading is None else reading
            return Emit(self._feedback(record, memory, partition, said))
        return self._facts[record["event"]](record, memory, partition)

    def decided(self, partition: PartitionScoring, watermark: float) -> list[tuple[str, Record]]:
        """Return the examples whose horizon has passed."""
        return [_example(labelled) for labelled in partition.waiting.advance(watermark)]

    def _feedback(
        self, record: Record, memory: CustomerMemory, partition: PartitionScoring, reading: Reading
    ) -> Scored:
        models = self._models
        said, because, found, topics, mood, words = reading
        at_ms: int = record["occurred_at"]
        at = at_ms / 1000.0
        cluster = partition.join(words, record["feedback_id"], record["customer_id"], at, record["channel"])
        memory.behind(record)
        duplicate_of = memory.said_before(cluster.words, record["channel"], record["feedback_id"], at)
        if duplicate_of is None:
            memory.features.update("feedback", at, polarity=said.polarity, topics=topics)
            if "refund" in found.demands:
                memory.features.update("demand", at)
        vector = memory.features.vector(at)
        view = memory.view(at_ms, vector)
        inputs: dict[str, Any] = {**vector, "polarity": said.polarity, "channel": record["channel"]}
        chances = models.propensities(inputs)
        rank = priority(
            found.urgency,
            standing(view["lifetime_value"]),
            cluster.size,
            self._weights,
        )
        memory.remember(record)
        record["scores"] = {
            "polarity": _short(said.polarity),
            "confidence": _short(said.confidence),
            "emotion": mood.strongest or "",
            "effort": mood.effort > 0,
            "topics": topics,
            "kind": record["kind"] or found.kind,
            "demand": found.demand,
            "urgency": found.urgency,
            "response_minutes": self._minutes[found.urgency],
            "priority": _short(rank.score / 100.0),
            "churn": _short(chances[CHURN]),
            "purchase": _short(chances[PURCHASE]),
            "adoption": _short(chances[ADOPTION]),
        }
        record["customer"] = view
        record["cluster_id"] = cluster.cluster_id
        record["cluster_size"] = cluster.size
        record["cluster_channels"] = cluster.channels
        record["duplicate_of"] = duplicate_of
        record["reasons"] = reasons = _reasons(found.reasons, vector, topics)
        if because is not None and because.term:
            reasons.append(f"says “{because.term}” ({because.contribution:+.1f})")
        if chances[CHURN] >= _AT_RISK and (why := models.why_churn(inputs)):
            reasons.append(f"may leave: {why}")
        record["models"] = models.versions()
        scored = Scored(record)
        if self._learning:
            self._keep(scored, record, inputs, chances, partition)
        return scored

    def _keep(
        self,
        scored: Scored,
        record: Record,
        inputs: Mapping[str, Any],
        chances: Mapping[str, float],
        partition: PartitionScoring,
    ) -> None:
        """Keep what the learners need: a label the rating states, and scores whose outcome comes later."""
        if record["label"] is not None and record["duplicate_of"] is None:
            example = {
                "id": record["feedback_id"],
                "text": record["text"],
                "lang": record["lang"],
                "label": 1.0 if record["label"] else 0.0,
            }
            scored.examples.append((SENTIMENT, example))
        at = record["occurred_at"] / 1000.0
        versions = self._models.versions()
        scores = {name: (chance, versions[name]) for name, chance in chances.items()}
        partition.waiting.scored_all(record["customer_id"], at, inputs, scores)

    def _customer(self, fact: Record, memory: CustomerMemory, partition: PartitionScoring) -> Outcome[Scored]:
        memory.fact(fact)
        self._decide(fact, fact["kind"], partition)
        return Emit(Scored(fact))

    def _outcome(self, fact: Record, memory: CustomerMemory, partition: PartitionScoring) -> Outcome[Scored]:
        if fact.get("value", 0.0) > 0:
            self._decide(fact, fact["kind"], partition)
        return Emit(Scored(fact))

    def _status(self, fact: Record, memory: CustomerMemory, partition: PartitionScoring) -> Outcome[Scored]:
        memory.status(fact)
        return Emit(Scored(fact))

    def _decide(self, fact: Record, kind: str, partition: PartitionScoring) -> None:
        if self._learning:
            partition.waiting.outcome(fact["customer_id"], kind, fact["occurred_at"] / 1000.0)

    def _label(self, fact: Record, memory: CustomerMemory, partition: PartitionScoring) -> Outcome[Scored]:
        said = memory.recall(fact["feedback_id"])
        if said is None:
            return DeadLetter(DeadReason.UNKNOWN_LABEL_TARGET, "feedback_id")
        text, lang = said
        scored = Scored(fact)
        example: Record = {"id": fact["feedback_id"], "text": text, "lang": lang, "correction": True}
        value = fact["value"]
        if fact["model"] == SENTIMENT:
            if not isinstance(value, int | float) or not -1 <= value <= 1:
                return DeadLetter(DeadReason.INVALID, "value")
            scored.examples.append((SENTIMENT, example | {"label": (value + 1.0) / 2.0}))
        else:
            if not isinstance(value, str) or not is_topic(value):
                return DeadLetter(DeadReason.INVALID, "value")
            scored.examples.append((TOPICS, example | {"label": value}))
        return Emit(scored)


def _short(value: float) -> float:
    """Return what `round` to four digits gives, at half its cost."""
    return math.floor(value * 1e4 + 0.5) / 1e4


def _example(labelled: Labelled) -> tuple[str, Record]:
    return labelled.target, {
        "x": orjson.Fragment(labelled.encoded),
        "y": labelled.label,
        "at": labelled.scored_at,
        "score": labelled.score,
        "version": labelled.version,
    }


def _reasons(urgency: list[str], vector: Mapping[str, Any], topics: list[str]) -> list[str]:
    """Return what an operator should know first, at most four; what moved the scores comes after."""
    reasons = list(urgency[:2])
    if (negatives := vector["negatives_7d"]) >= 2:
        reasons.append(f"{int(negatives)} negative feedbacks in 7 days")
    if vector["open_tickets"] >= 1:
        reasons.append("a ticket or refund is open")
    if topics:
        reasons.append(f"about {topics[0]}")
    return reasons[:4]
