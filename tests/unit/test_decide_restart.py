"""decide on another worker: windows, budgets, cooldowns and timers go on where they were."""

from __future__ import annotations

from typing import Any

import pytest
from memory_broker import Record
from rules_records import DAY, HOUR, feedback, rule
from rules_world import limits

from models.clock import VirtualClock
from rules.engine import Engine
from rules.loader import Catalog
from streams.agents.decide import DecideStep
from streams.codec import dumps, loads
from streams.outbox import Layout, Outbox
from streams.state import PartitionState
from streams.step import Slice
from streams.topics import CATALOG, DECISIONS, FEEDBACK_SCORED

SILENCE = {
    "kind": "absence",
    "after": {"event": "feedback", "where": "scores.polarity < 0.0"},
    "without": {"event": "outcome", "where": "fact.kind == 'reply'"},
    "within": "2d",
}
COUNT = {"kind": "count", "where": "scores.polarity < 0.0", "within": "7d"}
RULES = (
    rule(id="often", condition="windows.bad >= 3", windows={"bad": COUNT}, cooldown="1ms"),
    rule(id="waiting", condition="windows.silence", windows={"silence": SILENCE}, cooldown="1ms"),
    rule(id="dear", budget_per_day=4, cost=2, cooldown="1ms"),
    rule(id="once", cooldown="30d"),
)
TOLD = [
    feedback(0, "f1", "c1"),
    feedback(HOUR, "f2", "c1"),
    feedback(2 * HOUR, "f3", "c2"),
    feedback(3 * HOUR, "f4", "c1"),
    feedback(4 * HOUR, "f5", "c3"),
    feedback(3 * DAY, "f6", "c4", scores={"polarity": 0.5}),
    feedback(3 * DAY + HOUR, "f7", "c2"),
    feedback(6 * DAY, "f8", "c4", scores={"polarity": 0.5}),
]
"""Among them three of one customer, a third on one day's budget of two, silences that end between others."""


def step() -> DecideStep:
    return DecideStep(Engine(Catalog.of(RULES), limits()), 1, VirtualClock(0.0))


def decided(cuts: set[int]) -> list[tuple[str, str, str, str]]:
    """Return what is decided when a worker takes over before each of some records."""
    layout = Layout({topic.name: 1 for topic in CATALOG})
    state, found = PartitionState(0), list[tuple[str, str, str, str]]()
    at_work = step()
    at_work.open(state)
    for offset, event in enumerate(TOLD):
        if offset in cuts:
            known, state = state, PartitionState(0)
            for key, value in known._base.items():
                state.replay(key, value, 0, 0)
            state.marks = dict(known.marks)
            at_work = step()
            at_work.open(state)
        event = event | {"origin": ["feedback.raw", 0, offset]}
        out = Outbox(layout)
        state.begin()
        at_work.process(Slice(FEEDBACK_SCORED, 0, [Record(offset, dumps(event))], state), out)
        state.commit()
        rows: list[dict[str, Any]] = [
            loads(value or b"") for _, value, _ in out.batches().get((DECISIONS, 0), ())
        ]
        found += [(row["feedback_id"], row["rule_id"], row["arm"], row["reason"] or "") for row in rows]
    return found


def test_the_records_reach_every_kind_of_memory() -> None:
    reasons = {(rule_id, arm, reason) for _, rule_id, arm, reason in decided(set())}
    assert {rule_id for rule_id, arm, _ in reasons if arm == "acted"} == {"often", "waiting", "dear", "once"}
    assert ("dear", "suppressed", "budget") in reasons
    assert ("once", "suppressed", "cooldown") in reasons


@pytest.mark.parametrize("cut", range(1, len(TOLD)))
def test_a_new_owner_decides_as_the_old_one_would_have(cut: int) -> None:
    assert decided({cut}) == decided(set())


def test_an_owner_after_every_record_decides_as_one() -> None:
    assert decided(set(range(len(TOLD)))) == decided(set())
