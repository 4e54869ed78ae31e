"""Late labels: exactly one per score, and nothing from after the score in its features."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from models.churn.delayed import DAY, DelayedLabels
from models.churn.features import CustomerFeatures
from models.churn.target import Target, Targets
from models.churn.waiting import Labelled

TARGETS = Targets(
    [
        Target("churn", frozenset({"cancelled"}), 30.0),
        Target("purchase", frozenset({"purchased", "renewed"}), 7.0),
    ]
)


def labels(found: list[Labelled]) -> list[tuple[str, float, bool]]:
    return [(item.target, item.scored_at, item.label) for item in found]


def test_outcome_within_the_horizon_is_positive_and_silence_negative() -> None:
    entries: dict[str, bytes] = {}
    waiting = DelayedLabels(TARGETS, entries, grace=0.0)
    waiting.scored("ann", "churn", 0.0, {"n": 1.0}, score=0.2, version=4)
    waiting.scored("bob", "churn", 0.0, {"n": 2.0})
    waiting.outcome("ann", "purchased", DAY)
    waiting.outcome("ann", "cancelled", 2 * DAY)
    assert waiting.advance(30 * DAY - 1) == []
    ann, bob = waiting.advance(30 * DAY)
    assert (ann.customer, ann.label, ann.score, ann.version) == ("ann", True, 0.2, 4)
    assert ann.features == {"n": 1.0}
    assert (bob.customer, bob.label, bob.score, bob.version) == ("bob", False, None, 0)
    assert waiting.advance(300 * DAY) == [] and len(waiting) == 0
    assert entries == {}


@pytest.mark.parametrize(
    ("at", "positive"), [(0.0, False), (1.0, True), (7 * DAY, True), (7 * DAY + 1, False)]
)
def test_the_horizon_is_open_at_the_score_and_closed_at_its_end(at: float, positive: bool) -> None:
    waiting = DelayedLabels(TARGETS)
    waiting.scored("ann", "purchase", 0.0, {})
    waiting.outcome("ann", "renewed", at)
    assert labels(waiting.advance(100 * DAY)) == [("purchase", 0.0, positive)]


def test_labels_come_in_the_order_of_their_scores_whatever_they_are() -> None:
    """Positive labels told at once would make a young model believe that everybody leaves."""
    waiting = DelayedLabels(TARGETS)
    told = []
    for day in range(100):
        waiting.scored(f"c{day}", "churn", day * DAY, {})
        if day % 2:
            waiting.outcome(f"c{day}", "cancelled", day * DAY + 60.0)
        told += waiting.advance(day * DAY)
    assert [item.customer for item in told] == [f"c{day}" for day in range(len(told))]
    assert len(told) > 60 and all(item.label == (int(item.customer[1:]) % 2 == 1) for item in told)


def test_grace_lets_a_late_outcome_still_count() -> None:
    waiting = DelayedLabels(TARGETS, grace=3600.0)
    waiting.scored("ann", "purchase", 0.0, {})
    assert waiting.advance(7 * DAY + 3599) == []
    waiting.outcome("ann", "purchased", 6 * DAY)
    assert labels(waiting.advance(7 * DAY + 3600)) == [("purchase", 0.0, True)]


def test_what_is_due_for_one_target_decides_no_other_before_its_grace_is_over() -> None:
    both = Targets(
        [Target("churn", frozenset({"cancelled"}), 30.0), Target("visit", frozenset({"visited"}), 30.0)]
    )
    waiting = DelayedLabels(both)
    waiting.scored("ann", "churn", 0.0, {})
    waiting.scored("ann", "visit", 1800.0, {})
    due = 30 * DAY + 3600.0
    assert [label[0] for label in labels(waiting.advance(due))] == ["churn"]
    waiting.outcome("ann", "visited", 30 * DAY)
    assert labels(waiting.advance(due + 1800.0)) == [("visit", 1800.0, True)]


def test_a_repeated_score_or_outcome_gives_no_second_label() -> None:
    waiting = DelayedLabels(TARGETS)
    assert waiting.scored("ann", "purchase", 10.0, {})
    assert not waiting.scored("ann", "purchase", 10.0, {})
    waiting.outcome("ann", "purchased", 20.0)
    assert not waiting.scored("ann", "purchase", 10.0, {})
    waiting.outcome("ann", "purchased", 20.0)
    assert labels(waiting.advance(100 * DAY)) == [("purchase", 10.0, True)]
    assert not waiting.scored("ann", "purchase", 10.0, {})


def test_a_score_older_than_a_known_outcome_is_not_kept() -> None:
    """It arrives late, so its features may already have seen the outcome it would be labelled with."""
    waiting = DelayedLabels(TARGETS)
    waiting.outcome("ann", "cancelled", 5 * DAY)
    assert not waiting.scored("ann", "churn", 4 * DAY, {})
    assert waiting.scored("ann", "churn", 6 * DAY, {})


def test_waiting_is_bounded_and_spaced() -> None:
    waiting = DelayedLabels(TARGETS, limit=3, spacing=DAY)
    kept = [waiting.scored("ann", "churn", hour * 3600.0, {}) for hour in range(24 * 20)]
    assert sum(kept) == 3 and len(waiting) == 3


def test_restored_entries_decide_as_if_never_stopped() -> None:
    entries: dict[str, bytes] = {}
    first = DelayedLabels(TARGETS)
    second = DelayedLabels(TARGETS, entries)
    rng = random.Random(7)
    now = 0.0
    for step in range(600):
        now += rng.random() * DAY / 4
        customer = f"c{rng.randrange(5)}"
        target = rng.choice(["churn", "purchase"])
        kind = rng.choice(["cancelled", "purchased"])
        act: Any = rng.choice(["score", "score", "outcome", "advance"])
        for labeller in (first, second):
            if act == "score":
                labeller.scored(customer, target, now, {"step": float(step)}, 0.5, step)
        if act == "outcome":
            first.outcome(customer, kind, now)
            second.outcome(customer, kind, now)
        if act == "advance":
            assert first.advance(now) == second.advance(now)
        if step % 50 == 0:
            second.flush()
            second = DelayedLabels(TARGETS, entries)
            second.watermark = first.watermark
            second.load()


def test_every_kept_score_is_labelled_exactly_once() -> None:
    waiting = DelayedLabels(TARGETS, spacing=0.0)
    rng = random.Random(3)
    kept: list[tuple[str, float]] = []
    found: list[tuple[str, float]] = []
    for _ in range(2000):
        now = rng.random() * 100 * DAY
        customer = f"c{rng.randrange(20)}"
        if rng.random() < 0.7:
            if waiting.scored(customer, "churn", now, {}):
                kept.append((customer, now))
        elif rng.random() < 0.5:
            waiting.outcome(customer, "cancelled", now)
        else:
            found += [(item.customer, item.scored_at) for item in waiting.advance(now / 2)]
    found += [(item.customer, item.scored_at) for item in waiting.advance(1e12)]
    assert sorted(found) == sorted(kept) and len(set(found)) == len(found)


class Written(dict[str, bytes]):
    """Entries that remember who was written."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __setitem__(self, name: str, value: bytes) -> None:
        self.names.append(name)
        super().__setitem__(name, value)


