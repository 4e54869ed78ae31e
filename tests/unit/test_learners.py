"""One suite over every learner: pure predict, bounded memory, exact snapshots, no NaN, speed reported.

A new learner joins by one entry in LEARNERS.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from models.churn.propensity import Propensity
from models.sentiment import Sentiment
from models.snapshot import Snapshot, decode, encode
from models.topics.classifier import TopicClassifier

WORDS = ("好用", "卡顿", "退款", "客服", "物流", "垃圾", "good", "slow", "refund", "crash", "love", "not")
HOSTILE_TEXTS = (
    "",
    " \u200b\ufeff",
    "\ud800 lone surrogate \udfff",
    "a" * 20_000,
    "好" * 20_000,
    "\x00\x01\x02",
    "🤬" * 3_000,
    "ً" * 500,
    "\U000e0041\U0010ffff",
    "' OR 1=1 --",
)
HOSTILE_ROWS: tuple[dict[str, Any], ...] = (
    {},
    {"logins": math.nan, "spend": math.inf, "tier": None},
    {"logins": -1e308, "tier": ""},
    {"logins": "text", "tier": 3.5, "new": "value"},
    {f"f{i}": float(i) for i in range(200)},
)


@dataclass(frozen=True)
class Case:
    """How the suite drives one learner: deterministic inputs by number, outputs as floats."""

    make: Callable[[], Any]
    learn: Callable[[Any, int], None]
    predict: Callable[[Any, int], list[float]]
    hostile: int
    learn_hostile: Callable[[Any, int], None]
    predict_hostile: Callable[[Any, int], list[float]]
    reordered: Callable[[Any, int], list[float]]
    budget_us: float
    most_bytes: int


def text(i: int) -> str:
    rng = np.random.default_rng(i)
    return " ".join(rng.choice(WORDS, 6))


def row(i: int) -> dict[str, Any]:
    rng = np.random.default_rng(i)
    return {"logins": float(rng.integers(10)), "tier": "abc"[rng.integers(3)], "spend": float(rng.normal())}


def topic_scores(model: Any, words: str) -> list[float]:
    return [probability for _, probability in sorted(model.predict(words, "zh"))]


def lang(i: int) -> str:
    return ("zh", "en", "fr", "")[i % 4]


LEARNERS = {
    "sentiment": Case(
        make=lambda: Sentiment(bits=16),
        learn=lambda m, i: m.learn_one(text(i), lang(i), i % 3 > 0, 0.5 + (i % 2)),
        predict=lambda m, i: list(m.predict(text(i), lang(i))),
        hostile=len(HOSTILE_TEXTS),
        learn_hostile=lambda m, i: m.learn_one(HOSTILE_TEXTS[i], lang(i), 0.5),
        predict_hostile=lambda m, i: list(m.predict(HOSTILE_TEXTS[i], lang(i))),
        reordered=lambda m, i: list(m.predict_many([(text(i + 1), ""), (text(i), lang(i))])[1]),
        budget_us=2_000.0,
        most_bytes=2_000_000,
    ),
    "propensity": Case(
        make=lambda: Propensity("churn", rows=512),
        learn=lambda m, i: m.learn_one(row(i), row(i)["logins"] < 3),
        predict=lambda m, i: [m.predict_proba_one(row(i))],
        hostile=len(HOSTILE_ROWS),
        learn_hostile=lambda m, i: m.learn_one(HOSTILE_ROWS[i], bool(i % 2)),
        predict_hostile=lambda m, i: [m.predict_proba_one(HOSTILE_ROWS[i])],
        reordered=lambda m, i: [m.predict_proba_one(dict(reversed(row(i).items())))],
        budget_us=20_000.0,
        most_bytes=2_000_000,
    ),
    "topics": Case(
        make=lambda: TopicClassifier(bits=12, memory=128),
        learn=lambda m, i: m.learn_one(text(i), "zh", f"topic.{i % 3}"),
        predict=lambda m, i: topic_scores(m, text(i)),
        hostile=len(HOSTILE_TEXTS),
        learn_hostile=lambda m, i: m.learn_one(HOSTILE_TEXTS[i], "en", "topic.1"),
        predict_hostile=lambda m, i: topic_scores(m, HOSTILE_TEXTS[i]),
        reordered=lambda m, i: topic_scores(m, text(i)),
        budget_us=20_000.0,
        most_bytes=4_000_000,
    ),
}

each = pytest.mark.parametrize("case", LEARNERS.values(), ids=LEARNERS.keys())


def trained(case: Case, events: int) -> Any:
    model = case.make()
    for i in range(events):
        case.learn(model, i)
    return model


def container(model: Any) -> bytes:
    return encode(Snapshot(model.name, 1, 0, 0.0, "", model.state()))


def reborn(case: Case, data: bytes) -> Any:
    fresh = case.make()
    fresh.restore(decode(data).state)
    return fresh


@each
def test_predict_changes_nothing(case: Case) -> None:
    model = trained(case, 60)
    before = container(model)
    first = [case.predict(model, i) for i in range(20)]
    assert [case.predict(model, i) for i in range(20)] == first
    assert container(model) == before


@each
def test_snapshot_continues_bit_for_bit(case: Case) -> None:
    whole = trained(case, 150)
    resumed = reborn(case, container(trained(case, 90)))
    for i in range(90, 150):
        case.learn(resumed, i)
    assert [case.predict(resumed, i) for i in range(40)] == [case.predict(whole, i) for i in range(40)]


@each
def test_untrained_snapshot_restores(case: Case) -> None:
    fresh = case.make()
    assert case.predict(reborn(case, container(case.make())), 3) == case.predict(fresh, 3)


@each
def test_learning_changes_predictions(case: Case) -> None:
    assert case.predict(trained(case, 60), 1) != case.predict(case.make(), 1)


@each
def test_hostile_input_gives_finite_numbers(case: Case) -> None:
    model = trained(case, 40)
    for i in range(case.hostile):
        assert all(math.isfinite(value) for value in case.predict_hostile(model, i))
        case.learn_hostile(model, i)
    for i in range(case.hostile):
        assert all(math.isfinite(value) for value in case.predict_hostile(model, i))
    assert all(math.isfinite(value) for value in case.predict(model, 0))


@each
def test_order_of_inputs_is_irrelevant(case: Case) -> None:
    model = trained(case, 60)
    for i in range(10):
        assert case.reordered(model, i) == case.predict(model, i)


@each
def test_memory_is_bounded(case: Case) -> None:
    model = trained(case, 600)
    assert len(container(model)) < case.most_bytes


@each
def test_speed_is_reported(case: Case, record_property: Callable[[str, object], None]) -> None:
    model = trained(case, 60)
    started = time.process_time()
    for i in range(60, 160):
        case.predict(model, i)
        case.learn(model, i)
    spent = (time.process_time() - started) / 100 * 1e6
    record_property("us_per_event", round(spent, 1))
    assert spent < case.budget_us


@each
def test_foreign_state_is_refused_and_the_old_one_kept(case: Case) -> None:
    model = trained(case, 30)
    before = case.predict(model, 2)
    with pytest.raises((ValueError, KeyError)):
        model.restore({"version": -1, "format": -1})
    assert case.predict(model, 2) == before
