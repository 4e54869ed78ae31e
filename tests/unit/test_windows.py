"""Windows: event time, late events, replays, bounds."""

from __future__ import annotations

from typing import Any

import pytest
from rules_records import DAY, HOUR, T0, fact, feedback, rule
from rules_world import World

from rules.loader import Catalog
from rules.state import MAX_ENTRIES
from rules.windows import LATENESS, keys_of


class Bench(World):
    """One customer before one rule."""

    def __init__(self, condition: str, **windows: dict[str, Any]) -> None:
        self.rule = rule(condition=condition, windows=windows, cooldown="1ms")
        super().__init__(self.rule)

    def fires(self, record: dict[str, Any]) -> bool:
        return bool(self.decide(record))

    def entries(self, name: str) -> list[list[Any]]:
        return self.states["c1"].windows.get(keys_of(self.rule)[name], [])


NEGATIVES = {"kind": "count", "where": "scores.polarity < 0.0", "within": "7d"}


def test_counts_only_what_matches_and_only_this_customer() -> None:
    bench = Bench("windows.n >= 2", n=NEGATIVES)
    assert not bench.fires(feedback(0, "a"))
    assert not bench.fires(feedback(1, "b", scores={"polarity": 0.4}))
    assert not bench.fires(feedback(2, "c", who="c2"))
    assert bench.fires(feedback(3, "d"))


def test_a_replay_counts_nothing_twice() -> None:
    bench = Bench("windows.n >= 3", n=NEGATIVES)
    for _ in range(5):
        assert not bench.fires(feedback(0, "a"))
    assert not bench.fires(feedback(HOUR, "b"))
    assert not bench.fires(feedback(HOUR, "b"))
    assert bench.fires(feedback(2 * HOUR, "c"))


def test_the_same_event_with_another_append_time_is_the_same() -> None:
    bench = Bench("windows.n >= 2", n=NEGATIVES)
    bench.fires(feedback(0, "a"))
    assert not bench.fires(feedback(5, "a"))
    assert len(bench.entries("n")) == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1), (1, 0, 2)])
def test_whichever_of_three_arrives_last_fires(order: tuple[int, ...]) -> None:
    bench = Bench("windows.n >= 3", n=NEGATIVES)
    fired = [bench.fires(feedback(position * HOUR, f"f{position}", received=9 * HOUR)) for position in order]
    assert fired == [False, False, True]


def test_a_late_event_outside_the_span_of_others_does_not_count_them() -> None:
    bench = Bench("windows.n >= 2", n=NEGATIVES | {"within": "1h"})
    bench.fires(feedback(10 * HOUR, "a"))
    assert not bench.fires(feedback(8 * HOUR, "b", received=11 * HOUR))
    assert bench.fires(feedback(8 * HOUR + 1, "c", received=11 * HOUR))


def test_an_event_beside_the_window_sees_its_own_past_only() -> None:
    """A question before the complaints is not changed by complaints that arrived first."""
    bench = Bench("scores.kind == 'question' && windows.n >= 1", n=NEGATIVES)
    bench.fires(feedback(5 * HOUR, "a"))
    question = {"kind": "question", "polarity": 0.2}
    assert not bench.fires(feedback(4 * HOUR, "q", scores=question, received=6 * HOUR))
    assert bench.fires(feedback(7 * HOUR, "r", scores=question))


def test_sum_mean_and_distinct() -> None:
    bench = Bench(
        "windows.total > 1.4 && windows.average > 0.4 && windows.channels == 2",
        total={"kind": "sum", "of": "scores.churn", "within": "1d"},
        average={"kind": "mean", "of": "scores.churn", "within": "1d"},
        channels={"kind": "distinct", "of": "feedback.channel", "within": "1d"},
    )
    assert not bench.fires(feedback(0, "a", channel="app", scores={"churn": 0.5}))
    assert not bench.fires(feedback(1, "b", channel="app", scores={"churn": 0.5}))
    assert bench.fires(feedback(2, "c", channel="web", scores={"churn": 0.45}))


def test_a_mean_of_nothing_is_zero() -> None:
    bench = Bench(
        "windows.average == 0.0",
        average={"kind": "mean", "of": "scores.churn", "where": "false", "within": "1d"},
    )
    assert bench.fires(feedback(0, "a"))


