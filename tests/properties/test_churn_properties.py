"""Whatever the values: snapshots are exact, probabilities finite, labels unique."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn.delayed import DAY, DelayedLabels
from models.churn.features import CustomerFeatures
from models.churn.propensity import Propensity
from models.churn.target import Target, Targets
from models.snapshot import Snapshot, decode, encode
from models.snapshot_parts import Assembler, part_key, split

# The container keeps "$array" for itself and refuses it.
KEY = st.text(max_size=6).filter(lambda key: key != "$array")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=12,
)
VALUE = st.none() | st.floats() | st.text(max_size=5) | st.integers() | st.booleans()
ROW = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), VALUE, max_size=4)


@settings(deadline=None, max_examples=60)
@given(
    state=st.dictionaries(KEY, JSON, max_size=5),
    floats=st.lists(st.floats(width=32), max_size=20),
)
def test_any_state_comes_back_exactly(state: dict[str, Any], floats: list[float]) -> None:
    array = np.array(floats, np.float32)
    data = encode(Snapshot("m", 1, 0, 0.0, "", {**state, "array!": array}))
    got = decode(data).state
    restored = got.pop("array!")
    assert got == {key: value for key, value in state.items() if key != "array!"}
    assert isinstance(restored, np.ndarray) and restored.tobytes() == array.tobytes()


@settings(deadline=None, max_examples=40)
@given(order=st.permutations(range(8)), size=st.integers(100, 2000))
def test_parts_come_together_in_any_order(order: list[int], size: int) -> None:
    noise = np.random.default_rng(1).normal(size=100)
    data = encode(Snapshot("m", 1, 0, 0.0, "", {"noise": noise}))
    parts = split(data, size)
    assembler = Assembler()
    places = sorted(range(len(parts)), key=lambda i: order[i % 8])
    found = [assembler.add(part_key("m", "A", i), parts[i]) for i in places]
    assert [data] == [one for one in found if one is not None]


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(st.tuples(ROW, st.booleans()), min_size=40, max_size=80), probe=ROW)
def test_no_row_gives_or_teaches_anything_but_a_probability(
    rows: list[tuple[dict[str, Any], bool]], probe: dict[str, Any]
) -> None:
    model = Propensity("t", rows=64)
    for x, y in rows:
        model.learn_one(x, y)
        assert 0.0 < model.predict_proba_one(x) < 1.0
    p = model.predict_proba_one(probe)
    assert 0.0 < p < 1.0
    again = Propensity("t", rows=64)
    again.restore(model.state())
    assert again.predict_proba_one(probe) == p
    total = model.baseline(probe) + sum(reason.contribution for reason in model.explain(probe, 99))
    assert abs(total - np.log(p / (1 - p))) < 1e-4


EVENT = st.tuples(
    st.sampled_from(["login", "purchase", "feedback", "ticket_opened", "action", "odd"]),
    st.floats(0, 100 * DAY),
    st.floats(),
)


@settings(deadline=None, max_examples=60)
@given(events=st.lists(EVENT, max_size=30), at=st.floats(0, 200 * DAY))
def test_features_are_always_finite(events: list[tuple[str, float, float]], at: float) -> None:
    customer = CustomerFeatures()
    for kind, when, number in events:
        customer.update(kind, when, money=number, amount=number, polarity=number, topics=["price"])
    for value in customer.vector(at).values():
        assert value is None or isinstance(value, str) or np.isfinite(value)


STEP = st.tuples(st.sampled_from(["score", "outcome", "advance"]), st.integers(0, 3), st.floats(0, 60 * DAY))


@settings(deadline=None, max_examples=80)
@given(steps=st.lists(STEP, max_size=60))
def test_every_kept_score_gets_exactly_one_label(steps: list[tuple[str, int, float]]) -> None:
    waiting = DelayedLabels(Targets([Target("churn", frozenset({"left"}), 10.0)]), spacing=0.0)
    kept: list[tuple[str, float]] = []
    found: list[tuple[str, float]] = []
    for act, who, at in steps:
        customer = f"c{who}"
        if act == "score":
            if waiting.scored(customer, "churn", at, {}):
                kept.append((customer, at))
        elif act == "outcome":
            waiting.outcome(customer, "left", at)
        else:
            found += [(item.customer, item.scored_at) for item in waiting.advance(at)]
    found += [(item.customer, item.scored_at) for item in waiting.advance(1e12)]
    assert sorted(found) == sorted(kept) and len(waiting) == 0