def test_a_flush_writes_exactly_the_customers_whose_entry_changed() -> None:
    entries = Written()
    waiting = DelayedLabels(TARGETS, entries)
    waiting.scored("ann", "churn", 0.0, {})
    waiting.flush()
    waiting.scored("ann", "churn", 1.0, {})
    waiting.flush()
    waiting.outcome("bob", "cancelled", 5.0)
    waiting.flush()
    assert entries.names == ["ann", "bob"]


def test_a_customer_stands_in_the_queue_once() -> None:
    waiting = DelayedLabels(TARGETS, spacing=0.0, limit=100)
    for step in range(50):
        waiting.scored_all("ann", step * 60.0, {}, {"churn": (0.5, 1), "purchase": (0.5, 1)})
        waiting.outcome("ann", "cancelled", step * 60.0 + 1)
    assert len(waiting) == 100 and waiting.queued == 1
    assert len(waiting.advance(20 * DAY)) == 50 and waiting.queued == 1


def test_places_that_late_scores_take_in_the_queue_do_not_multiply() -> None:
    waiting = DelayedLabels(TARGETS, spacing=0.0, limit=100)
    for step in range(50, 0, -1):
        waiting.scored("ann", "churn", step * DAY, {})
    assert waiting.queued == 50
    assert len(waiting.advance(35 * DAY)) == 4 and waiting.queued <= 50
    assert len(waiting.advance(400 * DAY)) == 46 and waiting.queued == 0


