"""Trials event by event, and what the views say of a customer."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from databases import fill

from ops.embedded.store import EmbeddedStore
from sinks.clickhouse import Client

DAY = 86_400_000
START = 1_750_000_000_000
Z = 1.959963984540054
_serial = itertools.count()


class Plant:
    """Makes a store's content event by event."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self.decisions: list[dict[str, Any]] = []

    def says(self, customer: str, at: int, polarity: float = -0.5, **more: Any) -> str:
        ident = f"f{next(_serial)}"
        scores = {"polarity": polarity, "churn": more.pop("churn", 0.5)}
        about = {"tier": more.pop("tier", "gold"), "money": more.pop("money", 10.0)}
        self.log.append(
            {"event": "feedback", "feedback_id": ident, "customer_id": customer, "occurred_at": at,
             "received_at": START, "scores": scores, "customer": about}
        )  # fmt: skip
        return ident

    def decides(self, customer: str, at: int, arm: str, feedback: str = "", **more: Any) -> None:
        row = {
            "decision_id": f"d{next(_serial)}", "feedback_id": feedback, "customer_id": customer,
            "rule_id": "rescue",
            "arm": arm, "propensity": 0.8, "holdout_share": 0.2, "cost": 2.0 if arm == "acted" else 0.0,
            "tier": "gold", "channel": "app", "topic": "service", "attribution_days": 14.0, "occurred_at": at,
            "received_at": START,
        }  # fmt: skip
        self.decisions.append(row | more)

    def becomes(self, customer: str, kind: str, at: int, value: float = 1.0) -> None:
        self.log.append(
            {"event": "outcome", "id": f"o{next(_serial)}", "customer_id": customer, "kind": kind,
             "value": value, "occurred_at": at, "received_at": START}
        )  # fmt: skip

    def does(self, customer: str, kind: str, at: int, amount: float | None = None) -> None:
        self.log.append(
            {"event": "customer", "id": f"e{next(_serial)}", "customer_id": customer, "kind": kind,
             "amount": amount, "occurred_at": at, "received_at": START}
        )  # fmt: skip

    def store(self, store: EmbeddedStore, client: Client) -> None:
        fill(store, client, {"feedback.scored": self.log, "decisions": self.decisions})


def two_rules() -> Plant:
    """Two rules with 2,500 customers each: `rescue` adds .15 to retention, `nagging` takes .2 away."""
    rng = np.random.default_rng(21)
    plant = Plant()
    for rule, effect in (("rescue", 0.15), ("nagging", -0.2)):
        for number in range(2500):
            customer, at = f"{rule}{number}", START + int(rng.integers(30 * DAY))
            late = at > START + 15 * DAY
            held = 0.5 if late else 0.2
            treated = bool(rng.random() > held)
            churn, tier = float(rng.random()), str(rng.choice(["gold", "silver"]))
            feedback = plant.says(customer, at, churn=churn, tier=tier, money=float(rng.exponential(50)))
            plant.decides(
                customer, at, "acted" if treated else "holdout", feedback, rule_id=rule, tier=tier,
                holdout_share=held, propensity=1 - held,
            )  # fmt: skip
            stays = rng.random() < 0.75 - 0.4 * churn + effect * treated - 0.1 * late
            plant.becomes(customer, "retained", at + 13 * DAY, float(stays))
            if not stays:
                plant.becomes(customer, "churned", at + int(rng.integers(1, 13 * DAY)))
            if rng.random() < 0.4:
                plant.does(
                    customer, "purchase", at + int(rng.integers(1, 13 * DAY)), float(rng.exponential(30))
                )
            if rng.random() < 0.4:
                plant.does(customer, "purchase", at - DAY, 25.0)
    return plant


def values(client: Client, rule: str, metric: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return the customers of a trial, column by column, as the view has them."""
    rows = client.query(
        "SELECT treated, value, churn, money, holdout_share, since, spent FROM trial_values"
        f" WHERE rule_id = '{rule}' AND metric = '{metric}' AND value IS NOT NULL"
    ).result_rows
    columns = [np.array(column, dtype=float) for column in zip(*rows, strict=True)]
    found = dict(zip(("treated", "value", "churn", "money", "held", "since", "spent"), columns, strict=True))
    return found | {"treated": found["treated"] > 0}


def of(client: Client, customer: str, metric: str) -> Any:
    query = f"SELECT value FROM trial_values WHERE customer_id = '{customer}' AND metric = '{metric}'"
    return client.query(query).result_rows[0][0]
