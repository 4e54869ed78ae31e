"""`hark models` against a broker and a learner; the store's history and tags of the past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from broker_world import running_broker
from databases import fill, fresh

from models.snapshot import Snapshot, encode
from models.snapshot_parts import part_key, split
from models.topics.tags import Tag
from models.training import Trainer
from ops.embedded.store import EmbeddedStore
from ops.wiring.history import history
from ops.wiring.log import read, send
from ops.wiring.tags import apply_to_store
from sinks.clickhouse import Client
from streams.codec import loads
from streams.outbox import Outbox
from streams.settings import Settings
from streams.topics import EXAMPLES, HISTORY, SNAPSHOTS

START = 1_750_000_000_000


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with running_broker(2) as config:
        send(config, publish)
        yield config


def publish(out: Outbox) -> None:
    """Put three versions of a model on the broker, one of them to go back to, and a damaged one."""
    trainer = Trainer("churn")
    for number in range(30):
        trainer.step({"from": [0, number, 0], "x": {"a": float(number)}, "y": number % 2}, number, 0.0)
    for version, topic, slot in ((3, HISTORY, "h1"), (7, SNAPSHOTS, "A"), (8, SNAPSHOTS, "B")):
        state = trainer.serving() if topic == HISTORY else trainer.state()
        data = encode(Snapshot("churn", version, 29, 1000.0 * version, "c", state))
        for number, piece in enumerate(split(data)):
            if version == 8:
                piece = piece[:-5] + bytes(5)
            out.placed(topic, 0, part_key("churn", slot, number).encode(), piece)


def test_list_names_what_serves_and_what_is_held_and_leaves_damage_out(hark: Any) -> None:
    (found,) = orjson.loads(hark("models", "list", "--json"))["models"]
    assert (found["model"], found["version"], found["earlier"]) == ("churn", 7, [3])
    assert found["challenger"] == "none"


def test_orders_go_into_the_models_own_log(settings: Settings, hark: Any) -> None:
    hark("models", "rollback", "churn", "--to", "3", "--author", "ann")
    orders = [loads(value)["order"] for key, value in read(settings, EXAMPLES) if value and key == b"churn"]
    assert orders == [{"do": "rollback", "by": "ann", "version": 3}]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("rollback", "churn", "--to", "7"), "held are: 3"),
        (("rollback", "churn"), "one champion only"),
        (("promote", "churn"), "no challenger proven better"),
        (("retire", "churn"), "no challenger"),
        (("promote", "sentiment"), "no version of sentiment"),
        (("promote", "nothing"), "choose of"),
    ],
)
def test_what_cannot_be_done_is_said_before_it_is_asked(hark: Any, words: tuple[str, ...], why: str) -> None:
    assert why in hark("models", *words, "--author", "ann", ok=False)


def said(number: int) -> dict[str, Any]:
    scores = {"polarity": -0.1234, "confidence": 0.7, "emotion": "", "effort": False, "topics": ["price"],
              "kind": "complaint", "demand": True, "urgency": "low", "response_minutes": 5, "priority": 0.5,
              "churn": 0.25, "purchase": 0.5, "adoption": 0.25}  # fmt: skip
    return {
        "event": "feedback", "origin": ["feedback.raw", 0, number], "feedback_id": f"f{number}",
        "customer_id": "ann", "linked": True, "voice": None, "channel": "app",
        "text": "杯盖裂开了" if number % 2 else "很好", "lang": "zh", "rating": None, "label": None,
        "kind": None, "product": "cup", "region": None, "order_id": None, "occurred_at": START + number,
        "received_at": START + number, "scored_at": START, "late": False, "masked": {}, "media_pending": 0,
        "attributes": {"a": "b"}, "scores": scores, "customer": {"tier": "gold"}, "cluster_id": "k",
        "cluster_size": 1, "duplicate_of": None, "reasons": ["about price"], "models": {"churn": 3},
    }  # fmt: skip


def bought(number: int) -> dict[str, Any]:
    return {
        "event": "customer", "origin": ["customers.events", 0, number], "id": f"e{number}",
        "customer_id": "ann", "kind": "purchase", "amount": 12.5, "occurred_at": START + number,
        "received_at": START + number,
    }  # fmt: skip


LOG = [bought(n) if n % 3 == 0 else said(n) for n in range(30)]


@pytest.fixture(scope="module")
def client(store: EmbeddedStore) -> Iterator[Client]:
    client = fresh(store)
    fill(store, client, {"feedback.scored": LOG})
    yield client
    client.close()


def test_the_history_is_what_was_written_in_its_order(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.wiring.history.PAGE", 4)
    found = list(history(client, "ann"))
    assert [r.get("feedback_id") or r["id"] for r in found] == [r.get("feedback_id") or r["id"] for r in LOG]
    for record, written in zip(found, LOG, strict=True):
        assert {key: record.get(key) for key in written} == written
    assert list(history(client, "nobody")) == []


def test_an_accepted_tag_is_applied_to_the_past_once(client: Client) -> None:
    tag = Tag("0" * 12, "accepted", ("杯盖",), "quality.cup_lid", 0.0, 0.0, 9, 0.1, 8)
    expected = sum("杯盖" in record.get("text", "") for record in LOG)
    assert expected > 5
    assert [apply_to_store(client, tag), apply_to_store(client, tag)] == [expected, 0]
    query = "SELECT text, scores.topics, scores.polarity FROM feedback FINAL"
    for text, topics, polarity in client.query(query).result_rows:
        assert list(topics) == (["price", "quality.cup_lid"] if "杯盖" in text else ["price"])
        assert polarity == pytest.approx(-0.1234)
