"""Topics as data: who writes, who reads, key, retention, contract.

`ops/docs/topics.md` and the AsyncAPI document are generated from this table, `hark topics
apply` creates what is missing, and the ACL file names the same agents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from models import events

FEEDBACK_RAW = "feedback.raw"
CUSTOMER_EVENTS = "customers.events"
CUSTOMER_LINKS = "customers.links"
OUTCOMES = "outcomes"
LABELS = "labels"
FEEDBACK_MASKED = "feedback.masked"
FEEDBACK_SCORED = "feedback.scored"
DECISIONS = "decisions"
ACTION_STATUS = "actions.status"
WORK_ORDERS = "work.orders"
HOLDOUTS = "holdouts"
EXAMPLES = "models.examples"
SNAPSHOTS = "models.snapshots"
MODEL_METRICS = "models.metrics"
HISTORY = "models.history"
TOPIC_TAGS = "topics.tags"
ISSUES = "feedback.issues"
RULES_CATALOG = "rules.catalog"
DEAD_LETTERS = "dead.letters"
ALERTS = "alerts"

MODEL_PARTITIONS = 8
"""Partitions of `models.examples`: one learner each, in the order of `models.scoring.targets.MODELS`."""

OBSERVED = 5
"""Partition of `models.examples` that holds what scorers observed, for drift of inputs and for bursts."""

ORDER = "order"
"""Field of a record of `models.examples` that holds what a person asked for instead of an example."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Spread = Literal["customer", "model", "single"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Parameters
    ----------
    spread
        "customer": keyed by customer, as many partitions as the setting says; "model": a
        partition a learner; "single": one partition, read whole by every worker.
    retention_ms
        None for compacted topics.
    """

    name: str
    about: str
    key: str
    spread: Spread
    contract: type[BaseModel] | None
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    retention_ms: int | None = 7 * DAY_MS
    configs: dict[str, str] = field(default_factory=dict)

    @property
    def compacted(self) -> bool:
        """Whether only the newest record of a key is kept."""
        return self.retention_ms is None


def action_topic(kind: str) -> str:
    """Return the topic of an action kind."""
    return f"actions.{kind}"


def state_topic(agent: str) -> str:
    """Return the changelog topic of an agent's partition state."""
    return f"state.{agent}"


ACTION_TOPICS = tuple(action_topic(kind) for kind in events.ActionKind)

