"""Why a rule fired or did not: its condition part by part, and the limit that stopped it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from models.events.decision import Arm, Suppression
from rules.arbitration import Arbiter, Candidate, Circumstances, allowance
from rules.conditions import Expression
from rules.decided import circumstances, finding
from rules.engine import Engine
from rules.environment import Environment
from rules.expression import parse
from rules.plan import Plan
from rules.rule import DAY, Rule
from rules.state import BINDING, CustomerState, PartitionState, Past, short
from rules.tree import leaves, unparse
from rules.windows import keys_of


class Kept(NamedTuple):
    """A decision as the store has it."""

    rule_id: str
    arm: Arm
    reason: Suppression
    version: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a condition; `holds` is None where it has no value, `error` says why."""

    text: str
    holds: bool | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a rule made of a record.

    Parameters
    ----------
    rule
        The rule.
    holds
        Whether the whole condition holds; None where it has no value.
    parts
        Its parts in the order of the source.
    values
        The fields it reads.
    arm, reason
        What became of it, if the condition holds.
    decided
        True: from when the record was decided, stored or played again; False: what would happen now.
    detail
        The limit in words.
    """

    rule: Rule
    holds: bool | None
    parts: list[Part]
    values: dict[str, Any]
    arm: Arm | None
    reason: Suppression
    decided: bool
    detail: str

    def lines(self) -> list[str]:
        """Return the explanation as text, one finding a line."""
        marks = {True: "true ", False: "FALSE", None: "ERROR"}
        verdict = "waits for an absence" if self.holds else "condition does not hold"
        if self.arm is not None:
            verdict = f"{self.arm.value} {self.reason.value}".strip()
        if self.arm is not None and not self.decided:
            verdict += " (if it came now)"
        head = f"{self.rule.id} v{self.rule.version} [{self.rule.status}]: {verdict}"
        body = [f"  {marks[part.holds]}  {part.text} {part.error}".rstrip() for part in self.parts]
        values = ", ".join(
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in self.values.items()
        )
        tail = [f"  values: {values}"] if values else []
        return [head, *body, *tail, *([f"  limit: {self.detail}"] if self.detail else [])]


def recall(state: CustomerState, event: int, kept: Iterable[Kept]) -> None:
    """Let a state that was played again remember what was really decided.

    Played alone, a customer meets no budget that others spent; the limits of later events hang on it.

    Parameters
    ----------
    state
        Changed in place.
    event
        Hash of the record's id.
    kept
        Stored decisions on the record.
    """
    real = {one.rule_id: (one.arm, one.reason) for one in kept}
    state.decisions = [
        past._replace(arm=real[past.rule][0], reason=real[past.rule][1])
        if past.event == event and past.rule in real
        else past
        for past in state.decisions
    ]


def explain(
    engine: Engine,
    record: Mapping[str, Any],
    state: CustomerState,
    partition: PartitionState,
    rule_id: str | None = None,
    kept: Iterable[Kept] = (),
) -> list[Explanation]:
    """Explain what every rule made of a record.

    Parameters
    ----------
    engine
        Holds the catalogue.
    record
        A scored feedback or a fact, as the log holds it.
    state, partition
        What is remembered; nothing of it is changed.
    rule_id
        One rule only.
    kept
        Decisions on the record as they were stored; they count, not what is worked out again.
    """
    env, plans = engine.view(record, state)
    chosen = [plan for key, plan in plans.items() if rule_id in (None, key)]
    stored = {one.rule_id: one for one in kept}
    return [
        _explain(engine, plan, env, record, state, partition, stored.get(plan.rule.id)) for plan in chosen
    ]


def _explain(
    engine: Engine,
    plan: Plan,
    env: Environment,
    record: Mapping[str, Any],
    state: CustomerState,
    partition: PartitionState,
    kept: Kept | None,
) -> Explanation:
    keys = keys_of(plan.rule)
    parts = [_part(unparse(leaf), keys, env) for leaf in leaves(parse(plan.rule.condition))]
    whole = _part(plan.rule.condition, keys, env).holds
    arm, reason, decided, detail = None, Suppression.NONE, False, ""
    if whole and kept is None and plan.absence is not None:
        detail = _waiting(plan, record, state)
    elif whole or kept is not None:
        arm, reason, decided, detail = _verdict(engine.arbiter, plan, env, record, state, partition, kept)
    return Explanation(plan.rule, whole, parts, plan.values(env), arm, reason, decided, detail)


def _waiting(plan: Plan, record: Mapping[str, Any], state: CustomerState) -> str:
    """Say until when a rule waits that acts on what does not come."""
    event = short(record["feedback_id"] if record["event"] == "feedback" else record["id"])
    for timer in state.timers:
        if timer.rule == plan.rule.id:
            until = datetime.fromtimestamp(timer.due / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
            since = "" if timer.event == event else ", since an earlier record"
            return f"decides at {until} unless it comes before{since}"
    return "it came in time, or has been decided"


def _part(text: str, keys: Mapping[str, str], env: Environment) -> Part:
    try:
        value = Expression(text, keys).value(env)
    except Exception as error:
        return Part(text, None, f"({type(error).__name__})")
    if not isinstance(value, bool):
        return Part(text, None, "(not true or false)")
    return Part(text, value)


def _verdict(
    arbiter: Arbiter,
    plan: Plan,
    env: Environment,
    record: Mapping[str, Any],
    state: CustomerState,
    partition: PartitionState,
    kept: Kept | None,
) -> tuple[Arm, Suppression, bool, str]:
    where = circumstances(record, arbiter.limits)
    found = finding(plan, env, record)
    candidate = Candidate(plan.rule, found["subject"], found["expected_value"])
    if kept is not None:
        detail = _detail(kept.reason, arbiter, candidate, where, state, partition, stored=True)
        if kept.version != plan.rule.version:
            detail = "; ".join(filter(None, (detail, f"decided by version {kept.version}")))
        return kept.arm, kept.reason, True, detail
    for past in state.decisions:
        if past.event == where.event and past.rule == plan.rule.id:
            return (
                past.arm,
                past.reason,
                True,
                _detail(past.reason, arbiter, candidate, where, state, partition),
            )
    copied = CustomerState.load(json.loads(json.dumps(state.dump())))
    spare = PartitionState.load(
        partition.partition, partition.partitions, json.loads(json.dumps(partition.dump()))
    )
    verdict = arbiter.arbitrate([candidate], where, copied, spare)[0]
    detail = _detail(verdict.reason, arbiter, candidate, where, state, partition)
    return verdict.arm, verdict.reason, False, detail


def _detail(
    reason: Suppression,
    arbiter: Arbiter,
    candidate: Candidate,
    where: Circumstances,
    state: CustomerState,
    partition: PartitionState,
    stored: bool = False,
) -> str:
    """Return the limit in words, with the figures that made it bite."""
    rule, limits = candidate.rule, arbiter.limits
    acted = [past for past in state.decisions if past.arm in BINDING]
    own = [past for past in acted if past.rule == rule.id and past.event != where.event]
    match reason:
        case Suppression.COOLDOWN:
            return f"cooldown of {_span(rule.cooldown)}, last {_ago(own, where.at)}"
        case Suppression.CONTACT_CAP:
            contacts = [past for past in acted if past.arm is Arm.ACTED]
            caps = "; ".join(
                f"{cap.count} in {_span(cap.within)} over {cap.channel or 'all channels'}"
                for cap in limits.caps
            )
            return (
                f"contact caps ({caps}), {len(contacts)} contacts remembered, last {_ago(contacts, where.at)}"
            )
        case Suppression.QUIET_HOURS:
            quiet = limits.quiet_hours
            zone = where.time_zone or quiet.time_zone
            return f"quiet hours {quiet.start}:00 to {quiet.end}:00 in {zone}"
        case Suppression.BUDGET:
            day = where.at // DAY
            share = allowance(rule, day, partition.partition, partition.partitions)
            spent = ", spent on that day" if stored else f": {share} in this partition, all spent"
            return f"budget {rule.budget_per_day:g} a day at {rule.cost:g} each{spent}"
        case Suppression.EXCLUSIVE_GROUP:
            period = _span(limits.group_period)
            return f"another rule of the group {rule.exclusive_group} came first within {period}"
        case Suppression.GLOBAL_HOLDOUT:
            return f"one of the {limits.global_holdout:.0%} of customers that no rule touches"
        case Suppression.DUPLICATE:
            return "the same words again, and the rule does not count repeats"
        case Suppression.LATE:
            return f"{_span(where.age)} old when received, the rule acts up to {_span(rule.max_age or 0)}"
        case Suppression.PAUSED:
            return "the rule is paused"
        case Suppression.RAMP:
            share_now = rule.ramp.share(where.at) if rule.ramp else 1.0
            return f"the rollout has reached {share_now:.0%} of customers, not this one"
    return ""


def _ago(pasts: list[Past], at: int) -> str:
    return f"{_span(at - max(past.at for past in pasts))} before" if pasts else "not remembered"


def _span(milliseconds: int) -> str:
    for unit, size in (("d", DAY), ("h", 3_600_000), ("m", 60_000)):
        if milliseconds >= size:
            return f"{milliseconds / size:.3g}{unit}"
    return f"{milliseconds / 1000:.3g}s"
