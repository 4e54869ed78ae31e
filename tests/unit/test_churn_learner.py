"""The propensity learner keeps every promise of the learner contract, and learns."""

from __future__ import annotations

import math
import random
import time
from typing import Any

import numpy as np
import pytest

from models.churn.fitting import fit_window
from models.churn.propensity import Propensity
from models.churn.reason import Reason
from models.churn.table import MAX_COLUMNS, Table
from models.snapshot import Snapshot, decode, encode

Row = dict[str, Any]


def customer(rng: random.Random) -> tuple[Row, bool]:
    """Return a made-up customer whose churn bends, crosses and jumps with the features."""
    tenure, tier = rng.expovariate(0.05), rng.choice(["gold", "silver", "none"])
    negatives, usage = float(rng.randrange(5)), rng.gauss(0, 1)
    x: Row = {"tenure": tenure, "tier": tier, "negatives": negatives, "usage": usage, "noise": rng.random()}
    if rng.random() < 0.1:
        del x["usage"]
        usage = 0.0
    logit = -1.5 + 0.6 * negatives - 0.05 * tenure + (1.5 if tier == "none" and usage < 0 else -0.5)
    return x, rng.random() < 1 / (1 + math.exp(-2.0 * logit))


def stream(n: int, seed: int = 7) -> list[tuple[Row, bool]]:
    rng = random.Random(seed)
    return [customer(rng) for _ in range(n)]


def taught(n: int, seed: int = 7, **options: Any) -> Propensity:
    model = Propensity("churn", **options)
    for x, y in stream(n, seed):
        model.learn_one(x, y)
    return model


@pytest.fixture(scope="module")
def model() -> Propensity:
    return taught(1500)


def area(scores: list[float], labels: list[bool]) -> float:
    positive = [s for s, y in zip(scores, labels, strict=True) if y]
    negative = [s for s, y in zip(scores, labels, strict=True) if not y]
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


def test_it_learns_bends_and_crosses(model: Propensity) -> None:
    fresh = stream(600, seed=99)
    scores = [model.predict_proba_one(x) for x, _ in fresh]
    assert area(scores, [y for _, y in fresh]) > 0.80
    share = sum(y for _, y in fresh) / len(fresh)
    assert sum(scores) / len(scores) == pytest.approx(share, abs=0.06)


def test_before_any_label_it_says_an_outcome_is_rarer_than_silence() -> None:
    assert Propensity("churn").predict_proba_one({"a": 1.0}) == pytest.approx(0.25)


def test_predicting_and_explaining_change_nothing(model: Propensity) -> None:
    before = encode(Snapshot("m", 1, 0, 0.0, "", model.state()))
    for x, _ in stream(50, seed=5):
        model.predict_proba_one({**x, "never seen": "word", "tier": "unheard of"})
        model.explain(x, 3)
    assert encode(Snapshot("m", 1, 0, 0.0, "", model.state())) == before


@pytest.mark.parametrize("cut", [0, 10, 40, 333, 700])
def test_killed_and_restarted_anywhere_it_ends_bit_identical(cut: int) -> None:
    events = stream(800)
    never, often = Propensity("churn", rows=512), Propensity("churn", rows=512)
    for i, (x, y) in enumerate(events):
        never.learn_one(x, y)
        often.learn_one(x, y)
        if i == cut:
            data = encode(Snapshot("churn", 1, i, 0.0, often.config_hash, often.state()))
            often = Propensity("churn", rows=512)
            often.restore(decode(data, config_hash=often.config_hash).state)
        if i % 50 == 0:
            assert never.predict_proba_one(x) == often.predict_proba_one(x)
    left = encode(Snapshot("churn", 1, 0, 0.0, "", never.state()))
    assert left == encode(Snapshot("churn", 1, 0, 0.0, "", often.state()))


def test_a_state_of_another_configuration_is_refused_and_changes_nothing() -> None:
    model = taught(60)
    x = {"tenure": 3.0}
    before = model.predict_proba_one(x)
    with pytest.raises(ValueError, match="'purchase'"):
        model.restore(Propensity("purchase").state())
    broken = taught(60).state()
    fitted = broken["fitted"]
    assert isinstance(fitted, dict)
    del fitted["weights"]
    with pytest.raises(ValueError, match="weights"):
        model.restore(broken)
    assert model.predict_proba_one(x) == before


