"""What following up leads to: actions to send, changes to record, alerts to raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.events.decision import ActionKind
from models.follow_up.order import WorkOrder, stable_id
from models.follow_up.policy import Desk
from models.follow_up.progress import Progress
from models.follow_up.replies import suggest
from models.follow_up.timers import deadline, escalations, first_response_due

FOLLOW_UP = "follow_up"
"""Parameter that marks an action as sent by follow_up: it never becomes a work order of its own."""


@dataclass(frozen=True, slots=True)
class Send:
    """An action to publish (`models.events.Action` as a dict)."""

    action: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """A change of a work order to publish (`models.events.WorkOrderChange` as a dict)."""

    change: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert to raise; `since` (ms) makes its id, with the subject."""

    subject: str
    message: str
    severity: str
    since: int
    done: str


Effect = Send | Record | Alarm


def derived_of(action: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an action says of the work order it belongs to, None for one of its own."""
    found = (action.get("parameters") or {}).get(FOLLOW_UP)
    return found if isinstance(found, dict) else None


def derive(
    order: WorkOrder,
    step: str,
    number: str,
    now_ms: int,
    *,
    kind: str,
    team: str,
    template: str,
    explanation: str,
    deadline_at: int,
    parameters: dict[str, Any],
) -> Send:
    """Return an action that follows from `order`, and remember its id there.

    The id depends on the work order, the step and its number alone: whoever fires the timer again after a
    crash sends the same id, and consumers drop the repeat.
    """
    ident = stable_id(FOLLOW_UP, order.ident, step, number)
    about = {"of": order.ident, "step": step, "number": number}
    order.derived[ident] = step
    return Send(
        order.action
        | {
            "action_id": ident,
            "kind": kind,
            "team": team,
            "template": template,
            "explanation": explanation,
            "deadline": max(deadline_at, now_ms),
            "parameters": parameters | {FOLLOW_UP: about},
            "decided_at": now_ms,
        }
    )


def record(
    order: WorkOrder,
    before: Progress | None,
    after: Progress,
    desk: Desk,
    *,
    change: str,
    ident: str,
    at: int,
    now_ms: int,
    by: str = FOLLOW_UP,
    reason: str = "",
    sent: str = "",
) -> Record:
    """Return the trail's next line: what changed, and the work order as it stands after it."""
    order.changes += 1
    action, kind = order.action, desk.policy.kinds[ActionKind(order.kind)]
    return Record(
        {
            "change_id": stable_id("change", order.ident, ident),
            "change": change,
            "sequence": order.changes,
            "action_id": order.ident,
            "customer_id": order.customer,
            "feedback_id": action["feedback_id"],
            "rule_id": action["rule_id"],
            "kind": order.kind,
            "topic": order.topic,
            "urgency": order.urgency,
            "team": after.team,
            "previous": before.state if before else "",
            "state": after.state,
            "by": by,
            "reason": reason,
            "sent_action_id": sent,
            "level": escalations(order, after.cycle),
            "reopened": after.cycle,
            "complaints": after.complaints,
            "failures": after.failures,
            "abandoned": after.abandoned,
            "telling": "tell" if after.cycle else kind.customer,
            "opened_at": order.opened_at,
            "response_due": first_response_due(order, after, desk),
            "responded_at": after.responded_at,
            "deadline": deadline(order, after, desk),
            "resolved_at": after.resolved_at,
            "told_at": after.told_at,
            "closed_at": after.closed_at,
            "suggestions": [reply.id for reply in suggest(order.topic, after.state)],
            "occurred_at": at,
            "changed_at": now_ms,
        }
    )
