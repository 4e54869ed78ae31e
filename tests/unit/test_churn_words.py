"""Columns of many words: shops, towns, tariffs, each with its own share."""

from __future__ import annotations

import numpy as np
import pytest

from models.churn.bins import BINS, fit_bins
from models.churn.propensity import Propensity
from models.learner import Array
from models.snapshot import Snapshot, decode, encode
from ops.evaluation.boosting import out_of_fold
from ops.evaluation.churn import auc, prequential
from ops.evaluation.dressed import Row


def shops(rows: int, levels: int, seed: int = 7) -> tuple[list[Row], list[bool], Array]:
    """Return rows of a shop and a number that tells nothing, labels by the shop, and each row's log-odds."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(-0.5, 2.0, levels)
    shop = rng.integers(0, levels, rows)
    label = rng.random(rows) < 1.0 / (1.0 + np.exp(-effect[shop]))
    given: list[Row] = [
        {"shop": f"shop{s}", "noise": float(v)} for s, v in zip(shop, rng.random(rows), strict=True)
    ]
    return given, label.tolist(), effect[shop]


@pytest.mark.parametrize(("levels", "share"), [(50, 0.96), (200, 0.9)])
def test_each_of_many_words_tells_what_it_tells(levels: int, share: float) -> None:
    """Within `share` of what the effects themselves would reach."""
    rows, labels, truth = shops(8000, levels)
    told, _ = prequential(Propensity("t"), rows, labels)
    y = np.array(labels, float)[4000:]
    assert auc(y, told[4000:]) - 0.5 > share * (auc(y, truth[4000:]) - 0.5)


def test_words_beyond_the_codes_of_a_byte_share_one() -> None:
    rng = np.random.default_rng(7)
    x = np.column_stack([rng.integers(0, 300, 6000), rng.random(6000)]).astype(np.float32)
    bins = fit_bins(x, (x[:, 0] % 2).astype(np.float64), np.array([True, False]))
    assert bins.keys.shape == bins.codes.shape == (2, 253)
    assert np.isfinite(bins.keys[0]).all() and len(set(bins.codes[0].tolist())) == 253
    assert np.isinf(bins.keys[1, BINS - 2 :]).all()


def test_a_learner_of_many_words_is_restored_bit_identical() -> None:
    rows, labels, _ = shops(3000, 150)
    whole, before = Propensity("t"), Propensity("t")
    for row, label in zip(rows[:2000], labels[:2000], strict=True):
        whole.learn_one(row, label)
        before.learn_one(row, label)
    cut = Propensity("t")
    cut.restore(decode(encode(Snapshot("t", 1, 0, 0.0, "", before.state()))).state)
    for row, label in zip(rows[2000:], labels[2000:], strict=True):
        assert cut.predict_learn(row, label) == whole.predict_learn(row, label)


def test_the_batch_opponent_takes_a_column_without_any_value() -> None:
    rows: list[Row] = [{"a": float(i % 9), "empty": None} for i in range(200)]
    assert (
        auc(
            np.array([i % 9 > 5 for i in range(200)], float),
            out_of_fold(rows, np.array([i % 9 > 5 for i in range(200)], float)),
        )
        == 1.0
    )
