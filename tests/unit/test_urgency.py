"""Urgency levels and reasons; priority and value index with their parts."""

import json
import math
from pathlib import Path

import pytest

from models.topics import RESPONSE_HOURS, Analyser
from models.topics.priority import PriorityWeights, priority
from models.value_index import ValueWeights, value_index
from ops.commands.explain import priority_parts
from streams.settings import Settings
from streams.weights import priority_weights, value_weights

SCORED = Path(__file__).parent.parent / "golden" / "feedback.scored.json"


@pytest.fixture(scope="module")
def analyser():
    return Analyser()


@pytest.mark.parametrize(
    ("text", "polarity", "level", "reason"),
    [
        ("充电宝冒烟了，差点着火", -0.9, "urgent", "mentions danger to health or property"),
        ("我的账号被盗了", -0.8, "urgent", "reports a breach of account or data"),
        ("再不处理就投诉12315", -0.8, "urgent", "threatens legal or public steps"),
        ("今天必须处理，很急", -0.5, "urgent", "says it cannot wait"),
        ("Charged twice, still no refund, will uninstall", -0.8, "urgent", "money is at stake"),
        ("my lawyer will call you", -0.7, "urgent", "threatens legal or public steps"),
        ("退款一直没到", -0.4, "normal", "money is at stake"),
        ("太差劲了", -0.8, "normal", "strong dissatisfaction"),
        ("请问怎么开发票", 0.0, "normal", "waits for an answer"),
    ],
)
def test_level_and_reason(analyser, text, polarity, level, reason):
    found = analyser.analyse(text, "", polarity, None)
    assert found.urgency == level
    assert reason in found.reasons


@pytest.mark.parametrize(
    ("text", "polarity"),
    [("not urgent, take your time", 0.2), ("不着急", 0.1), ("很好用，五星好评", 0.9), ("无烟煤很好用", 0.8)],
)
def test_low_needs_no_reason(analyser, text, polarity):
    found = analyser.analyse(text, "", polarity, None)
    assert (found.urgency, found.reasons) == ("low", [])


def test_praise_with_a_dangerous_word_is_no_emergency(analyser):
    assert analyser.analyse("The police show is awesome, love it", "en", 0.9, 5.0).urgency != "urgent"


def test_response_targets():
    assert (RESPONSE_HOURS["urgent"], RESPONSE_HOURS["normal"]) == (1.0, 4.0)


def test_priority_is_the_product_of_its_parts_and_grows_with_each():
    weights = PriorityWeights()
    low = priority("low", 0.2, 2, weights)
    assert low.score == pytest.approx(100 * low.urgency * low.value * low.reach, abs=0.01)
    assert priority("urgent", 0.2, 2, weights).score > low.score
    assert priority("low", 0.8, 2, weights).score > low.score
    assert priority("low", 0.2, 20, weights).score > low.score
    assert priority("urgent", 5.0, 10**9, weights).score == 100.0
    assert priority("urgent", math.nan, 0, weights).score > 0


def test_a_weight_of_zero_leaves_a_factor_out():
    weights = PriorityWeights(value=0.0, reach=0.0)
    assert priority("normal", 0.0, 1, weights) == priority("normal", 1.0, 100, weights)
    with pytest.raises(ValueError, match="priority weights"):
        PriorityWeights(floor=0.0)


def test_value_index_of_the_worked_example():
    assert value_index(82, 35, 200, ValueWeights(0.35, 0.4, 0.2)).value == 82.7
    with pytest.raises(ValueError, match="finite"):
        value_index(math.inf, 0, 0, ValueWeights())
    with pytest.raises(ValueError, match="weights"):
        ValueWeights(alpha=-1)
    assert value_weights(Settings()) == ValueWeights(0.35, 0.4, 0.2)
    assert value_weights(Settings(value_lifetime=0.5)).gamma == 0.5


def test_explain_shows_the_parts_of_each_priority_under_the_weights_of_the_settings(monkeypatch):
    golden = json.loads(SCORED.read_text("utf-8")).values()
    records = [entry for entry in golden if entry.get("event") == "feedback"]
    for record in records:
        parts = priority_parts(Settings(), record)
        assert parts["urgency"] * parts["value"] * parts["reach"] == pytest.approx(parts["score"], abs=2e-4)
        assert parts["score"] == pytest.approx(record["scores"]["priority"], abs=2e-4)
    monkeypatch.setenv("HARK_PRIORITY_VALUE", "0")
    monkeypatch.setenv("HARK_PRIORITY_REACH", "1")
    monkeypatch.setenv("HARK_PRIORITY_REACH_FULL", "2")
    monkeypatch.setenv("HARK_PRIORITY_NORMAL", "0.7")
    monkeypatch.setenv("HARK_PRIORITY_LOW", "0.6")
    monkeypatch.setenv("HARK_PRIORITY_FLOOR", "0.3")
    wide = priority_parts(Settings(), records[0] | {"cluster_size": 2})
    assert len(records) > 5
    assert (wide["value"], wide["reach"], wide["score"]) == (1.0, 1.0, wide["urgency"])
    shares = priority_weights(Settings()).urgency
    assert (shares["urgent"], shares["normal"], shares["low"]) == (1.0, 0.7, 0.6)
    alone = {"cluster_size": 1, "customer": {"lifetime_value": 0.0}, "scores": {"urgency": "normal"}}
    monkeypatch.setenv("HARK_PRIORITY_VALUE", "1")
    assert priority_parts(Settings(), alone)["value"] == 0.3
