"""Rows of every table as the pipeline would write them, for stores whose truth is known."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

import numpy as np
from databases import fill, fresh

from ops.embedded.store import EmbeddedStore
from sinks.clickhouse import Client

DAY = 86_400_000
START = 1_750_000_000_000
Z = 1.959963984540054
_serial = itertools.count()


class Planted:
    """Collects records by topic, then writes them through the sink."""

    def __init__(self) -> None:
        self.records: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def says(
        self, customer: str, at: int, polarity: float = -0.6, topics: tuple[str, ...] = (), **more: Any
    ) -> str:
        ident = f"f{next(_serial)}"
        scores = {
            "polarity": polarity, "confidence": more.pop("confidence", 0.9),
            "emotion": "angry", "effort": False,
            "topics": list(topics), "kind": more.pop("scored_kind", "complaint"), "demand": False,
            "urgency": more.pop("urgency", "normal"), "response_minutes": more.pop("minutes", 240),
            "priority": 0.4, "churn": more.pop("churn", 0.3), "purchase": 0.2,
        }  # fmt: skip
        about = {
            "tier": more.pop("tier", "gold"), "money": 10.0, "lifetime_value": more.pop("worth", 100.0),
            "tenure_days": more.pop("tenure", 200.0), "region": more.pop("home", ""),
        }  # fmt: skip
        record = {
            "event": "feedback", "feedback_id": ident, "customer_id": customer, "linked": True,
            "voice": f"v-{customer}", "channel": "app", "text": f"words of {customer}", "lang": "en",
            "occurred_at": at, "received_at": START, "scored_at": START, "scores": scores, "customer": about,
            "cluster_id": f"k-{ident}", "cluster_size": 1, "models": {"sentiment": 3, "churn": 2},
        }  # fmt: skip
        self.records["feedback.scored"].append(record | more)
        return ident

    def fact(self, customer: str, event: str, kind: str, at: int, **more: Any) -> None:
        record = {
            "event": event, "id": f"x{next(_serial)}", "customer_id": customer, "kind": kind,
            "occurred_at": at, "received_at": START,
        }  # fmt: skip
        self.records["feedback.scored"].append(record | more)

    def decides(self, customer: str, at: int, arm: str, feedback: str, rule: str, **more: Any) -> str:
        ident = f"d{next(_serial)}"
        record = {
            "decision_id": ident, "feedback_id": feedback, "customer_id": customer, "rule_id": rule,
            "rule_version": 1, "arm": arm, "reason": "", "propensity": 0.7, "holdout_share": 0.3,
            "action_kind": "coupon", "cost": 2.0 * (arm == "acted"), "channel": "app", "tier": "gold",
            "topic": "quality.defect", "attribution_days": 10.0, "occurred_at": at, "received_at": START,
            "decided_at": START,
        }  # fmt: skip
        self.records["decisions"].append(record | more)
        return ident

    def acts(self, customer: str, decision: str, feedback: str, at: int, **more: Any) -> str:
        ident = f"a{next(_serial)}"
        record = {
            "action_id": ident, "decision_id": decision, "feedback_id": feedback, "customer_id": customer,
            "kind": "coupon", "rule_id": "rescue", "rule_version": 1, "team": "care", "lang": "en",
            "priority": 0.5, "deadline": at + DAY, "received_at": at, "decided_at": at,
        }  # fmt: skip
        self.records["actions.coupon"].append(record | more)
        return ident

    def answers(self, customer: str, action: str, status: str, at: int) -> None:
        record = {
            "action_id": action,
            "customer_id": customer,
            "status": status,
            "by": "care",
            "occurred_at": at,
        }
        self.records["actions.status"].append(record)

    def put(self, topic: str, /, **record: Any) -> None:
        self.records[topic].append(record)

    def write(self, store: EmbeddedStore, client: Client) -> None:
        fill(store, client, self.records)


def filled(store: EmbeddedStore, plant: Planted) -> Client:
    """Return a client of a new database with what `plant` holds."""
    client = fresh(store)
    plant.write(store, client)
    return client


def by(rows: list[dict[str, Any]], *names: str) -> dict[Any, dict[str, Any]]:
    """Return rows by the values of the columns `names`."""
    return {row[names[0]] if len(names) == 1 else tuple(row[name] for name in names): row for row in rows}


def demo_like(seed: int = 5, customers: int = 400) -> Planted:
    """Return sixty days of a small company: something in every table and every column that is charted."""
    rng, plant = np.random.default_rng(seed), Planted()
    topics = ("quality.defect", "logistics.delay", "price.expensive", "praise.general")
    for number in range(customers):
        customer, tier = f"cust-{number:04d}", str(rng.choice(["gold", "silver"]))
        region = str(rng.choice(["China", "Germany", ""]))
        plant.fact(customer, "customer", "profile", START, tier=tier, lifetime_value=120.0)
        held = bool(rng.random() < 0.3)
        for turn in range(int(rng.integers(1, 6))):
            at, topic = START + int(rng.integers(60 * DAY)), str(rng.choice(topics))
            happy = topic == "praise.general"
            feedback = plant.says(
                customer, at, float(rng.uniform(0.3, 0.9) if happy else rng.uniform(-0.9, 0.3)), (topic,),
                tier=tier, home=region, tenure=float(rng.integers(30, 900)), churn=float(rng.random()),
                urgency="urgent" if turn == 0 else "normal", lang=str(rng.choice(["zh", "en"])),
                channel=str(rng.choice(["app", "web", "call"])), product=str(rng.choice(["kettle", "lamp"])),
                cluster_id=f"k{topic}", label=bool(rng.random() < 0.5) if turn < 2 else None,
                scored_kind="praise" if happy else "complaint",
            )  # fmt: skip
            if rng.random() < 0.4:
                plant.fact(customer, "customer", "purchase", at + 2 * DAY, amount=float(rng.exponential(40)))
            if turn == 0:
                arm = "holdout" if held else "acted"
                decision = plant.decides(customer, at, arm, feedback, "rescue", tier=tier)
                plant.decides(customer, at, "suppressed", feedback, "nagging", reason="cooldown")
                if not held:
                    action = plant.acts(customer, decision, feedback, at + 60_000, deadline=at + 2 * DAY)
                    if rng.random() < 0.9:
                        plant.answers(customer, action, "accepted", at + 1_860_000)
                    if rng.random() < 0.7:
                        plant.answers(customer, action, "resolved", at + DAY)
                        plant.answers(customer, action, "customer_told", at + DAY + 1)
                plant.fact(
                    customer,
                    "outcome",
                    "retained",
                    at + 9 * DAY,
                    value=float(rng.random() < 0.8 - 0.1 * held),
                )
            elif turn == 3:
                plant.fact(customer, "outcome", "churned", at + 9 * DAY, value=1.0)
            elif turn == 2:
                plant.fact(customer, "customer", "renewal", at + 20 * DAY, amount=99.0)
    plant.fact("cust-0000", "dropped", "duplicate", START + DAY, value="feedback")
    plant.fact(
        "cust-0000", "label", "topics", START + DAY, feedback_id="f0", model="topics", value="quality.defect"
    )
    plant.fact("cust-0000", "customer", "visit", START + 100 * DAY)
    for kind in ("drift", "burst", "guardrail", "sla"):
        plant.put(
            "alerts",
            alert_id=f"al-{kind}",
            kind=kind,
            subject="churn/error",
            message="it moved",
            severity="warning",
            since=START + 20 * DAY,
            magnitude=0.2,
            done="",
            raised_at=START + 21 * DAY,
        )
    for n in range(1, 30):
        for model in ("sentiment", "churn"):
            plant.put(
                "models.metrics",
                model=model,
                version=n,
                role="champion",
                n=100 * n,
                accuracy=0.9,
                auc=0.8,
                log_loss=0.3,
                brier=0.1,
                window=100 * n,
                at=START + n * DAY,
            )
    plant.put(
        "rules.catalog",
        rule_id="rescue",
        version=1,
        status="live",
        change="publish",
        author="ops",
        approver="lead",
        note="first",
        at=START,
    )
    plant.put(
        "dead.letters",
        topic="feedback.raw",
        partition=0,
        offset=7,
        reason="not_json",
        field="",
        agent="intake",
        appended_at=START + DAY,
        rejected_at=START + DAY,
    )
    return plant