def test_facts_are_counted_too() -> None:
    window = {
        "kind": "sum",
        "event": "customer",
        "where": "fact.kind == 'purchase'",
        "of": "fact.amount",
        "within": "30d",
    }
    bench = Bench("windows.spent >= 100.0", spent=window)
    bench.fires(fact("customer", "purchase", 0, "p1", amount=60))
    bench.fires(fact("customer", "visit", 1, "v1", amount=600))
    assert not bench.fires(feedback(2, "a"))
    bench.fires(fact("customer", "purchase", 3, "p2", amount=40.0))
    assert bench.fires(feedback(4, "b"))


def test_same_words_again_do_not_count_unless_the_rule_says_so() -> None:
    plain = Bench("windows.n >= 2", n=NEGATIVES)
    plain.fires(feedback(0, "a"))
    plain.fires(feedback(1, "b", duplicate_of="a"))
    assert len(plain.entries("n")) == 1


def test_one_event_can_be_first_and_then() -> None:
    step = {"where": "scores.polarity < 0.0"}
    bench = Bench("windows.twice", twice={"kind": "sequence", "first": step, "then": step, "within": "1h"})
    assert not bench.fires(feedback(0, "a"))
    assert bench.fires(feedback(HOUR, "b"))
    assert not bench.fires(feedback(3 * HOUR, "c"))


def test_unchanged_windows_survive_a_new_version_and_changed_ones_start_empty() -> None:
    bench = Bench("windows.n >= 2", n=NEGATIVES)
    bench.fires(feedback(0, "a"))
    bench.engine.swap(
        Catalog.of([rule(condition="windows.m >= 2 && true", windows={"m": NEGATIVES}, version=2)])
    )
    assert bench.fires(feedback(1, "b"))
    wider = {"m": NEGATIVES | {"within": "8d"}}
    bench.engine.swap(Catalog.of([rule(condition="windows.m >= 2", windows=wider, version=3)]))
    assert not bench.fires(feedback(2, "c"))


def test_equal_windows_of_two_rules_are_held_once() -> None:
    rules = [rule(id=name, condition="windows.n >= 99", windows={"n": NEGATIVES}) for name in ("one", "two")]
    world = World(*rules)
    world.take(feedback(0, "a"), T0)
    assert len(world.states["c1"].windows) == 1


def test_memory_is_bounded_by_limit_and_by_time() -> None:
    bench = Bench("windows.n >= 99", n=NEGATIVES | {"limit": 5})
    for number in range(50):
        bench.fires(feedback(number * HOUR, f"f{number}"))
    assert [entry[0] for entry in bench.entries("n")] == [T0 + number * HOUR for number in range(45, 50)]
    bench.fires(feedback(100 * DAY, "z"))
    assert len(bench.entries("n")) == 1


def test_memory_over_all_windows_is_bounded() -> None:
    windows = {f"w{number}": NEGATIVES | {"limit": 128, "within": f"{number + 1}d"} for number in range(6)}
    bench = Bench("windows.w0 >= 999", **windows)
    for number in range(150):
        bench.fires(feedback(number, f"f{number}"))
    assert sum(map(len, bench.states["c1"].windows.values())) <= MAX_ENTRIES


def test_expiry_forgets_what_no_rule_can_ask() -> None:
    bench = Bench("windows.n >= 2", n=NEGATIVES)
    bench.fires(feedback(0, "a"))
    state = bench.states["c1"]
    bench.engine.expire(state, T0 + 7 * DAY)
    assert state
    bench.engine.expire(state, T0 + 7 * DAY + LATENESS)
    assert not state
    assert state.changed


def test_a_field_that_is_missing_is_counted_and_stops_nothing() -> None:
    bench = Bench("windows.spent > 1.0 || scores.polarity < 0.0", spent={
        "kind": "sum", "event": "feedback", "of": "scores.churn", "within": "1d"})  # fmt: skip
    record = feedback(0, "a")
    del record["scores"]["churn"]
    assert bench.fires(record)
    assert bench.engine.failures["demo", "KeyError"] == 1