CATALOG: tuple[Topic, ...] = (
    Topic(FEEDBACK_RAW, "feedback as published; the only topic that may hold personal data", "any",
          "customer", events.Feedback, ("producers", "gateway"), ("intake",), 3 * DAY_MS),
    Topic(CUSTOMER_EVENTS, "behaviour and profile changes", "customer", "customer",
          events.CustomerEvent, ("producers",), ("intake",)),
    Topic(OUTCOMES, "what became of customers", "customer", "customer",
          events.Outcome, ("producers",), ("intake",)),
    Topic(LABELS, "human corrections of scores", "customer", "customer",
          events.Label, ("producers",), ("intake",)),
    Topic(CUSTOMER_LINKS, "channel handles joined to customers, with consent", "channel:author pseudonym",
          "single", events.Link, ("producers",), ("intake",), None),
    Topic(FEEDBACK_MASKED, "each customer's own log: masked feedback and facts in one order", "customer",
          "customer", events.MaskedFeedback, ("intake", "score"), ("score",)),
    Topic(FEEDBACK_SCORED, "the same log with scores", "customer", "customer",
          events.ScoredFeedback, ("score",), ("decide", "follow_up", "archive")),
    Topic(DECISIONS, "one row for each eligible trigger, treated or not", "customer", "customer",
          events.Decision, ("decide",), ("archive",)),
    *(Topic(name, f"{name.removeprefix('actions.')} to carry out", "customer", "customer", events.Action,
            ("decide", "follow_up"), ("services", "follow_up", "archive")) for name in ACTION_TOPICS),
    Topic(ACTION_STATUS, "what services answer", "customer", "customer",
          events.ActionStatus, ("services", "people"), ("intake", "follow_up", "archive")),
    Topic(WORK_ORDERS, "the trail of every work order, with the work order as it stands", "as the action",
          "customer", events.WorkOrderChange, ("follow_up",), ("services", "archive"), 30 * DAY_MS),
    Topic(HOLDOUTS, "sticky assignments, for outside services", "customer:rule", "customer",
          events.Assignment, ("decide",), ("services", "archive"), None),
    Topic(EXAMPLES, "features with labels, orders and observations, a partition a model", "model", "model",
          None, ("score", "people"), ("learn",), 14 * DAY_MS),
    Topic(SNAPSHOTS, "model snapshots in parts", "model/slot/part", "single", None, ("learn",),
          ("score", "learn"), None, {"max.message.bytes": "1048588"}),
    Topic(HISTORY, "earlier versions of models, to roll back to", "model/slot/part", "single", None,
          ("learn",), ("people", "learn"), None, {"max.message.bytes": "1048588"}),
    Topic(TOPIC_TAGS, "tags suggested by bursts, and what people decided", "tag", "single", None,
          ("learn", "people"), ("score", "learn", "people"), None),
    Topic(ISSUES, "clusters that are one issue: the id of each partition's cluster to the issue's", "cluster",
          "single", events.IssueAlias, ("learn",), ("score", "archive"), None,
          {"cleanup.policy": "compact,delete", "retention.ms": str(8 * DAY_MS)}),
    Topic(MODEL_METRICS, "prequential figures", "model", "single", events.ModelMetric, ("learn",),
          ("archive",)),
    Topic(RULES_CATALOG, "the live rule catalogue, versioned", "rule", "single", None,
          ("people", "guardrail"), ("decide", "archive"), None, {"min.compaction.lag.ms": str(90 * DAY_MS)}),
    Topic(DEAD_LETTERS, "coordinates and reasons of bad events, never their content", "none", "customer",
          events.DeadLetterRecord, ("intake", "score", "decide", "follow_up", "archive"), ("archive",),
          30 * DAY_MS),
    Topic(ALERTS, "drift, bursts, guardrails, SLA", "subject", "single", events.Alert,
          ("learn", "score", "decide", "follow_up", "intake", "guardrail"), ("people", "archive"),
          30 * DAY_MS),
    *(Topic(state_topic(agent), f"partition state of {agent}", "state key", "customer", None,
            (agent,), (agent,), None) for agent in ("score", "decide", "follow_up")),
)  # fmt: skip

BY_NAME = {topic.name: topic for topic in CATALOG}

ARCHIVED = tuple(topic.name for topic in CATALOG if "archive" in topic.consumers)
"""Topics the archive agent reads."""


def partitions_of(topic: Topic, per_customer: int) -> int:
    """Return the number of partitions of `topic` when customer topics have `per_customer`."""
    return {"customer": per_customer, "model": MODEL_PARTITIONS, "single": 1}[topic.spread]


def configs_of(topic: Topic, raw_retention_ms: int | None = None) -> dict[str, str]:
    """Return the topic's Kafka configs."""
    if topic.compacted:
        base = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.3"}
    else:
        shorter = raw_retention_ms if topic.name == FEEDBACK_RAW else None
        base = {"cleanup.policy": "delete", "retention.ms": str(shorter or topic.retention_ms)}
    return base | topic.configs


def read_by(agent: str) -> Sequence[str]:
    """Return the names of the topics `agent` reads."""
    return [topic.name for topic in CATALOG if agent in topic.consumers]


def needed_by(agents: Sequence[str]) -> Sequence[Topic]:
    """Return the topics that these agents read or write."""
    chosen = set(agents)
    return [topic for topic in CATALOG if chosen & {*topic.producers, *topic.consumers}]
