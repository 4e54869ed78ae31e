"""Every kind of record in its table, on the embedded store over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from sink_records import NOW, a_slice, decision, feedback, write

from models.events import Action, ActionStatus, Alert, ModelMetric
from ops.embedded.store import EmbeddedStore
from sinks.base import Written
from sinks.clickhouse import Client


def test_every_contract_fits_its_table(store: EmbeddedStore, client: Client) -> None:
    action = Action(
        action_id="a",
        decision_id="d",
        feedback_id="f",
        customer_id="c",
        kind="call",
        rule_id="r",
        rule_version=1,
        team="care",
        template="t",
        lang="zh",
        parameters={"x": [1]},
        explanation="why",
        priority=0.5,
        deadline=NOW,
        received_at=NOW,
        decided_at=NOW,
    ).model_dump(mode="json")
    status = ActionStatus(action_id="a", customer_id="c", status="resolved").model_dump(mode="json")
    alert = Alert(
        alert_id="x",
        kind="drift",
        subject="sentiment",
        message="m",
        severity="warning",
        since=NOW,
        magnitude=0.2,
        done="challenger started",
        raised_at=NOW,
    ).model_dump(mode="json")
    metric = ModelMetric(
        model="sentiment",
        version=1,
        role="champion",
        n=10,
        accuracy=0.9,
        auc=None,
        log_loss=0.3,
        brier=0.1,
        window=500,
        at=NOW,
    ).model_dump(mode="json")
    dead = {
        "topic": "feedback.raw",
        "partition": 1,
        "offset": 8,
        "reason": "not_json",
        "field": "",
        "agent": "intake",
        "appended_at": NOW,
        "rejected_at": NOW,
    }
    facts = [
        {
            "event": "outcome",
            "id": "o",
            "customer_id": "c",
            "kind": "retained",
            "value": 1.0,
            "occurred_at": NOW,
            "received_at": NOW,
        },
        {
            "event": "label",
            "id": "l",
            "customer_id": "c",
            "kind": "topics",
            "value": "price",
            "occurred_at": NOW,
            "received_at": NOW,
        },
    ]
    held = {"customer_id": "c", "rule_id": "r", "arm": "holdout", "share": 0.1, "salt": "s"}
    batch = [
        a_slice("feedback.scored", [feedback(1), *facts]),
        a_slice("decisions", [decision(1)]),
        a_slice("actions.call", [action]),
        a_slice("actions.status", [status]),
        a_slice("alerts", [alert]),
        a_slice("models.metrics", [metric]),
        a_slice("dead.letters", [dead]),
        a_slice("holdouts", [held]),
    ]
    assert write(store, client, batch) == [Written(rows=10)]
    columns = "text, rating, scores.topics, tier, money, lifetime_value, masked, attributes, origin.3"
    assert client.query(f"SELECT {columns} FROM feedback").result_rows == [
        ("屏幕碎了", None, ["product.defect"], "gold", 12.5, 900.0, '{"PHONE":2}', '{"a":{"b":[1]}}', 1)
    ]
    times = "SELECT toUnixTimestamp64Milli(occurred_time), occurred_at FROM feedback"
    assert client.query(times).result_rows == [(NOW + 1, NOW + 1)]
    assert client.query("SELECT kind, value, number FROM facts ORDER BY kind").result_rows == [
        ("retained", "1.0", 1.0),
        ("topics", "price", None),
    ]
    assert client.query("SELECT values, models, attribution_days FROM decisions").result_rows == [
        ('{"x":1}', '{"churn":2}', 14.0)
    ]
    assert client.query("SELECT accuracy, auc FROM model_metrics").result_rows == [(0.9, None)]
    assert client.query("SELECT topic, partition, offset, reason FROM dead_letters").result_rows == [
        ("feedback.raw", 1, 8, "not_json")
    ]
    assert client.query("SELECT voice, customer_id FROM links FINAL").result_rows == [("v1", "c1")]
    assert client.query("SELECT arm, share FROM assignments").result_rows == [("holdout", 0.1)]


@pytest.mark.parametrize(
    ("written", "millis"),
    [
        (1_700_000_000, 1_700_000_000_000),
        (1_700_000_000_123, 1_700_000_000_123),
        ("2025-01-02T03:04:05Z", 1_735_787_045_000),
    ],
)
def test_a_status_may_write_any_usual_time(
    store: EmbeddedStore, client: Client, written: Any, millis: int
) -> None:
    status = {"action_id": "a", "customer_id": "c", "status": "resolved", "occurred_at": written}
    write(store, client, [a_slice("actions.status", [status])])
    assert client.query("SELECT toUnixTimestamp64Milli(at) FROM action_status").result_rows == [(millis,)]
