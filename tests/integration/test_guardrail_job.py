"""A rule that harms is paused from the store's figures, told with an alert, and never started again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from databases import fill, fresh

from models.clock import VirtualClock
from ops.embedded.store import EmbeddedStore
from ops.guardrail import Guardrails, since_of
from ops.wiring.catalog import KafkaPublisher
from rules.publish import CatalogRecord, Publishing
from sinks.clickhouse import Client
from streams.codec import loads
from streams.outbox import Layout, Outbox
from streams.settings import Settings
from streams.topics import ALERTS

DAY = 86_400_000
START = 1_750_000_000_000
HARMFUL, HARMLESS = "high_value_negatives", "late_delivery_coupon"


class Published:
    """Records in memory, with the alerts that came along."""

    def __init__(self, rules: set[str]) -> None:
        shipped = KafkaPublisher(Settings()).shipped()
        self.held = [record for record in shipped if record.rule_id in rules]
        self.alerts: list[dict] = []

    def records(self) -> list[CatalogRecord]:
        return list(self.held)

    def send(self, record: CatalogRecord, also: Callable[[Outbox], None] | None = None) -> None:
        self.held.append(record)
        if also is not None:
            out = Outbox(Layout({}))
            also(out)
            (found,) = out._records.values()
            assert list(out._records) == [(ALERTS, 0)]
            self.alerts += [loads(value) for _, value, _ in found]


@pytest.fixture(scope="module")
def client(store: EmbeddedStore) -> Iterator[Client]:
    client = fresh(store)
    fill(store, client, one_harmful_and_one_harmless_rule())
    yield client
    client.close()


def one_harmful_and_one_harmless_rule() -> dict[str, list[dict]]:
    """Return the records of one rule that loses customers and one that does nothing."""
    rng = random.Random(7)
    decisions, facts = [], []
    for rule, metric, harm in ((HARMFUL, "retained", 0.25), (HARMLESS, "purchase", 0.0)):
        for number in range(1200):
            customer, held = f"{rule}{number}", rng.random() < 0.3
            arm = "holdout" if held else "acted"
            decisions.append(
                {"decision_id": f"d{customer}", "feedback_id": "", "customer_id": customer, "rule_id": rule,
                 "arm": arm, "propensity": 0.7, "holdout_share": 0.3, "cost": 1.0, "attribution_days": 14.0,
                 "occurred_at": START + number, "received_at": START}
            )  # fmt: skip
            stays = rng.random() < 0.8 - (0.0 if held else harm)
            facts.append(
                {"event": "outcome", "id": f"o{customer}", "customer_id": customer, "kind": metric,
                 "value": float(stays), "occurred_at": START + DAY, "received_at": START}
            )  # fmt: skip
    facts.append(
        {"event": "customer", "id": "clock", "customer_id": "z", "kind": "visit",
         "occurred_at": START + 60 * DAY, "received_at": START}
    )  # fmt: skip
    return {"decisions": decisions, "feedback.scored": facts}


def test_harm_pauses_the_rule_once_with_an_alert(client: Client) -> None:
    published = Published({HARMFUL, HARMLESS})
    judged = {one.rule: one for one in Guardrails(client, published, VirtualClock(2e9)).run()}
    assert judged[HARMFUL].paused and judged[HARMFUL].found.harm == pytest.approx(0.25, abs=0.06)
    assert not judged[HARMLESS].paused and judged[HARMLESS].found.state == "holds"
    record = published.held[-1]
    assert (record.rule_id, record.change, record.author, record.at) == (
        HARMFUL, "pause", "guardrail", 2_000_000_000_000,
    )  # fmt: skip
    assert record.rule["status"] == "paused" and "worse than held out" in record.comment
    (alert,) = published.alerts
    assert alert["kind"] == "guardrail" and alert["severity"] == "critical"
    assert alert["magnitude"] > 0.15 and "rule paused" in alert["done"]
    before = len(published.held)
    assert HARMFUL not in {one.rule for one in Guardrails(client, published, VirtualClock(2e9)).run()}
    assert len(published.held) == before


def test_a_dry_run_changes_nothing(client: Client) -> None:
    published = Published({HARMFUL})
    (judged,) = Guardrails(client, published, VirtualClock(2e9), dry=True).run()
    assert judged.found.state == "pause" and not judged.paused
    assert len(published.held) == 1 and published.alerts == []


def test_after_a_person_resumed_it_only_new_customers_count(client: Client) -> None:
    published = Published({HARMFUL})
    Guardrails(client, published, VirtualClock(2e9)).run()
    Publishing(published).resume(HARMFUL, "ann", 2_000_000_100_000)
    assert since_of(published.records(), HARMFUL) == 2_000_000_100_000
    (judged,) = Guardrails(client, published, VirtualClock(2.1e9)).run()
    assert judged.found.state == "too early" and not judged.paused
    assert judged.as_json()["low"] is None


def test_a_ramp_takes_a_step_while_its_guardrails_hold(client: Client) -> None:
    published = Published({HARMLESS, HARMFUL})
    for record in published.held:
        record.rule["ramp"] = {"steps": ["1%", "5%", "50%"], "every": "1d"}
    job = Guardrails(client, published, VirtualClock(2e9))
    judged = {one.rule: one for one in job.run()}
    assert judged[HARMLESS].share == 0.05 and judged[HARMFUL].paused
    steps = [record for record in published.held if record.change == "ramp"]
    assert [(r.rule_id, r.author, r.comment) for r in steps] == [
        (HARMLESS, "guardrail", "from 1% to 5% of customers: purchase holds")
    ]
    ramp = steps[0].load().ramp
    assert ramp is not None and ramp.share(2_000_000_000_000) == 0.05
    job.run()
    assert [r.change for r in published.held].count("ramp") == 1, "a step a day at most"
    Guardrails(client, published, VirtualClock(2e9 + 90_000)).run()
    assert published.held[-1].load().ramp.share(0) == 0.5
    Guardrails(client, published, VirtualClock(3e9)).run()
    assert [r.change for r in published.held].count("ramp") == 2
