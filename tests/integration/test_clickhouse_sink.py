"""Sink and schema on the embedded store, over HTTP: what the engine itself must do."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.events import Action, ActionStatus, Alert, Decision, ModelMetric, ScoredFeedback
from ops.embedded.store import EmbeddedStore
from sinks.base import Rejected, Slice, Written
from sinks.clickhouse import ClickHouseSink, Client, Schema, SchemaError, connect
from sinks.clickhouse.fence import FENCED
from sinks.clickhouse.rows import LANDING, inlet
from sinks.clickhouse.schema import Migration, migrations, render, statements

NOW = 1_790_000_000_000
_names = itertools.count()


@pytest.fixture(scope="module")
def store() -> Iterator[EmbeddedStore]:
    with asyncio.Runner() as runner:
        store = EmbeddedStore()
        runner.run(store.start())
        yield store
        runner.run(store.stop())


@pytest.fixture
def client(store: EmbeddedStore) -> Iterator[Client]:
    client = connect(store.url)
    database = f"t{next(_names)}"
    Schema(client, database).migrate()
    yield client
    client.command(f"DROP DATABASE {database} SYNC")
    client.close()


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


def a_slice(topic: str, values: list[dict[str, Any]], first: int = 0, partition: int = 0) -> Slice:
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


def test_overlapping_writers_are_one_to_readers(store: EmbeddedStore, client: Client) -> None:
    """Both ask before either writes, as in a rebalance; the engine collapses what both insert."""

    async def run() -> list[Written]:
        one, two = sink_on(store, client), sink_on(store, client)
        await one.start()
        await two.start()
        first = a_slice("decisions", [decision(n) for n in range(60)])
        second = a_slice("decisions", [decision(n) for n in range(20, 100)], first=20)
        found = await asyncio.gather(one.write([first]), two.write([second]))
        await one.close()
        await two.close()
        return found

    assert asyncio.run(run()) == [Written(rows=60), Written(rows=80)]
    assert count(client, "decisions", final=False) == 140
    assert count(client, "decisions") == 100
    client.command("OPTIMIZE TABLE decisions FINAL")
    assert count(client, "decisions", final=False) == 100


def test_a_record_produced_twice_is_one_to_readers(store: EmbeddedStore, client: Client) -> None:
    """After a crash upstream the same decision stands at two offsets."""
    write(store, client, [a_slice("decisions", [decision(1), decision(2), decision(1)])])
    assert count(client, "decisions") == 2


def test_a_new_sink_skips_what_is_there(store: EmbeddedStore, client: Client) -> None:
    batch = [a_slice("feedback.scored", [feedback(n) for n in range(30)])]
    assert write(store, client, batch) == [Written(rows=30)]
    longer = [a_slice("feedback.scored", [feedback(n) for n in range(10, 50)], first=10)]
    assert write(store, client, longer) == [Written(rows=20, skipped=20)]
    assert count(client, "feedback", final=False) == 50


def test_bad_rows_do_not_sink_their_batch(store: EmbeddedStore, client: Client) -> None:
    rejected: list[Rejected] = []
    values = [orjson.dumps(decision(n)) for n in range(40)]
    values[3] = b'{"decision_id":"x","rule_version":"three"}'
    values[17] = b'{"decision_id":"x","decision_id":"y"}'
    values[39] = b'{"decision_id":'

    async def run() -> Written:
        sink = sink_on(store, client, rejected)
        await sink.start()
        written = await sink.write([Slice("decisions", 2, 0, 39, list(enumerate(values)))])
        await sink.close()
        return written

    assert asyncio.run(run()) == Written(rows=37, rejected=3)
    assert sorted(bad.offset for bad in rejected) == [3, 17, 39]
    assert count(client, "decisions") == 37


def test_positions_are_those_of_the_store(store: EmbeddedStore, client: Client) -> None:
    async def run() -> dict[tuple[str, int], int]:
        sink = sink_on(store, client)
        await sink.start()
        await sink.write([a_slice("feedback.scored", [feedback(1), {"event": "label", "id": "x"}], first=4)])
        await sink.write([a_slice("alerts", [{"alert_id": "a"}], first=9, partition=1)])
        found = dict(await sink.positions())
        await sink.close()
        return found

    assert asyncio.run(run()) == {("feedback.scored", 0): 5, ("alerts", 1): 9}


def test_a_store_that_dies_and_returns_misses_and_doubles_nothing(tmp_path: Path) -> None:
    """Stopped and started again in the middle of writing, twice."""
    deaths = (1500, 4000)

    async def run() -> tuple[int, int]:
        store = EmbeddedStore(tmp_path / "store")
        await store.start()
        port = store.port
        client = connect(store.url)
        Schema(client).migrate()
        client.close()
        paused, reached, dying = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def pause(seconds: float) -> None:
            paused.set()
            await asyncio.sleep(seconds)

        sink = ClickHouseSink(store.url, pauses=(0.02, 0.2), sleep=pause)
        await sink.start()

        async def produce() -> None:
            for n in range(0, 6000, 100):
                if n in deaths:
                    reached.set()
                    await dying.wait()
                await sink.write([a_slice("decisions", [decision(n + i) for i in range(100)], first=n)])

        producing = asyncio.create_task(produce())
        for _ in deaths:
            await reached.wait()
            reached.clear()
            paused.clear()
            stopping = asyncio.create_task(store.stop())
            dying.set()
            await stopping
            await paused.wait()
            dying.clear()
            store = EmbeddedStore(tmp_path / "store", port)
            await store.start()
        await producing
        await sink.close()
        client = connect(store.url, database="hark")
        found = count(client, "decisions"), count(client, "decisions", final=False)
        client.close()
        await store.stop()
        return found

    assert asyncio.run(run()) == (6000, 6000)


def test_a_store_without_schema_says_what_to_do(store: EmbeddedStore) -> None:
    client = connect(store.url)
    with pytest.raises(SchemaError, match="hark store migrate"):
        Schema(client, "nowhere").check()
    client.close()


def test_migrating_a_filled_store_keeps_its_rows(store: EmbeddedStore) -> None:
    client = connect(store.url)
    database = f"t{next(_names)}"
    assert Schema(client, database, known=migrations()[:1]).migrate() == [1]
    rows = orjson.dumps(decision(1))
    client.raw_insert("decisions", insert_block=rows, fmt="JSONEachRow", settings={})
    said = {"feedback_id": "f1", "customer_id": "c1", "scores": {"polarity": -0.5, "purchase": 0.25}}
    client.raw_insert("feedback", insert_block=orjson.dumps(said), fmt="JSONEachRow", settings={})
    with pytest.raises(SchemaError, match=r"at version 1, this Hark needs \d+: run `hark store migrate`"):
        Schema(client, database).check()
    assert Schema(client, database).migrate() == [migration.version for migration in migrations()[1:]]
    assert Schema(client, database).migrate() == []
    assert count(client, "decisions") == 1
    assert count(client, "trial_units") == 1
    said = {"feedback_id": "f2", "customer_id": "c1", "scores": {"polarity": 0.5, "adoption": 0.75}}
    client.raw_insert("landing_feedback", insert_block=orjson.dumps(said), fmt="JSONEachRow", settings={})
    question = "SELECT scores.polarity, scores.purchase, scores.adoption FROM feedback ORDER BY feedback_id"
    assert client.query(question).result_rows == [(-0.5, 0.25, 0.0), (0.5, 0.0, 0.75)]
    client.command(f"DROP DATABASE {database} SYNC")
    client.close()


def test_a_newer_or_changed_schema_is_refused(client: Client) -> None:
    first, *others = migrations()
    with pytest.raises(SchemaError, match=r"at version \d+, this Hark knows 1: upgrade Hark"):
        Schema(client, client.database, known=[first]).check()
    changed = Migration(first.version, first.name, first.sql + "\nSELECT 2;")
    with pytest.raises(SchemaError, match="migration 1 was changed"):
        Schema(client, client.database, known=[changed, *others]).check()


def test_comments_do_not_count_as_a_change() -> None:
    first = migrations()[0]
    assert Migration(1, "x", "-- more words\n" + first.sql).checksum == first.checksum


def test_both_variants_are_understood_by_the_engine(client: Client) -> None:
    found = 0
    for migration in migrations():
        for statement in statements(migration.sql):
            for cluster in (None, "main"):
                rendered = render(statement, cluster)
                tree = client.query(f"EXPLAIN AST {rendered}").result_rows
                assert tree and "/*" not in rendered.replace("/* on cluster */", "")
                found += (
                    cluster is not None and "ENGINE = Replicated" in rendered and "ON CLUSTER" in rendered
                )
    assert found >= len(FENCED)


def test_every_fenced_table_carries_coordinates(client: Client) -> None:
    for table in FENCED:
        client.query(f"SELECT _topic, _partition, _offset FROM {table}")


def test_landing_tables_have_the_columns_of_their_tables(client: Client) -> None:
    """All that rows bring, in types that parse fast: a column in one of the two only would be lost."""
    question = (
        "SELECT name, type FROM system.columns "
        "WHERE database = currentDatabase() AND table = {table:String} AND default_kind = ''"
    )
    for table in LANDING:
        columns = client.query(question, {"table": table}).result_rows
        plain = {(name, re.sub(r"LowCardinality\((\w+)\)", r"\1", kind)) for name, kind in columns}
        assert set(client.query(question, {"table": inlet(table)}).result_rows) == plain != set(columns)
