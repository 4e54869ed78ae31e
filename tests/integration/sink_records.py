"""Records as the contracts have them, and a sink that writes them to a running store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from models.events import Decision, ScoredFeedback
from ops.embedded.store import EmbeddedStore
from sinks.base import Rejected, Slice, Written
from sinks.clickhouse import ClickHouseSink, Client

NOW = 1_790_000_000_000


def sink_on(store: EmbeddedStore, client: Client, rejected: list[Rejected] | None = None) -> ClickHouseSink:
    heard = rejected if rejected is not None else []
    return ClickHouseSink(store.url, database=client.database, on_rejected=heard.append, pauses=(0.02, 0.1))


def write(store: EmbeddedStore, client: Client, *batches: list[Slice]) -> list[Written]:
    async def run() -> list[Written]:
        sink = sink_on(store, client)
        await sink.start()
        try:
            return [await sink.write(batch) for batch in batches]
        finally:
            await sink.close()

    return asyncio.run(run())


def a_slice(topic: str, values: Sequence[Mapping[str, Any]], first: int = 0, partition: int = 0) -> Slice:
    records = [(first + n, orjson.dumps(value)) for n, value in enumerate(values)]
    return Slice(topic, partition, first, first + len(records) - 1, records)


def feedback(n: int, **more: Any) -> dict[str, Any]:
    value = {
        "origin": ("feedback.raw", 1, n),
        "feedback_id": f"f{n}",
        "customer_id": f"c{n % 7}",
        "linked": True,
        "voice": f"v{n % 5}",
        "channel": "app",
        "text": "屏幕碎了",
        "lang": "zh",
        "rating": None,
        "label": None,
        "kind": None,
        "product": "phone",
        "region": None,
        "order_id": None,
        "occurred_at": NOW + n,
        "received_at": NOW + n,
        "late": False,
        "masked": {"PHONE": 2},
        "attributes": {"a": {"b": [1]}},
        "scores": {
            "polarity": -0.5,
            "confidence": 0.9,
            "emotion": "angry",
            "effort": True,
            "topics": ["product.defect"],
            "kind": "complaint",
            "demand": False,
            "urgency": "urgent",
            "response_minutes": 60,
            "priority": 0.8,
            "churn": 0.4,
            "purchase": 0.1,
        },
        "customer": {"tier": "gold", "money": 12.5, "lifetime_value": 900.0},
        "cluster_id": "k",
        "cluster_size": 2,
        "duplicate_of": None,
        "reasons": ["mentions refund"],
        "models": {"sentiment": 3},
        "scored_at": NOW + n + 5,
    }
    return ScoredFeedback.model_validate(value | more).model_dump(mode="json")


def decision(n: int, **more: Any) -> dict[str, Any]:
    value = {
        "decision_id": f"d{n}",
        "feedback_id": f"f{n}",
        "customer_id": f"c{n}",
        "rule_id": "r",
        "rule_version": 1,
        "arm": "acted",
        "reason": "",
        "propensity": 0.9,
        "holdout_share": 0.1,
        "action_kind": "call",
        "action_id": f"a{n}",
        "expected_value": 3.0,
        "cost": 1.0,
        "channel": "app",
        "tier": "gold",
        "topic": "",
        "values": {"x": 1},
        "models": {"churn": 2},
        "attribution_days": 14.0,
        "occurred_at": NOW + n,
        "received_at": NOW + n,
        "decided_at": NOW + n,
    }
    return Decision.model_validate(value | more).model_dump(mode="json")


def count(client: Client, table: str, final: bool = True) -> int:
    return int(client.query(f"SELECT count() FROM {table} {'FINAL' if final else ''}").result_rows[0][0])
