"""One suite over every learner: pure predict, bounded memory, exact snapshots, no NaN, speed reported.

The learners are found, not listed: every class of `models` with a state it gives away and takes back has a
case in `learner_cases`, or the suite fails.
"""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from learner_case import Case
from learner_cases import LEARNERS

import models
from models.learner import State
from models.snapshot import Snapshot, decode, encode

FLOOD = 600
each = pytest.mark.parametrize("case", LEARNERS.values(), ids=[learner.__name__ for learner in LEARNERS])
of_features = pytest.mark.parametrize(
    "case",
    [case for case in LEARNERS.values() if case.reordered is not None],
    ids=[learner.__name__ for learner, case in LEARNERS.items() if case.reordered is not None],
)


def learners() -> Iterator[type]:
    """Yield every class of `models` that gives its state away and takes it back."""
    for module in pkgutil.walk_packages(models.__path__, "models."):
        found = importlib.import_module(module.name)
        for _, member in inspect.getmembers(found, inspect.isclass):
            stateful = callable(getattr(member, "state", None)) and callable(getattr(member, "restore", None))
            if member.__module__ == module.name and stateful and not getattr(member, "_is_protocol", False):
                yield member


def trained(case: Case, events: int) -> Any:
    model = case.make()
    for i in range(events):
        case.learn(model, i)
    return model


def packed(state: State) -> bytes:
    return encode(Snapshot("learner", 1, 0, 0.0, "", state))


def container(model: Any) -> bytes:
    return packed(model.state())


def reborn(case: Case, data: bytes) -> Any:
    fresh = case.make()
    case.restore(fresh, decode(data).state)
    return fresh


def test_every_learner_has_a_case() -> None:
    assert set(learners()) == set(LEARNERS)


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
    assert container(resumed) == container(whole)


@each
def test_state_given_away_is_a_copy(case: Case) -> None:
    """A snapshot is packed in one thread while the learner goes on in another."""
    model, learn = trained(case, 60), case.flood or case.learn
    state = model.state()
    given = packed(state)
    for i in range(60, FLOOD):
        case.learn(model, i)
        learn(model, i)
    assert packed(state) == given


@each
def test_state_taken_back_is_a_copy(case: Case) -> None:
    """Scorers and trainers of one process begin from the same snapshot."""
    state = decode(container(trained(case, 60))).state
    given, learn, fresh = packed(state), case.flood or case.learn, case.make()
    case.restore(fresh, state)
    for i in range(60, FLOOD):
        case.learn(fresh, i)
        learn(fresh, i)
    assert packed(state) == given


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
    assert case.predict(reborn(case, container(model)), 0) == case.predict(model, 0)


@of_features
def test_order_of_inputs_is_irrelevant(case: Case) -> None:
    model = trained(case, 60)
    assert case.reordered is not None
    for i in range(10):
        assert case.reordered(model, i) == case.predict(model, i)


@each
def test_memory_is_bounded_however_new_the_input(case: Case) -> None:
    model, learn = trained(case, 60), case.flood or case.learn
    for i in range(60, FLOOD):
        learn(model, i)
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
        case.restore(model, {"version": -1, "format": -1})
    assert case.predict(model, 2) == before
