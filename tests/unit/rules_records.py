"""Made-up records and rules for the tests of `rules`."""

from __future__ import annotations

from typing import Any

import yaml

from rules.cases import Given, make_record
from rules.loader import rule_from_record
from rules.rule import Rule

T0 = 1_772_416_800_000
"""2026-03-02 10:00 in Shanghai, a Monday."""
HOUR = 3_600_000
DAY = 24 * HOUR

BASE: dict[str, Any] = yaml.safe_load(
    """
    id: demo
    version: 1
    owner: team
    status: live
    summary: A demonstration
    condition: scores.polarity < -0.2
    action: {kind: coupon, parameters: {points: 5}}
    expected_value: 10
    cost: 2
    cooldown: 1d
    holdout: 0
    attribution: {window: 30d, metrics: [retained]}
    sla: 1h
    template: {zh: "{points}分", en: "{points} points"}
    runbook: Nothing to do.
    """
)


def rule(**changes: Any) -> Rule:
    """Return the demonstration rule with some keys changed."""
    return rule_from_record(BASE | changes)


def feedback(at: int = 0, identity: str = "f1", who: str = "c1", **fields: Any) -> dict[str, Any]:
    """Return a scored feedback `at` ms after `T0`."""
    received = T0 + fields.pop("received", at)
    scores = {"polarity": -0.5} | fields.pop("scores", {})
    given = Given.model_validate(
        {"after": "0s", "customer_id": who, "feedback_id": identity, "scores": scores} | fields
    )
    return make_record(given, 0, T0 + at, received)


def fact(
    event: str, kind: str, at: int = 0, identity: str = "x1", customer: str = "c1", **fields: Any
) -> dict[str, Any]:
    """Return a customer fact `at` ms after `T0`."""
    given = Given.model_validate(
        {"after": "0s", "event": event, "customer_id": customer, "id": identity, "kind": kind} | fields
    )
    return make_record(given, 0, T0 + at, T0 + at)
