"""Probabilities can be taken at their word, also where nothing can be known and where labels come late."""

from __future__ import annotations

import itertools
import math
import random
from collections import deque
from typing import Any

import numpy as np
import pytest

from models.churn.calibration import KNOTS, Calibration
from models.churn.propensity import Propensity
from ops.evaluation.churn import calibration_error

FIRST = 300
"""Predictions before these labels are not judged."""


def chance(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))


def learned(n: int, line: tuple[float, float], spread: float, seed: int) -> Calibration:
    """Return a calibration of log-odds whose truth is `offset + slope * z`."""
    calibration, rng = Calibration(), random.Random(seed)
    for _ in range(n):
        z = rng.gauss(-1.4, spread)
        calibration.learn(z, rng.random() < chance(line[0] + line[1] * z))
    return calibration


@pytest.mark.parametrize("spread", [0.1, 0.3, 1.0])
def test_scatter_that_means_nothing_is_taken_back_however_narrow(spread: float) -> None:
    calibration = learned(2000, (-1.4, 0.0), spread, seed=3)
    low, high = (chance(calibration.scaled(-1.4 + side * spread)) for side in (-1, 1))
    assert abs(high - low) < 0.04
    assert low == pytest.approx(chance(-1.4), abs=0.025)


def test_few_labels_are_looked_through_often_and_many_seldom() -> None:
    calibration, rng, told = Calibration(), random.Random(5), []
    for n in range(1, 2001):
        before = calibration.factors
        calibration.learn(rng.gauss(-1.4, 1.0), rng.random() < 0.2)
        if calibration.factors is not before:
            told.append(n)
    assert told[:3] == [25, 50, 75] and told[-2:] == [1900, 2000] and len(told) == 24 + 18 + 5


def test_log_odds_that_are_right_stay_as_they_are() -> None:
    calibration = learned(2000, (0.0, 1.0), 1.5, seed=4)
    for z in (-3.0, -1.0, 1.0):
        assert chance(calibration.scaled(z)) == pytest.approx(chance(z), abs=0.03)


def test_claims_that_are_too_small_grow_once_many_labels_say_so() -> None:
    few, many = learned(300, (1.4, 2.0), 1.0, seed=5), learned(6000, (1.4, 2.0), 1.0, seed=5)
    assert 1.0 <= few.factors[1] < 1.3 < 1.6 < many.factors[1]


def flattened(z: float) -> float:
    """Return a chance that no score brings below .08 or above .92, as where some labels are wrong."""
    return 0.08 + 0.84 * chance(2.5 * z)


def test_shares_that_flatten_out_are_followed_without_turning_the_order() -> None:
    calibration, rng = Calibration(), random.Random(8)
    for _ in range(6000):
        z = rng.gauss(0.0, 2.0)
        calibration.learn(z, rng.random() < flattened(z))
    at = [i / 4 for i in range(-16, 17)]
    told = [calibration.scaled(z) for z in at]
    assert all(low < high for low, high in itertools.pairwise(told))
    offset, slope = calibration.factors[:2]
    bent = [abs(chance(t) - flattened(z)) for z, t in zip(at, told, strict=True)]
    line = [abs(chance(offset + slope * z) - flattened(z)) for z in at]
    assert sum(bent) < 0.5 * sum(line)
    assert max(bent) < 0.06


def test_a_bend_is_not_believed_where_a_line_will_do() -> None:
    bends = [max(map(abs, learned(4000, (0.0, 1.0), 1.5, seed=seed).factors[2:])) for seed in range(6)]
    assert sorted(bends)[3] < 0.05 and max(bends) < 0.4


def test_order_is_never_turned_around() -> None:
    assert learned(3000, (-2.0, -1.0), 1.0, seed=6).factors[1] == 0.0


def test_a_state_of_the_build_before_is_taken_and_a_foreign_one_refused() -> None:
    before = learned(250, (0.0, 1.0), 1.0, seed=7).state()
    z = before["z"]
    assert isinstance(z, np.ndarray)
    restored = Calibration()
    restored.restore({**before, "z": np.column_stack([np.ones(len(z)), z])})
    for i in range(100):
        restored.learn(-1.0, i % 4 == 0)
    after = restored.state()["z"]
    assert isinstance(after, np.ndarray) and after.shape == (350,)
    restored.restore({name: value for name, value in before.items() if name != "bend"})
    assert restored.factors[2:] == [0.0] * KNOTS
    with pytest.raises(ValueError, match="do not fit 250 labels"):
        restored.restore({**before, "z": z[:9]})
    with pytest.raises(ValueError, match=f"not {KNOTS} knots"):
        restored.restore({**before, "bend": np.zeros(3)})


@pytest.mark.parametrize("delay", [0, 400])
@pytest.mark.parametrize("signal", [0.0, 1.0], ids=["noise", "signal"])
def test_probabilities_hold_whether_or_not_there_is_something_to_learn(signal: float, delay: int) -> None:
    rng, model = random.Random(11), Propensity("purchase")
    chances, truths = list[float](), list[float]()
    waiting: deque[tuple[dict[str, Any], bool]] = deque()
    for _ in range(2500):
        numbers = [rng.gauss(0.0, 1.0) for _ in range(10)]
        x: dict[str, Any] = {f"f{i}": number for i, number in enumerate(numbers)}
        truth = chance(-1.4 + signal * (numbers[0] + 0.5 * numbers[1]))
        y = rng.random() < truth
        x["tier"] = rng.choice("abcd")
        chances.append(model.predict_proba_one(x))
        truths.append(truth)
        waiting.append((x, y))
        if len(waiting) > delay:
            model.learn_one(*waiting.popleft())
    begin = FIRST + delay
    assert calibration_error(np.array(truths[begin:]), np.array(chances[begin:])) < 0.025
