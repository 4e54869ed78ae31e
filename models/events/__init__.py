"""Contracts of every topic as pydantic models; JSON Schema and AsyncAPI are generated from them."""

from models.events.base import MAX_TEXT, Channel
from models.events.customer import CustomerEvent, CustomerFact, Label, Link, Outcome
from models.events.decision import (
    Action,
    ActionKind,
    ActionStatus,
    Arm,
    Assignment,
    Decision,
    Suppression,
    WorkOrderChange,
)
from models.events.feedback import SCALES, Attachment, Feedback, MaskedFeedback
from models.events.scored import CustomerView, ScoredFeedback, Scores
from models.events.signals import Alert, DeadLetterRecord, IssueAlias, ModelMetric

__all__ = [
    "MAX_TEXT", "SCALES", "Action", "ActionKind", "ActionStatus", "Alert", "Arm", "Assignment", "Attachment",
    "Channel", "CustomerEvent", "CustomerFact", "CustomerView", "DeadLetterRecord", "Decision", "Feedback",
    "IssueAlias", "Label", "Link", "MaskedFeedback", "ModelMetric", "Outcome", "ScoredFeedback", "Scores",
    "Suppression", "WorkOrderChange",
]  # fmt: skip
