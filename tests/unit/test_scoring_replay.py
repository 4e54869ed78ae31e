"""What an explanation recomputes from the stored log is what the scorer saw."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from models.churn.delayed import DelayedLabels
from models.follow_up import load_policy
from models.near_duplicate import ClusterIndex
from models.outcome import Emit
from models.scoring.customer import CustomerMemory
from models.scoring.model_set import ModelSet
from models.scoring.replay import inputs_at
from models.scoring.scorer import PartitionScoring, Scorer
from models.scoring.targets import PROPENSITIES, targets
from models.topics.analyser import Analyser

TEXTS = ("物流太慢了", "我要退款，客服不理人", "很好用，推荐", "late again, I want a refund", "杯盖裂开了")
DAY = 86_400_000


def log() -> list[dict[str, Any]]:
    rng, found = random.Random(7), []
    for number in range(40):
        at = 1_750_000_000_000 + number * DAY // 3
        if rng.random() < 0.4:
            kind = rng.choice(("purchase", "profile", "login", "ticket_closed"))
            found.append(
                {"event": "customer", "id": f"e{number}", "customer_id": "c", "kind": kind, "amount": 20.0,
                 "tier": "gold", "occurred_at": at, "received_at": at}
            )  # fmt: skip
        else:
            found.append(
                {"event": "feedback", "feedback_id": f"f{number}", "customer_id": "c", "channel": "app",
                 "text": rng.choice(TEXTS), "lang": "zh", "rating": None, "label": None, "kind": None,
                 "product": None, "region": None, "occurred_at": at, "received_at": at}
            )  # fmt: skip
    return found


class Noting(ModelSet):
    """Keeps what the propensities were asked."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, Any]] = []

    def propensities(self, inputs: Mapping[str, Any]) -> dict[str, float]:
        self.seen.append(dict(inputs))
        return super().propensities(inputs)


def test_inputs_from_the_log_are_those_of_the_scorer() -> None:
    models, analyser = Noting(), Analyser()
    seen = models.seen
    scorer = Scorer(models, analyser, learning=False)
    partition = PartitionScoring(ClusterIndex(64), DelayedLabels(targets(30), limit=2, spacing=DAY))
    memory, stored = CustomerMemory(None, 604_800.0), []
    for record in log():
        outcome = scorer.step(record, memory, partition)
        assert isinstance(outcome, Emit)
        stored.append(outcome.value.record)
    said = [record["feedback_id"] for record in stored if record["event"] == "feedback"]
    assert len(said) == len(seen) > 15
    for ident, inputs in zip(said, seen, strict=True):
        again = inputs_at(stored, ident, Analyser())
        assert again is not None and again.keys() == inputs.keys()
        for name, value in inputs.items():
            if isinstance(value, float):
                assert again[name] == pytest.approx(value, abs=2e-4), name
            else:
                assert again[name] == value, name


def test_an_unknown_feedback_has_no_inputs() -> None:
    assert inputs_at([], "nothing", Analyser()) is None


def test_a_score_names_what_moved_it() -> None:
    models = ModelSet()
    scorer = Scorer(models, Analyser(), learning=False)
    partition = PartitionScoring(ClusterIndex(64), DelayedLabels(targets(30), limit=2, spacing=DAY))
    memory, quoted = CustomerMemory(None, 604_800.0), 0
    for record in log():
        outcome = scorer.step(record, memory, partition)
        assert isinstance(outcome, Emit)
        scored = outcome.value.record
        if scored["event"] != "feedback":
            continue
        says = [reason for reason in scored["reasons"] if reason.startswith("says “")]
        assert len(says) == 1
        for reason in says:
            term, pull = reason.removeprefix("says “").removesuffix(")").split("” (")
            assert term in scored["text"] and float(pull) * scored["scores"]["polarity"] >= 0
            quoted += 1
    assert quoted > 3


def test_texts_read_together_say_what_each_says_alone() -> None:
    scorer = Scorer(ModelSet(), Analyser(), learning=False)
    feedbacks = [record for record in log() if record["event"] == "feedback"]
    alone = [scorer.read([record])[0] for record in feedbacks]
    for one, other in zip(alone, scorer.read(feedbacks), strict=True):
        assert one[:-1] == other[:-1] and one.words.words == other.words.words
        assert (one.words.minima == other.words.minima).all()


def test_models_that_met_their_columns_in_another_order_share_a_row() -> None:
    rng, models = random.Random(7), ModelSet()
    purchase, adoption = models.propensity("purchase"), models.propensity("feature_adoption")
    for number in range(200):
        a, b = rng.random(), rng.random()
        x = {"a": a, "b": b, "tier": rng.choice(("gold", "silver"))}
        models.propensity("churn").learn_one(x, a > 0.5)
        purchase.learn_one({"b": b} if number < 5 else x, b > 0.5)
        adoption.learn_one({"c": a} if number < 5 else x, b > 0.5)
    x = {"tier": "gold", "c": 0.3, "b": 0.9, "a": 0.2}
    shared = models.propensities(x)
    assert shared == {name: models.propensity(name).predict_proba_one(x) for name in PROPENSITIES}
    purchase.learn_one({**x, "new": 1.0}, True)
    assert models.propensities(x)["purchase"] == purchase.predict_proba_one(x)


def test_response_targets_are_those_of_the_follow_up_file() -> None:
    """One place says how long an answer may take: what is scored and what is followed up agree."""
    urgent = log()[0] | {"event": "feedback", "feedback_id": "u", "channel": "app", "lang": "zh"}
    urgent |= {"text": "充电宝冒烟了，差点着火", "rating": None, "label": None, "kind": None}
    policy = load_policy(None)
    assert policy.response.of("urgent") == 3_600_000 and policy.response.of("normal") == 4 * 3_600_000
    shorter = policy.response.model_copy(update={"urgent": 1_800_000})
    minutes = []
    for response in (policy.response, shorter):
        scorer = Scorer(ModelSet(), Analyser(), learning=False, response_ms=response.of)
        partition = PartitionScoring(ClusterIndex(64), DelayedLabels(targets(30), limit=2, spacing=DAY))
        found = scorer.step(dict(urgent), CustomerMemory(None, 86_400.0), partition)
        assert isinstance(found, Emit)
        minutes.append(found.value.record["scores"]["response_minutes"])
    assert minutes == [60, 30]
