"""Rules that wait for something not to happen: by event time, once, across restarts, bounded."""

from __future__ import annotations

from typing import Any

import pytest
from rules_records import DAY, HOUR, T0, fact, feedback, rule
from rules_world import World

from rules.limits import Limits
from rules.rule import Rule
from rules.state import MAX_TIMERS

WAIT = {
    "silence": {
        "kind": "absence",
        "after": {"event": "feedback", "where": "scores.polarity < 0.0"},
        "without": {"event": "outcome", "where": "fact.kind == 'reply'"},
        "within": "2d",
    }
}


def waiting(**changes: Any) -> Rule:
    return rule(id="waiting", condition="windows.silence", windows=WAIT, **changes)


def test_absence_fires_by_event_time_once() -> None:
    world = World(waiting())
    assert world.take(feedback()) == []
    assert world.take(feedback(2 * DAY, "other", "c2", scores={"polarity": 0.5})) == []
    fired = world.take(feedback(2 * DAY + Limits().patience, "third", "c2", scores={"polarity": 0.5}))
    assert [(item.decision["feedback_id"], item.decision["arm"]) for item in fired] == [("f1", "acted")]
    assert world.take(feedback(9 * DAY, "fourth", "c2", scores={"polarity": 0.5})) == []


@pytest.mark.parametrize(("at", "fires"), [(HOUR, False), (2 * DAY - 1, False), (2 * DAY, True)])
def test_an_answer_in_time_stops_the_timer(at: int, fires: bool) -> None:
    world = World(waiting())
    world.take(feedback())
    world.take(fact("outcome", "reply", at))
    assert bool(world.engine.tick(T0 + 3 * DAY, world.states, world.partition, 0)) == fires


def test_an_answer_that_arrived_first_counts_too() -> None:
    world = World(waiting())
    world.take(fact("outcome", "reply", HOUR))
    world.take(feedback(0, received=2 * HOUR))
    assert world.engine.tick(T0 + 3 * DAY, world.states, world.partition, 0) == []


def test_timers_survive_a_restart_exactly_once() -> None:
    world = World(waiting())
    world.take(feedback())
    world.restart()
    assert len(world.engine.tick(T0 + 3 * DAY, world.states, world.partition, 0)) == 1
    world.restart()
    assert world.engine.tick(T0 + 4 * DAY, world.states, world.partition, 0) == []


def test_one_wrong_clock_fires_no_timer() -> None:
    world = World(waiting())
    world.take(feedback())
    ahead = feedback(30 * DAY, "ahead", "c2", scores={"polarity": 0.5}, received=HOUR)
    assert world.take(ahead) == []
    assert world.partition.watermark == T0 + HOUR - Limits().patience


def test_timers_of_a_customer_are_bounded() -> None:
    rules = [rule(id=f"w{n}", condition="windows.silence", windows=WAIT) for n in range(MAX_TIMERS + 3)]
    world = World(*rules)
    world.take(feedback())
    world.take(feedback(1, "f2"))
    assert len(world.states["c1"].timers) == MAX_TIMERS
