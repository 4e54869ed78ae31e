"""A challenger serves only when it has won on the same events, however often one looks."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from models.champion import Champion, Change, Step
from models.churn.propensity import Propensity
from models.drift.watch import Drift
from models.duel import Duel
from models.learner import State
from models.snapshot import Snapshot, decode, encode

DRIFT = Drift("m", "error", at=100.0, since=90.0, before=0.1, after=0.4, events=50)


class Rate:
    """The simplest learner: a fading mean of the labels for each value of the input."""

    def __init__(self) -> None:
        self.means: dict[str, float] = {}
        self.seen: dict[str, int] = {}

    def predict(self, x: str) -> float:
        return self.means.get(x, 0.5)

    def learn(self, x: str, y: float) -> float:
        before = self.predict(x)
        self.seen[x] = self.seen.get(x, 0) + 1
        self.means[x] = before + (y - before) / (self.seen[x] + 1)
        return before

    def state(self) -> State:
        return {"means": dict(self.means), "seen": dict(self.seen)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.means, self.seen = dict(state["means"]), dict(state["seen"])


def rates(**options: Any) -> Champion[Rate, str]:
    return Champion("m", Rate, Rate.learn, **options)


def event(rng: random.Random, shifted: bool) -> tuple[str, bool]:
    x = rng.choice("ab")
    return x, rng.random() < (0.9 if (x == "a") is not shifted else 0.1)


def after_shift(champion: Champion[Rate, str], seed: int = 7, n: int = 600) -> list[Change]:
    """Teach 2,000 events, shift the concept, tell of it after 60 events, go on for `n`."""
    rng = random.Random(seed)
    for _ in range(2000):
        champion.learn(*event(rng, False))
    for _ in range(60):
        champion.learn(*event(rng, True))
    started = champion.drifted(DRIFT)
    assert started is not None
    changes = [started]
    for _ in range(n):
        change = champion.learn(*event(rng, True))
        if change is not None:
            changes.append(change)
    return changes


def test_after_a_shift_the_challenger_is_promoted_and_serves() -> None:
    champion = rates()
    started, promoted = after_shift(champion)
    assert (started.step, promoted.step) == (Step.STARTED, Step.PROMOTED)
    assert promoted.p <= 0.01 and promoted.gain > 0.1 and promoted.events < 200
    assert champion.challenger is None
    assert champion.champion.predict("a") < 0.3 and champion.champion.predict("b") > 0.7


def test_on_approval_it_waits_until_someone_agrees() -> None:
    champion = rates(automatic=False)
    with pytest.raises(ValueError, match="no challenger proven"):
        champion.approve()
    steps = [change.step for change in after_shift(champion)]
    assert steps == [Step.STARTED, Step.AWAITS_APPROVAL]
    assert champion.champion.predict("a") > 0.5
    assert champion.approve().step is Step.PROMOTED
    assert champion.champion.predict("a") < 0.3


def test_rollback_serves_the_previous_champion_again() -> None:
    champion = rates()
    with pytest.raises(ValueError, match="no previous version"):
        champion.rollback()
    after_shift(champion)
    assert champion.rollback().step is Step.ROLLED_BACK
    assert champion.champion.predict("a") > 0.5


def test_false_promotions_stay_below_alpha_however_often_one_looks() -> None:
    """Two equally good models, looked at after each of 2,000 events, 300 times."""
    wrong = 0
    for seed in range(300):
        rng, duel = random.Random(seed), Duel(alpha=0.05)
        for _ in range(2000):
            duel.add(rng.random() ** 2, rng.random() ** 2)
            if duel.better:
                wrong += 1
                break
    assert wrong / 300 <= 0.05


def test_of_models_equally_good_none_is_replaced() -> None:
    """What tells two models apart by chance alone is no ground to promote one, here in 40 worlds."""
    changes: list[Change] = []
    for seed in range(40):
        rng, champion = random.Random(seed), rates()
        champion.drifted(DRIFT)
        for model in (champion.champion, champion.challenger):
            assert model is not None
            model.means = {"a": 0.9 + rng.uniform(-0.02, 0.02), "b": 0.1 + rng.uniform(-0.02, 0.02)}
            model.seen = dict.fromkeys("ab", 10**6)
        changes += [c for c in (champion.learn(*event(rng, False)) for _ in range(500)) if c]
    assert changes == []


def test_a_real_difference_is_found_and_on_the_right_side() -> None:
    rng = random.Random(1)
    better, worse = Duel(), Duel()
    for _ in range(2000):
        low, high = float(rng.random() < 0.10), float(rng.random() < 0.20)
        better.add(champion_loss=high, challenger_loss=low)
        worse.add(champion_loss=low, challenger_loss=high)
    assert (better.better, better.worse) == (True, False)
    assert (worse.better, worse.worse) == (False, True)
    assert better.mean_gain == pytest.approx(0.1, abs=0.03) and better.p < 0.01 < worse.p


def test_a_worse_challenger_is_retired_and_the_champion_stays() -> None:
    rng = random.Random(3)
    champion = rates()
    for _ in range(3000):
        champion.learn(*event(rng, False))
    champion.drifted(DRIFT)
    assert champion.challenger is not None
    champion.challenger.means = {"a": 0.05, "b": 0.95}
    champion.challenger.seen = {"a": 10**6, "b": 10**6}
    changes = [c for c in (champion.learn(*event(rng, False)) for _ in range(500)) if c]
    assert [c.step for c in changes] == [Step.RETIRED]
    assert champion.champion.predict("a") > 0.8


def test_a_challenger_that_proves_nothing_is_retired_in_the_end() -> None:
    rng = random.Random(3)
    champion = rates(patience=300, alpha=1e-9)
    champion.drifted(DRIFT)
    changes = [c for c in (champion.learn(*event(rng, False)) for _ in range(400)) if c]
    assert [(c.step, c.events) for c in changes] == [(Step.RETIRED, 300)]


def test_one_challenger_at_a_time_and_by_hand_retired() -> None:
    champion = rates()
    assert champion.drifted(DRIFT) is not None and champion.drifted(DRIFT) is None
    assert champion.retire().step is Step.RETIRED
    with pytest.raises(ValueError, match="no challenger"):
        champion.retire()


def test_the_challenger_starts_on_the_examples_since_the_change() -> None:
    champion = rates(recent=100)
    for i in range(200):
        champion.learn("ab"[i % 2], True)
    champion.drifted(DRIFT)
    assert champion.challenger is not None
    assert sum(champion.challenger.seen.values()) == DRIFT.events


def test_both_models_learn_every_event_once() -> None:
    champion = rates()
    champion.drifted(DRIFT)
    for _ in range(10):
        champion.learn("a", True)
    assert champion.challenger is not None
    assert champion.champion.seen == champion.challenger.seen == {"a": 10}


def kept(model: Champion[Any, Any]) -> bytes:
    return encode(Snapshot("rates", 1, 0, 0.0, "", model.state()))


def test_restored_in_the_middle_of_a_duel_it_goes_on_as_if_never_stopped() -> None:
    never, often = rates(), rates()
    rng = random.Random(5)
    for i in range(2400):
        x, y = event(rng, i >= 2000)
        assert never.learn(x, y) == often.learn(x, y)
        if i == 2050:
            never.drifted(DRIFT), often.drifted(DRIFT)
        if i % 37 == 0:
            data = kept(often)
            often = rates()
            often.restore(decode(data).state)
    assert kept(never) == kept(often)


def test_examples_of_an_earlier_build_are_taken_as_they_are() -> None:
    model = rates()
    for i in range(9):
        model.learn(*event(random.Random(i), shifted=False))
    state = decode(kept(model)).state
    assert isinstance(state["recent"], np.ndarray)
    earlier = rates()
    earlier.restore({**state, "recent": json.loads(state["recent"].tobytes())})
    assert kept(earlier) == kept(model)


def test_it_carries_a_real_learner_through_a_snapshot() -> None:
    def learn(model: Propensity, x: dict[str, float], y: float) -> float:
        before = model.predict_proba_one(x)
        model.learn_one(x, bool(y))
        return before

    def make() -> Champion[Propensity, dict[str, float]]:
        return Champion("churn", lambda: Propensity("churn", rows=128), learn)

    champion = make()
    for i in range(120):
        champion.learn({"a": float(i % 5)}, i % 5 == 0)
    champion.drifted(DRIFT)
    champion.learn({"a": 1.0}, False)
    again = make()
    again.restore(decode(encode(Snapshot("churn", 1, 0, 0.0, "", champion.state()))).state)
    asked = {"a": 0.0}
    assert again.champion.predict_proba_one(asked) == champion.champion.predict_proba_one(asked)
    assert again.challenger is not None


def test_bad_states_and_losses_are_refused() -> None:
    duel = Duel()
    duel.add(math.nan, 0.1)
    duel.add(math.inf, 0.1)
    assert duel.n == 0 and duel.p == 1.0
    with pytest.raises(ValueError, match="bets"):
        duel.restore({"n": 1, "gain": 0.0, "for": [0.0], "against": [0.0]})
    state = rates().state()
    with pytest.raises(ValueError, match="no champion"):
        rates().restore({**state, "champion": None})


def test_an_earlier_version_serves_again_and_drops_the_challenger() -> None:
    champion = rates()
    champion.learn("a", True)
    earlier = champion.champion.state()
    for _ in range(50):
        champion.learn("a", False)
    champion.drifted(DRIFT)
    assert champion.install(earlier, "version 3 serves again").step is Step.ROLLED_BACK
    assert champion.champion.state() == earlier and champion.challenger is None
    assert champion.rollback().step is Step.ROLLED_BACK
    assert champion.champion.predict("a") < 0.3
