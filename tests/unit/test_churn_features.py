"""Customer features: event time, small state, words an operator can check."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from models.churn.features import DAY, MAX_NEGATIVES, MAX_TOPICS, CustomerFeatures

START = 1_700_000_000.0
Event = tuple[str, float, dict[str, Any]]


def busy(seed: int, days: int = 200) -> list[Event]:
    rng = random.Random(seed)
    events: list[Event] = [("profile", START, {"tier": "gold"})]
    for _ in range(days * 2):
        at = START + rng.random() * days * DAY
        kind = rng.choice(
            ["usage", "login", "purchase", "feedback", "ticket_opened", "ticket_resolved", "action"]
        )
        extra: dict[str, Any] = {}
        if kind == "feedback":
            extra = {"polarity": rng.uniform(-1, 1), "topics": [rng.choice("abcd") * 6]}
        elif kind == "purchase":
            extra = {"money": rng.uniform(1, 500)}
        events.append((kind, at, extra))
    return events


def run(events: list[Event]) -> CustomerFeatures:
    customer = CustomerFeatures()
    for kind, at, extra in events:
        customer.update(kind, at, **extra)
    return customer


def test_state_is_small_plain_json_and_carries_everything() -> None:
    events = sorted(busy(7), key=lambda event: event[1])
    customer = run(events)
    text = json.dumps(customer.state, separators=(",", ":"))
    assert len(text) <= 330
    again = CustomerFeatures(json.loads(text))
    end = START + 201 * DAY
    assert again.vector(end) == customer.vector(end)
    again.update("purchase", end, money=5.0)
    customer.update("purchase", end, money=5.0)
    assert again.state == customer.state


@pytest.mark.parametrize("seed", range(5))
def test_order_of_arrival_changes_nothing_that_matters(seed: int) -> None:
    events = busy(seed)
    end = START + 201 * DAY
    in_time = run(sorted(events, key=lambda event: event[1])).vector(end)
    shuffled = run(events).vector(end)
    assert in_time.keys() == shuffled.keys()
    for name, value in in_time.items():
        if isinstance(value, float):
            assert shuffled[name] == pytest.approx(value, rel=0.02, abs=0.02), name
        else:
            assert shuffled[name] == value


def test_counters_fade_with_their_half_life() -> None:
    customer = CustomerFeatures()
    customer.update("purchase", START, money=100.0)
    assert customer.vector(START + 30 * DAY)["spend"] == pytest.approx(50.0)
    customer.update("login", START + 30 * DAY)
    assert customer.vector(START + 60 * DAY)["spend"] == pytest.approx(25.0)


def test_negatives_are_counted_exactly_over_seven_days() -> None:
    customer = CustomerFeatures()
    for day in (0, 3, 5, 9):
        customer.update("feedback", START + day * DAY, polarity=-0.8)
    customer.update("feedback", START + 9 * DAY, polarity=0.9)
    assert customer.vector(START + 9.5 * DAY)["negatives_7d"] == 3.0
    assert customer.vector(START + 11 * DAY)["negatives_7d"] == 2.0
    assert customer.vector(START + 17 * DAY)["negatives_7d"] == 0.0


def test_usage_trend_is_zero_when_steady_and_negative_when_falling() -> None:
    customer = CustomerFeatures()
    for day in range(300):
        customer.update("usage", START + day * DAY, amount=5.0)
    steady = customer.vector(START + 299.5 * DAY)["usage_trend"]
    falling = customer.vector(START + 315 * DAY)["usage_trend"]
    assert isinstance(steady, float) and isinstance(falling, float)
    assert abs(steady) < 0.1 and falling < -0.8


def test_what_is_asked_of_an_earlier_time_is_told_as_of_the_newest() -> None:
    customer = CustomerFeatures()
    for day in range(60):
        customer.update("usage", START + day * DAY)
        customer.update("feedback", START + day * DAY, polarity=-0.8, topics=["refund"])
    newest = customer.vector(START + 59 * DAY)
    assert customer.vector(START) == customer.vector(START + 58 * DAY) == newest
    assert newest["usage"] == pytest.approx(32.8, abs=0.2) and newest["negatives_7d"] == 7.0


def test_tickets_stay_unresolved_until_resolved_in_any_order() -> None:
    customer = CustomerFeatures()
    customer.update("ticket_resolved", START + 5)
    customer.update("ticket_opened", START)
    customer.update("ticket_opened", START + 6)
    assert customer.vector(START + 7)["open_tickets"] == 1.0


def test_actions_do_not_count_as_activity_of_the_customer() -> None:
    customer = CustomerFeatures()
    customer.update("login", START)
    customer.update("action", START + 4 * DAY)
    seen = customer.vector(START + 5 * DAY)
    assert seen["recency_days"] == pytest.approx(5.0) and seen["action_days"] == pytest.approx(1.0)


def test_topics_and_negatives_are_bounded() -> None:
    customer = CustomerFeatures()
    for i in range(500):
        customer.update("feedback", START + i, polarity=-1.0, topics=[f"topic{i}"])
    assert len(customer.state["topics"]) == MAX_TOPICS
    assert len(customer.state["neg"]) == MAX_NEGATIVES


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_hostile_numbers_never_poison_the_state(bad: float) -> None:
    customer = CustomerFeatures()
    customer.update("purchase", START, money=bad)
    customer.update("usage", START, amount=bad)
    customer.update("feedback", START, polarity=bad)
    customer.update("login", bad)
    customer.update("profile", START, since=bad)
    values = customer.vector(START + DAY).values()
    assert all(math.isfinite(value) for value in values if isinstance(value, float))


def test_a_vector_does_not_change_the_state() -> None:
    customer = run(busy(1))
    before = json.dumps(customer.state)
    customer.vector(START + 400 * DAY)
    assert json.dumps(customer.state) == before
