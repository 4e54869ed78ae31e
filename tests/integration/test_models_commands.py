"""`hark models` against a broker and a learner; the store's history and tags of the past."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from broker_world import running_broker
from databases import fill, fresh

from models.churn.delayed import DelayedLabels
from models.near_duplicate import ClusterIndex
from models.outcome import Emit
from models.scoring.customer import CustomerMemory
from models.scoring.model_set import ModelSet
from models.scoring.scorer import PartitionScoring, Scorer
from models.scoring.targets import MODELS, targets
from models.snapshot import Snapshot, encode
from models.snapshot_parts import part_key, split
from models.topics.analyser import Analyser
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


def taught() -> Trainer:
    """Return a learner of churn that has seen who complains leave."""
    trainer = Trainer("churn")
    for number in range(30):
        x = {"negatives_7d": float(number % 4), "channel": "app" if number % 3 else "web"}
        trainer.step({"from": [0, number, 0], "x": x, "y": number % 4 > 1}, number, 0.0)
    return trainer


def publish(out: Outbox) -> None:
    """Put versions of a model on the broker, two of them to go back to, and a damaged one."""
    trainer = taught()
    for version, topic, slot in (
        (3, HISTORY, "h1"), (6, HISTORY, "h2"), (6, SNAPSHOTS, "B"), (7, SNAPSHOTS, "A"), (8, SNAPSHOTS, "B"),
    ):  # fmt: skip
        state = trainer.serving() if topic == HISTORY else trainer.state()
        data = encode(Snapshot("churn", version, 29, 1000.0 * version, "c", state))
        for number, piece in enumerate(split(data)):
            if version == 8:
                piece = piece[:-5] + bytes(5)
            out.placed(topic, 0, part_key("churn", slot, number).encode(), piece)


def test_list_names_what_serves_and_what_is_held_and_leaves_damage_out(hark: Any) -> None:
    found = {one["model"]: one for one in orjson.loads(hark("models", "list", "--json"))["models"]}
    assert tuple(found) == MODELS
    churn, others = found.pop("churn"), found.values()
    assert (churn["version"], churn["earlier"], churn["challenger"]) == (7, [6, 3], "none")
    assert {(one["version"], one["created"]) for one in others} == {(0, None)}
    page = hark("models", "list")
    assert "as shipped" in page and "6, 3" in page


def test_show_leaves_out_the_figures_of_a_challenger_that_is_gone(
    hark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = {"examples": 30, "accuracy": 0.0, "auc": None, "log_loss": 0.3, "brier": 0.1}
    rows = [{"model": "churn", "role": role, **numbers} for role in ("champion", "challenger")]
    monkeypatch.setattr("ops.commands.models._figures", lambda config: rows)
    page = hark("models", "show", "churn")
    assert "champion: 30 examples, accuracy 0.0000, log_loss" in page and "challenger: none" in page
    assert "challenger: 30 examples" not in page and "version 7 of" in page and "version 3 of" in page


def test_orders_go_into_the_models_own_log(settings: Settings, hark: Any) -> None:
    hark("models", "rollback", "churn", "--to", "3", "--author", "ann")
    orders = [loads(value)["order"] for key, value in read(settings, EXAMPLES) if value and key == b"churn"]
    assert orders == [{"do": "rollback", "by": "ann", "version": 3}]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("rollback", "churn", "--to", "7"), "held are: 6, 3"),
        (("rollback", "churn"), "one champion only"),
        (("promote", "churn"), "no challenger proven better"),
        (("retire", "churn"), "no challenger"),
        (("promote", "sentiment"), "no version of sentiment"),
        (("promote", "nothing"), "choose of"),
    ],
)
def test_what_cannot_be_done_is_said_before_it_is_asked(hark: Any, words: tuple[str, ...], why: str) -> None:
    assert why in hark("models", *words, "--author", "ann", ok=False)


def test_a_version_to_go_back_to_may_also_be_one_of_the_newest(settings: Settings, hark: Any) -> None:
    hark("models", "rollback", "churn", "--to", "6", "--author", "ann")
    orders = [loads(value)["order"] for key, value in read(settings, EXAMPLES) if value and key == b"churn"]
    assert orders[-1] == {"do": "rollback", "by": "ann", "version": 6}


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


def scored(*texts: str) -> list[dict[str, Any]]:
    """Return what the scorer makes of a customer's feedback, with version 3 of churn in use."""
    models = ModelSet()
    models.install(encode(Snapshot("churn", 3, 29, 3000.0, "c", taught().serving())))
    scorer = Scorer(models, Analyser(), learning=False)
    partition = PartitionScoring(ClusterIndex(16), DelayedLabels(targets(30), limit=2, spacing=1.0))
    memory, records = CustomerMemory(None, 86_400.0), []
    for number, text in enumerate(texts):
        plain = {key: value for key, value in said(2 * number).items() if key not in ("scores", "models")}
        given = plain | {"feedback_id": f"x{number}", "customer_id": "ben", "text": text}
        outcome = scorer.step(given, memory, partition)
        assert isinstance(outcome, Emit)
        records.append(outcome.value.record | {"scored_at": START})
    return records


def test_explain_names_what_added_to_each_score_and_it_adds_up(
    store: EmbeddedStore, hark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = scored("物流太慢了", "又坏了，要求退款", "客服不理人，气死我了", "still no refund, terrible")
    client = fresh(store)
    fill(store, client, {"feedback.scored": records})
    monkeypatch.setenv("HARK_CLICKHOUSE_URL", store.url)
    monkeypatch.setenv("HARK_CLICKHOUSE_DATABASE", str(client.database))
    client.close()
    told = orjson.loads(hark("explain", "x2", "--json"))
    last = records[2]["scores"]
    explained = {one["model"]: one for one in told["explained"]}
    assert set(explained) == {"sentiment", "churn", "purchase", "feature_adoption"}
    for one in explained.values():
        assert one["exact"] and one["scored_with"] == one["explained_with"]
        total = one["base"] + one["rest"] + sum(part["contribution"] for part in one["parts"])
        assert total == pytest.approx(one["log_odds"], abs=1e-9)
        assert one["score"] == pytest.approx(one["score_now"], abs=3e-4)
    churn, chance = explained["churn"], 1 / (1 + math.exp(-explained["churn"]["log_odds"]))
    assert churn["scored_with"] == 3 and chance == pytest.approx(last["churn"], abs=3e-4)
    assert churn["parts"][0]["words"] == "3 negative feedbacks in 7 days"
    polarity = math.tanh(explained["sentiment"]["log_odds"] / 2)
    assert polarity == pytest.approx(last["polarity"], abs=3e-4) and polarity < 0
    rank = told["priority"]
    assert rank["urgency"] * rank["value"] * rank["reach"] == pytest.approx(rank["score"], abs=2e-4)
    page = hark("explain", "x2")
    assert "3 negative feedbacks in 7 days" in page and "churn" in page and "by version 3" in page
    assert "no feedback nothing is in the store" in hark("explain", "nothing", ok=False)
