"""A rule on past records: how often it would have fired, on whom, at what cost, against the live one.

A backtest says what would have been decided, not what it would have achieved: the outcomes of those
it would have acted on are shown as they are known, without any claim of cause.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.events.decision import Arm, Suppression
from rules.engine import Engine
from rules.limits import Limits
from rules.loader import Catalog
from rules.rule import DAY
from rules.state import CustomerState, PartitionState


@dataclass(slots=True)
class Tally:
    """What one rule did over the records.

    Parameters
    ----------
    eligible
        How often the condition held.
    arms, reasons
        Decisions by arm, suppressions by reason.
    tiers
        Decisions that acted, by the customer's tier.
    customers
        Customers acted on.
    events
        Records that acted, to compare versions by.
    cost, value
        Cost and expected value of acting.
    overlap
        Records at which another rule acted too, by rule.
    outcomes
        Sum and number of outcomes known within the attribution window, by metric.
    """

    eligible: int = 0
    arms: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    customers: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    cost: float = 0.0
    value: float = 0.0
    overlap: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, tuple[float, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the tally as plain JSON."""
        return {
            "eligible": self.eligible,
            "arms": dict(self.arms),
            "suppressed": dict(self.reasons),
            "caps_hit": sum(self.reasons[reason] for reason in _CAPS),
            "tiers": dict(self.tiers),
            "customers": len(self.customers),
            "who": sorted(self.customers)[:WHO],
            "cost": round(self.cost, 2),
            "expected_value": round(self.value, 2),
            "overlap": dict(self.overlap),
            "outcomes": {
                name: {"mean": round(total / count, 4), "n": count}
                for name, (total, count) in self.outcomes.items()
            },
        }


WHO = 10
"""Customers named in a report, so that some can be looked at with `hark why`."""
_CAPS = (Suppression.CONTACT_CAP.value, Suppression.COOLDOWN.value, Suppression.BUDGET.value)


@dataclass(frozen=True, slots=True)
class Backtest:
    """A catalogue tried on records, beside the live one tried on the same.

    Parameters
    ----------
    records
        How many there were.
    days
        Event time they span.
    rules
        Tally of each tested rule.
    live
        Tally of each live rule on the same records.
    failures
        Expressions that had no value, by rule and exception.
    """

    records: int
    days: float
    rules: dict[str, Tally]
    live: dict[str, Tally]
    failures: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON, with what is new and what is gone against the live version."""
        rules = {}
        for rule_id, tally in self.rules.items():
            entry = tally.to_json()
            before = self.live.get(rule_id)
            if before is not None:
                entry["live"] = before.to_json()
                entry["only_here"] = len(tally.events - before.events)
                entry["only_live"] = len(before.events - tally.events)
            rules[rule_id] = entry
        return {
            "records": self.records,
            "days": round(self.days, 2),
            "rules": rules,
            "failures": self.failures,
        }


def backtest(
    records: Iterable[Mapping[str, Any]],
    tested: Catalog,
    live: Catalog,
    limits: Limits,
    only: str | None = None,
) -> Backtest:
    """Try a catalogue and the live one on the same records.

    Parameters
    ----------
    records
        Scored feedbacks and facts in the order of their logs; `outcome` facts are known outcomes.
    tested
        Rules to try; drafts and shadows are tried as if they were live.
    live
        Rules in force.
    limits
        Limits over all rules; budgets count as one partition.
    only
        Report this rule alone (the others still compete with it).
    """
    raised = Catalog.of(
        rule.model_copy(update={"status": "live"}) if rule.status in ("draft", "shadow") else rule
        for rule in tested.rules.values()
    )
    new, old = _Run(raised, limits), _Run(live, limits)
    count, first, last = 0, None, 0
    for record in records:
        count += 1
        at = record["occurred_at"]
        first, last = at if first is None else min(first, at), max(last, at)
        new.take(record)
        old.take(record)
    rules = {key: tally for key, tally in new.finish().items() if only in (None, key)}
    failures = {f"{rule_id}: {name}": n for (rule_id, name), n in new.engine.failures.items()}
    return Backtest(count, (last - (first or last)) / DAY, rules, old.finish(), failures)


class _Run:
    """One catalogue going over the records."""

    def __init__(self, catalog: Catalog, limits: Limits) -> None:
        self.engine = Engine(catalog, limits)
        self.catalog = catalog
        self._states: dict[str, CustomerState] = {}
        self._partition = PartitionState(0, 1)
        self._tallies = {
            rule_id: Tally() for rule_id, rule in catalog.rules.items() if rule.status != "draft"
        }
        self._acted: list[tuple[str, str, int]] = []
        self._outcomes: dict[str, list[tuple[int, str, float]]] = defaultdict(list)

    def take(self, record: Mapping[str, Any]) -> None:
        """Decide on one record."""
        if record["event"] == "outcome" and isinstance(record.get("value"), int | float):
            known = (record["occurred_at"], record["kind"], float(record["value"]))
            self._outcomes[record["customer_id"]].append(known)
        decided = self.engine.process(record, self._states, self._partition, record["received_at"])
        acting = [item.decision["rule_id"] for item in decided if item.decision["arm"] == Arm.ACTED]
        for item in decided:
            self._count(item.decision, acting)

    def _count(self, decision: Mapping[str, Any], acting: list[str]) -> None:
        rule_id = decision["rule_id"]
        tally = self._tallies[rule_id]
        tally.eligible += 1
        tally.arms[decision["arm"]] += 1
        if decision["reason"]:
            tally.reasons[decision["reason"]] += 1
        if decision["arm"] != Arm.ACTED:
            return
        tally.tiers[decision["tier"] or "unknown"] += 1
        tally.customers.add(decision["customer_id"])
        tally.events.add(decision["feedback_id"])
        tally.cost += decision["cost"]
        tally.value += decision["expected_value"]
        tally.overlap.update(other for other in acting if other != rule_id)
        self._acted.append((rule_id, decision["customer_id"], decision["occurred_at"]))

    def finish(self) -> dict[str, Tally]:
        """Add the outcomes known within each rule's attribution window and return the tallies."""
        for rule_id, customer_id, at in self._acted:
            attribution = self.catalog.rules[rule_id].attribution
            outcomes = self._tallies[rule_id].outcomes
            for when, metric, value in self._outcomes.get(customer_id, ()):
                if metric in attribution.metrics and at < when <= at + attribution.window:
                    total, count = outcomes.get(metric, (0.0, 0))
                    outcomes[metric] = (total + value, count + 1)
        return self._tallies
