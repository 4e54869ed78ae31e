"""What Hark says of itself: dead letters, alerts, model metrics."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from models.events.base import Millis, Outbound
from models.outcome import DeadReason


class DeadLetterRecord(Outbound):
    """Where a bad event stands and why; never its content (design, guarantee 2)."""

    topic: str
    partition: int
    offset: int
    reason: DeadReason
    field: str
    agent: str
    appended_at: Millis
    rejected_at: Millis


AlertKind = Literal["drift", "burst", "guardrail", "sla", "dead_letters", "poison", "model", "rules"]
ALERT_KINDS: tuple[str, ...] = get_args(AlertKind)


class Alert(Outbound):
    """Something a person should look at."""

    alert_id: str
    kind: AlertKind
    subject: str
    message: str
    severity: Literal["info", "warning", "critical"]
    since: Millis
    magnitude: float
    done: str
    raised_at: Millis


class IssueAlias(Outbound):
    """A cluster of near-identical texts and the issue it belongs to over all partitions.

    The newest word on a cluster counts. An issue named by others has a record of its own that names itself.
    """

    cluster_id: str = Field(
        description="as a partition made it, from the text that founded the cluster there"
    )
    issue_id: str = Field(description="what `cluster_id` of later feedback says instead")
    at: Millis = Field(description="event time at which it was found, or found to be so still")


class ModelMetric(Outbound):
    """Prequential figures of a model after so many examples."""

    model: str
    version: int
    role: Literal["champion", "challenger"]
    n: int
    accuracy: float | None
    auc: float | None
    log_loss: float | None
    brier: float | None
    window: int
    at: Millis