def test_undeclared_targets_are_dropped_on_load() -> None:
    entries: dict[str, bytes] = {}
    before = DelayedLabels(Targets([Target("gone", frozenset({"left"}), 7.0), TARGETS["churn"]]), entries)
    before.scored_all("ann", 0.0, {}, {"gone": (0.1, 1), "churn": (0.2, 1)})
    before.scored("bob", "gone", 0.0, {})
    before.flush()
    waiting = DelayedLabels(TARGETS, entries)
    waiting.load()
    assert len(waiting) == 1
    assert labels(waiting.advance(400 * DAY)) == [("churn", 0.0, False)]


@pytest.mark.parametrize("kinds", [frozenset(), frozenset({"x"})])
def test_a_target_needs_kinds_and_a_horizon(kinds: frozenset[str]) -> None:
    with pytest.raises(ValueError, match="needs outcome kinds and a horizon"):
        Target("t", kinds, 0.0)
    with pytest.raises(ValueError, match="declared twice"):
        Targets([Target("a", frozenset({"x"}), 1.0), Target("a", frozenset({"y"}), 1.0)])


def leaking(waiting: DelayedLabels, customer: str, live: dict[str, float | str | None]) -> list[Labelled]:
    """Return labels as a wrong implementation would give them: features as they are now."""
    waiting.outcome(customer, "cancelled", 10 * DAY)
    return [
        Labelled(x.target, x.customer, x.scored_at, orjson.dumps(live), x.label, x.score, x.version)
        for x in waiting.advance(400 * DAY)
    ]


def separable(examples: list[Labelled]) -> bool:
    positive = [x.features["cancellations"] for x in examples if x.label]
    negative = [x.features["cancellations"] for x in examples if not x.label]
    assert positive and negative
    return set(positive) != set(negative)


def test_nothing_after_the_score_reaches_the_features() -> None:
    """The outcome itself changes the customer's features; examples must not show it.

    The same check run on examples built the wrong way, from the features at labelling time, must find
    the leak: otherwise this test could not fail.
    """
    honest: list[Labelled] = []
    wrong: list[Labelled] = []
    for i in range(20):
        for out in (honest, wrong):
            waiting = DelayedLabels(TARGETS)
            customer = CustomerFeatures()
            customer.update("login", 0.0)
            live = customer.vector(DAY)
            waiting.scored("ann", "churn", DAY, live)
            if i % 2:
                customer.update("cancellation", 10 * DAY)
            live.update(customer.vector(11 * DAY))
            if out is wrong and i % 2:
                out += leaking(waiting, "ann", live)
                continue
            if i % 2:
                waiting.outcome("ann", "cancelled", 10 * DAY)
            out += waiting.advance(400 * DAY)
    assert len(honest) == len(wrong) == 20
    assert separable(wrong)
    assert not separable(honest)


def test_it_is_the_same_whether_entries_are_written_after_each_event_or_at_the_end() -> None:
    rng = random.Random(11)
    one: dict[str, bytes] = {}
    other: dict[str, bytes] = {}
    often, once = DelayedLabels(TARGETS, one, limit=3), DelayedLabels(TARGETS, other, limit=3)
    for step in range(600):
        customer, at = f"c{rng.randrange(6)}", step * DAY / 9
        kind = rng.choice(("purchased", "cancelled", ""))
        told = []
        for waiting in (often, once):
            if kind:
                waiting.outcome(customer, kind, at)
            else:
                waiting.scored_all(customer, at, {"n": at}, {"churn": (0.5, 1), "purchase": (0.2, 1)})
            told.append(waiting.advance(at))
        assert told[0] == told[1]
        often.flush()
    once.flush()
    assert one == other
    assert len(often) == len(once) > 0
