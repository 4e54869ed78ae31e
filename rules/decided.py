"""Decisions and actions as they are sent, with ids that a replay repeats."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from models.events.decision import ActionKind, Arm, Suppression
from rules.arbitration import Circumstances, Verdict
from rules.environment import Environment
from rules.holdout import GLOBAL, Holdout
from rules.limits import Limits
from rules.plan import Json, Plan
from rules.rule import DAY
from rules.state import BINDING, CustomerState, short

RECENT = 30 * DAY
"""Span (ms) the `actions` map counts over."""


class Decided(NamedTuple):
    """What one eligible trigger led to, ready to send.

    Parameters
    ----------
    decision
        A `Decision` as a dict.
    actions
        `Action`s as dicts, the main one first; none unless the arm is `acted`.
    key
        Kafka key of the actions: the customer, or the cluster the rule is about, so that repeats
        meet in one partition.
    assignment
        An `Assignment` as a dict, if the customer's arm played a part.
    """

    decision: Json
    actions: list[Json]
    key: str
    assignment: Json | None

    @property
    def action(self) -> Json | None:
        """The main action, if the rule acted."""
        return self.actions[0] if self.actions else None


def stable_id(*parts: str) -> str:
    """Return an id that depends on nothing but its parts, so that a replay gives the same.

    Examples
    --------
    >>> stable_id("decision", "f1", "late_delivery") == stable_id("decision", "f1", "late_delivery")
    True
    """
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def circumstances(record: Mapping[str, Any], limits: Limits) -> Circumstances:
    """Return what arbitration has to know of a record."""
    feedback = record["event"] == "feedback"
    return Circumstances(
        customer_id=record["customer_id"],
        at=limits.time_of(record),
        age=record["received_at"] - record["occurred_at"],
        event=short(record["feedback_id"] if feedback else record["id"]),
        time_zone=(record.get("customer") or {}).get("time_zone") or record.get("time_zone") or "",
        repeat=record.get("duplicate_of") is not None,
    )


def finding(plan: Plan, env: Environment, record: Mapping[str, Any]) -> Json:
    """Return everything a decision says about the record, as JSON: a timer can hold it for days.

    Parameters
    ----------
    plan
        The rule.
    env, record
        The record, as the condition and as the contract see it.
    """
    scores = env.scores
    topics = scores.get("topics") or [""]
    customer_id = record["customer_id"]
    subject = customer_id
    if plan.rule.subject == "cluster":
        subject = record.get("cluster_id") or customer_id
    return {
        "id": record["feedback_id"] if record["event"] == "feedback" else record["id"],
        "customer_id": customer_id,
        "subject": subject,
        "channel": record.get("channel", ""),
        "tier": env.customer.get("tier", record.get("tier") or ""),
        "topic": topics[0],
        "lang": record.get("lang", ""),
        "time_zone": env.customer.get("time_zone", ""),
        "repeat": record.get("duplicate_of") is not None,
        "priority": scores.get("priority", 0.5),
        "urgency": scores.get("urgency", "normal"),
        "models": dict(record.get("models") or {}),
        "occurred_at": record["occurred_at"],
        "received_at": record["received_at"],
        "expected_value": plan.expected_value(env),
        "values": plan.values(env),
        "parameters": plan.parameters(env),
    }


def decide(plan: Plan, verdict: Verdict, found: Json, at: int, now_ms: int, holdout: Holdout) -> Decided:
    """Write a verdict down.

    Parameters
    ----------
    plan
        The rule.
    verdict
        What arbitration said.
    found
        What `finding` returned when the condition held.
    at
        Decision time in ms; deadlines run from it.
    now_ms
        Wall clock, for `decided_at`.
    holdout
        What the arms were drawn with.

    Notes
    -----
    Ids leave the rule's version out: a replay after a new version was published must not act twice.
    """
    rule = plan.rule
    decision_id = stable_id("decision", found["id"], rule.id)
    acted = verdict.arm is Arm.ACTED
    actions = _actions(plan, found, decision_id, at, now_ms) if acted else []
    decision = {
        "decision_id": decision_id,
        "feedback_id": found["id"],
        "customer_id": found["customer_id"],
        "rule_id": rule.id,
        "rule_version": rule.version,
        "arm": verdict.arm.value,
        "reason": verdict.reason.value,
        "propensity": verdict.propensity,
        "holdout_share": rule.holdout,
        "action_kind": rule.action.kind.value,
        "action_id": actions[0]["action_id"] if actions else None,
        "expected_value": found["expected_value"],
        "cost": rule.cost or 0.0,
        "channel": found["channel"],
        "tier": found["tier"],
        "topic": found["topic"],
        "values": found["values"],
        "models": found["models"],
        "attribution_days": rule.attribution.window / DAY,
        "occurred_at": found["occurred_at"],
        "received_at": found["received_at"],
        "decided_at": now_ms,
    }
    return Decided(decision, actions, found["subject"], _assignment(plan, verdict, found, holdout))


def _actions(plan: Plan, found: Json, decision_id: str, at: int, now_ms: int) -> list[Json]:
    rule = plan.rule
    origin = decision_id
    if rule.subject == "cluster":
        origin = stable_id("cluster", rule.id, found["subject"], str(at // rule.cooldown))
    explanation = plan.explanation(found["values"])
    actions = []
    for position, (spec, filled) in enumerate(
        zip((rule.action, *rule.also), found["parameters"], strict=True)
    ):
        actions.append(
            {
                "action_id": stable_id("action", origin, str(position)),
                "decision_id": decision_id,
                "feedback_id": found["id"],
                "customer_id": found["customer_id"],
                "kind": ActionKind(spec.kind).value,
                "rule_id": rule.id,
                "rule_version": rule.version,
                "team": spec.team or rule.owner,
                "template": plan.text(found["lang"], filled),
                "lang": "zh" if found["lang"].startswith("zh") else "en",
                "parameters": filled,
                "explanation": explanation,
                "topic": found["topic"],
                "urgency": found.get("urgency", "normal"),
                "priority": found["priority"],
                "deadline": at + (spec.sla or rule.sla),
                "received_at": found["received_at"],
                "decided_at": now_ms,
            }
        )
    return actions


def _assignment(plan: Plan, verdict: Verdict, found: Json, holdout: Holdout) -> Json | None:
    if verdict.arm is Arm.SUPPRESSED and verdict.reason is Suppression.GLOBAL_HOLDOUT:
        arm, rule_id, share, subject = "global_holdout", GLOBAL, holdout.share, found["customer_id"]
    elif verdict.arm in BINDING:
        arm = "treat" if verdict.arm is Arm.ACTED else "holdout"
        rule_id, share, subject = plan.rule.id, plan.rule.holdout, found["subject"]
    else:
        return None
    return {
        "customer_id": subject,
        "rule_id": rule_id,
        "arm": arm,
        "share": share,
        "salt": holdout.salt_digest,
    }


def actions_so_far(state: CustomerState, at: int) -> Json:
    """Return the `actions` map: actions by kind and in total over 30 days, days since the last."""
    counts: Json = dict.fromkeys((kind.value for kind in ActionKind), 0)
    taken = [past for past in state.decisions if past.arm is Arm.ACTED and at - past.at < RECENT]
    for past in taken:
        counts[past.kind] += 1
    counts["total"] = len(taken)
    counts["days_since"] = (at - max(past.at for past in taken)) / DAY if taken else 9999.0
    return counts