def test_order_of_features_is_irrelevant() -> None:
    forward, backward = Propensity("churn"), Propensity("churn")
    for x, y in stream(200):
        forward.learn_one(x, y)
        backward.learn_one(dict(reversed(x.items())), y)
    assert encode(Snapshot("m", 1, 0, 0.0, "", forward.state())) == encode(
        Snapshot("m", 1, 0, 0.0, "", backward.state())
    )
    x = stream(1, seed=3)[0][0]
    assert forward.predict_proba_one(x) == forward.predict_proba_one(dict(reversed(x.items())))


HOSTILE: list[Row] = [
    {},
    {"tenure": math.nan, "tier": None, "negatives": math.inf, "usage": -math.inf},
    {"tenure": 1e308, "tier": "", "negatives": -1e308},
    {"tenure": 10**400, "tier": 5.0, "negatives": "three"},
    {"tenure": "", "tier": "\ud800", "negatives": True, "usage": [1], "noise": {"a": 1}},
    {"tenure": np.float32(3.5), "usage": np.int64(4), "tier": "x" * 100_000},
    {f"new{i}": float(i) for i in range(50)},
]


def test_hostile_input_never_gives_or_teaches_a_nan() -> None:
    model = Propensity("churn")
    events = stream(300)
    for i, (x, y) in enumerate(events):
        model.learn_one(x, y)
        bad = HOSTILE[i % len(HOSTILE)]
        assert 0.0 < model.predict_proba_one(bad) < 1.0
        model.learn_one(bad, i % 2 == 0)
        assert all(math.isfinite(reason.contribution) for reason in model.explain(bad, 5))
    assert 0.0 < model.predict_proba_one(events[0][0]) < 1.0


def test_memory_is_bounded_in_rows_columns_and_words() -> None:
    model = Propensity("churn", rows=256)
    for i in range(1500):
        model.learn_one({f"c{i % 400}": 1.0, "id": f"customer {i}", "a": float(i % 7)}, i % 3 == 0)
    assert len(encode(Snapshot("m", 1, 0, 0.0, "", model.state()))) < 1_000_000
    table = Table(rows=64)
    for i in range(1000):
        table.add(table.meet({f"c{i}": float(i)}), False)
    assert len(table.names) == MAX_COLUMNS and len(table.window()[0]) <= 64


def test_contributions_and_baseline_add_up_to_the_score(model: Propensity) -> None:
    for x, _ in stream(40, seed=8):
        p = model.predict_proba_one(x)
        total = model.baseline(x) + sum(reason.contribution for reason in model.explain(x, 100))
        assert total == pytest.approx(math.log(p / (1 - p)), abs=1e-5)


def test_the_first_reason_is_the_feature_that_matters(model: Propensity) -> None:
    x = {"tenure": 20.0, "tier": "silver", "negatives": 4.0, "usage": 1.0, "noise": 0.5}
    (reason,) = model.explain(x, 1)
    assert reason.feature == "negatives" and reason.contribution > 0
    assert Propensity("churn").explain(x, 3) == []


def test_a_word_and_a_number_of_one_feature_are_told_apart() -> None:
    table = Table()
    table.add(table.meet({"f": 3.0}), True)
    table.add(table.meet({"f": "three"}), True)
    assert table.names == ["f#n", "f#s"]
    assert np.isnan(table.row({"f": "three"})).tolist() == [True, False]


def test_the_window_keeps_the_newest_rows() -> None:
    table = Table(rows=64)
    for i in range(200):
        x = {"i": float(i)} if i < 150 else {"i": float(i), "late": 1.0}
        table.add(table.meet(x), i % 2 == 0)
    rows, labels = table.window()
    assert sorted(rows[:, 0].tolist()) == [float(i) for i in range(136, 200)]
    assert int(np.isnan(rows[:, 1]).sum()) == 14
    assert labels.sum() == 32


