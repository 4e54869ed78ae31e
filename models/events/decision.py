"""What was decided (`decisions`) and what is to be done (`actions.<kind>`)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from models.events.base import EventTime, Identifier, Inbound, Millis, Outbound, Token


class ActionKind(StrEnum):
    """One topic each: `actions.<kind>`."""

    COMPENSATION = "compensation"
    TICKET = "ticket"
    COUPON = "coupon"
    INVITATION = "invitation"
    ESCALATION = "escalation"
    OFFER = "offer"
    INTERVIEW = "interview"
    CALL = "call"
    REPLY = "reply"
    NOTIFY = "notify"


class Arm(StrEnum):
    """What happened to an eligible trigger."""

    ACTED = "acted"
    HOLDOUT = "holdout"
    SUPPRESSED = "suppressed"
    SHADOW = "shadow"


class Suppression(StrEnum):
    """Why an eligible trigger was neither acted on nor held out."""

    NONE = ""
    GLOBAL_HOLDOUT = "global_holdout"
    COOLDOWN = "cooldown"
    CONTACT_CAP = "contact_cap"
    QUIET_HOURS = "quiet_hours"
    BUDGET = "budget"
    EXCLUSIVE_GROUP = "exclusive_group"
    DUPLICATE = "duplicate"
    PAUSED = "paused"
    RAMP = "ramp"
    LATE = "late"


class Decision(Outbound):
    """One row for each eligible trigger, treated or not."""

    decision_id: str
    feedback_id: str
    customer_id: str
    rule_id: str
    rule_version: int
    arm: Arm
    reason: Suppression
    propensity: float = Field(gt=0, le=1, description="probability of the arm `acted` given eligible")
    holdout_share: float = Field(ge=0, lt=1)
    action_kind: ActionKind
    action_id: str | None
    expected_value: float
    cost: float
    channel: str
    tier: str
    topic: str = Field(description="first topic of the feedback, empty when none")
    values: dict[str, Any] = Field(description="values behind the condition")
    models: dict[str, int]
    attribution_days: float
    occurred_at: Millis
    received_at: Millis
    decided_at: Millis


class Action(Outbound):
    """Something to be done for a customer, keyed by customer; consumers drop repeats by `action_id`."""

    action_id: str
    decision_id: str
    feedback_id: str
    customer_id: str
    kind: ActionKind
    rule_id: str
    rule_version: int
    team: str
    template: str
    lang: str
    parameters: dict[str, Any]
    explanation: str = Field(description="why, in one sentence an operator reads")
    priority: float
    topic: str = Field(default="", description="first topic of the feedback, empty when none")
    urgency: Literal["urgent", "normal", "low"] = "normal"
    deadline: Millis = Field(description="the SLA's end")
    received_at: Millis
    decided_at: Millis


class ActionStatus(Inbound):
    """A consumer's answer on `actions.status`, with the Kafka key of the action it answers."""

    action_id: Identifier
    customer_id: Identifier
    status: Literal["accepted", "assigned", "in_progress", "waiting", "delivered", "failed", "resolved",
                    "customer_told", "reopened", "closed"]  # fmt: skip
    by: Token | None = Field(default=None, description="team or service, never a person's name")
    reason: Token | None = None
    team: Token | None = Field(default=None, description="with `assigned`: the team that has it now")
    occurred_at: EventTime | None = Field(default=None, description="defaults to the time of the append")


class WorkOrderChange(Outbound):
    """One line of a work order's trail, with the work order as it stands after it (`work.orders`)."""

    change_id: str = Field(description="the same when the change is written again after a crash")
    change: str = Field(description="a status, or opened, unanswered, warned, escalated, handed, sent_again, "
                                    "retried, made_good, telling, complained, closed, abandoned")  # fmt: skip
    sequence: int = Field(ge=1, description="counts the changes of a work order")
    action_id: str = Field(description="the work order's id: the first action's")
    customer_id: str
    feedback_id: str
    rule_id: str
    kind: ActionKind
    topic: str
    urgency: Literal["urgent", "normal", "low"]
    team: str
    previous: Literal["", "open", "assigned", "in_progress", "waiting", "resolved", "closed"]
    state: Literal["open", "assigned", "in_progress", "waiting", "resolved", "closed"]
    by: str
    reason: str
    sent_action_id: str = Field(description="action the change sent, empty when none")
    level: int = Field(ge=0, description="levels escalated to since it was last reopened")
    reopened: int = Field(ge=0)
    complaints: int = Field(ge=0, description="complaints about the same topic that did not reopen it")
    failures: int = Field(ge=0)
    abandoned: bool
    telling: Literal["tell", "reached", "none"] = Field(description="whether the customer is to be told")
    opened_at: Millis
    response_due: Millis
    responded_at: Millis | None
    deadline: Millis = Field(description="in business hours, waiting for the customer left out")
    resolved_at: Millis | None
    told_at: Millis | None
    closed_at: Millis | None
    suggestions: list[str] = Field(description="ids of reply templates, the closest to the topic first")
    occurred_at: Millis
    changed_at: Millis


class Assignment(Outbound):
    """A sticky holdout assignment, for outside services (`holdouts`, compacted by customer and rule)."""

    customer_id: str
    rule_id: str
    arm: Literal["treat", "holdout", "global_holdout"]
    share: float
    salt: str = Field(description="digest that names the salt; arms of equal digests are comparable")