def test_a_shift_is_forgotten_with_the_window() -> None:
    model = Propensity("churn", rows=256)
    for i in range(600):
        model.learn_one({"a": float(i % 2)}, i % 2 == 0)
    for i in range(1200):
        model.learn_one({"a": float(i % 2)}, i % 2 == 1)
    assert model.predict_proba_one({"a": 1.0}) > 0.7 > 0.3 > model.predict_proba_one({"a": 0.0})


def test_columns_without_any_value_or_spread_do_no_harm() -> None:
    rows = np.full((60, 3), np.nan, np.float32)
    rows[:, 1] = 5.0
    rows[:, 2] = np.arange(60) % 2
    y = (np.arange(60) % 2).astype(np.float64)
    fitted = fit_window(rows, y, np.array([False, False, True]), 1)
    assert np.isfinite(fitted.logits(rows[0])).all() and np.isfinite(fitted.logits(rows[0][:1])).all()
    assert fitted.logits(rows[1])[0] > fitted.logits(rows[0])[0]


def test_cost_is_reported(model: Propensity, capsys: pytest.CaptureFixture[str]) -> None:
    events = stream(300, seed=4)
    begun = time.process_time()
    for x, _ in events:
        model.predict_proba_one(x)
    cost = (time.process_time() - begun) / len(events) * 1e6
    with capsys.disabled():
        print(f"propensity predict: {cost:.0f} µs")
    assert cost < 1000


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason("negatives_7d", 1.0, 0.1), "1 negative feedback in 7 days"),
        (Reason("usage_trend", -1.0, 0.1), "usage falling, 0.5 times its usual rate"),
        (Reason("usage_trend", 0.0, 0.1), "usage steady"),
        (Reason("topic:refund", 0.8, 0.1), "mentions refund"),
        (Reason("monthly_charges", 70.35, 0.1), "monthly charges is 70.35"),
        (Reason("tier", None, 0.1), "tier unknown"),
        (Reason("negative_share", 0.5, 0.1), "50% of recent feedback negative"),
    ],
)
def test_reasons_are_words(reason: Reason, words: str) -> None:
    assert reason.words == words


def test_strongest_is_the_top_of_what_raises_the_score() -> None:
    model, rng = Propensity("churn"), random.Random(5)
    for _ in range(500):
        upset = float(rng.randrange(6))
        row = {"negatives": upset, "logins": rng.random() * 9, "tier": rng.choice("abc")}
        model.learn_one(row, rng.random() < 0.1 + 0.12 * upset)
    for negatives in (5.0, 0.0):
        x = {"negatives": negatives, "logins": 4.0, "tier": "a"}
        raising = [reason for reason in model.explain(x, 9) if reason.contribution > 0]
        found = model.strongest(x, model.row(x))
        assert (found is None) == (not raising)
        if found is not None:
            assert found.feature == raising[0].feature
            assert found.contribution == pytest.approx(raising[0].contribution)
    assert Propensity("churn").strongest({}, Propensity("churn").row({})) is None


def test_a_rare_value_that_says_much_in_three_columns_does_not_blow_the_weights_up() -> None:
    """As "999 = never called" does: an undamped Newton step overshoots, the next one more, without end."""
    rng = np.random.default_rng(7)
    told = rng.random(6000) < 0.08
    days = np.where(told, rng.integers(0, 30, 6000), 999)
    before = np.where(told, rng.integers(1, 9, 6000), 0)
    rate = np.where(told, rng.choice([-3.0, -2.0, -1.0], 6000), rng.choice([0.0, 1.0, 2.0], 6000))
    y = (rng.random(6000) < np.where(told, 0.5, 0.02)).astype(float)
    rows = np.column_stack([days, before, rate, rng.normal(size=6000)]).astype(np.float32)
    fitted = fit_window(rows, y, np.zeros(4, bool), 7)
    linear = np.array([fitted.logits(row)[0] for row in rows[:1000]])
    assert np.abs(fitted.weights).max() < 8.0
    assert abs(1 / (1 + np.exp(-linear[told[:1000]])) - 0.5).mean() < 0.2
