"""The engine: ids, rows, failures, replays, bounds, hot swap."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
from rules_records import DAY, HOUR, T0, fact, feedback, rule
from rules_world import World

from models.events import Action, Assignment, Decision
from rules.decided import Decided
from rules.holdout import GLOBAL
from rules.loader import Catalog
from rules.source import RuleError
from rules.state import MAX_DECISIONS


def test_rows_fit_the_contracts() -> None:
    world = World(
        rule(holdout=0.5, also=[{"kind": "ticket", "team": "other", "sla": "3h"}]), global_holdout=0.2
    )
    arms = set()
    for number in range(60):
        for item in world.take(feedback(number, f"f{number}", f"c{number}", lang="en")):
            decision = Decision.model_validate(item.decision)
            actions = [Action.model_validate(action) for action in item.actions]
            arms.add(decision.arm.value)
            assert item.assignment is not None
            assignment = Assignment.model_validate(item.assignment)
            assert (decision.arm == "acted") == (assignment.arm == "treat") == bool(actions)
            assert assignment.rule_id == (GLOBAL if assignment.arm == "global_holdout" else "demo")
            assert decision.values == {"scores.polarity": -0.5}
            assert decision.propensity == 0.5
            if actions:
                assert decision.action_id == actions[0].action_id != actions[1].action_id
                assert [action.team for action in actions] == ["team", "other"]
                assert [action.deadline - T0 - number for action in actions] == [HOUR, 3 * HOUR]
                assert actions[0].template == "5 points"
                assert actions[0].explanation == "A demonstration (scores.polarity -0.5)"
                assert actions[0].decided_at == 7
    assert arms == {"acted", "holdout", "suppressed"}


def test_ids_depend_on_feedback_and_rule_alone() -> None:
    first = World(rule()).take(feedback())[0]
    later = World(rule(version=2, summary="Another"), salt="x").take(feedback(5))[0]
    assert first.decision["decision_id"] == later.decision["decision_id"]
    assert first.decision["action_id"] == later.decision["action_id"]
    other = World(rule(id="other")).take(feedback())[0]
    assert other.decision["decision_id"] != first.decision["decision_id"]


def test_customers_nothing_is_known_of_take_no_memory() -> None:
    world = World(rule())
    world.take(feedback(scores={"polarity": 0.9}))
    assert world.states == {}


def test_parameters_can_be_computed() -> None:
    made = rule(
        action={
            "kind": "coupon",
            "parameters": {"points": "=int(scores.churn * 100.0)", "who": "=customer.tier"},
        }
    )
    action = World(made).take(feedback(scores={"churn": 0.25}, customer={"tier": "gold"}))[0].action
    assert action is not None
    assert action["parameters"] == {"points": 25, "who": "gold"}
    assert action["template"] == "25分"


def test_one_broken_condition_takes_no_other_rule_down() -> None:
    """Division by zero inside the shared program: the others still decide, the failure has a name."""
    broken = rule(id="broken", condition="1 / feedback.cluster_size > 0 && size(feedback.text) >= 0")
    fine = rule(id="fine", condition="size(feedback.text) >= 0 && scores.polarity < 0.0")
    plain = rule(id="plain")
    world = World(broken, fine, plain)
    decided = world.take(feedback(cluster_size=0))
    assert {item.decision["rule_id"] for item in decided} == {"fine", "plain"}
    assert dict(world.engine.failures) == {("broken", "ZeroDivisionError"): 1}
    decided = world.take(feedback(DAY, "f2", "c2", cluster_size=1))
    assert {item.decision["rule_id"] for item in decided} == {"broken", "fine", "plain"}


def test_a_condition_that_is_no_truth_value_is_a_failure() -> None:
    world = World(rule(condition="scores.polarity"))
    assert world.take(feedback()) == []
    assert world.engine.failures["demo", "TypeError"] == 1


def test_a_value_that_fails_still_leaves_a_row() -> None:
    world = World(rule(expected_value="1.0 / customer.lifetime_value"))
    decided = world.take(feedback())
    assert decided[0].decision["expected_value"] == 0.0
    assert world.engine.failures["demo", "ArithmeticError"] == 1


def test_actions_so_far_can_be_asked() -> None:
    world = World(
        rule(cooldown="1ms", condition="actions.coupon < 2 && actions.total < 2 && actions.days_since > 0.5")
    )
    counts = [len(world.take(feedback(at, f"f{at}"))) for at in (0, HOUR, DAY, 3 * DAY, 32 * DAY)]
    assert counts == [1, 0, 1, 0, 1]


def test_a_replayed_record_repeats_its_rows_and_spends_nothing() -> None:
    world = World(rule(budget_per_day=20, cost=2), rule(id="second", expected_value=1, exclusive_group=None))
    first = world.take(feedback())
    before = json.dumps([world.partition.dump(), world.states["c1"].dump()])
    again = world.take(feedback(0, received=5))

    def strip(items: list[Decided]) -> list[Any]:
        return [{k: v for k, v in item.decision.items() if k != "received_at"} for item in items]

    assert strip(again) == strip(first)
    assert json.dumps([world.partition.dump(), world.states["c1"].dump()]) == before


def test_a_replay_under_a_new_version_does_not_act_twice() -> None:
    world = World(rule())
    first = world.take(feedback())
    world.engine.swap(Catalog.of([rule(version=2, condition="scores.polarity < 0.9", cooldown="1ms")]))
    again = world.take(feedback())
    assert [item.decision["action_id"] for item in again] == [item.decision["action_id"] for item in first]


def test_decisions_remembered_are_bounded_and_acts_outlive_the_rest() -> None:
    world = World(rule(cooldown="30d"))
    for number in range(3 * MAX_DECISIONS):
        world.take(feedback(number, f"f{number}"))
    decisions = world.states["c1"].decisions
    assert len(decisions) == MAX_DECISIONS
    assert decisions[0].arm == "acted"


def test_typical_state_is_small() -> None:
    world = World(
        rule(windows={"n": {"kind": "count", "within": "7d"}}, condition="windows.n >= 3", cooldown="7d")
    )
    for number in range(4):
        world.take(feedback(number * HOUR, f"f{number}"))
    assert len(json.dumps(world.states["c1"].dump(), separators=(",", ":"))) < 400


def test_a_bad_catalogue_changes_nothing() -> None:
    world = World(rule())
    for bad in (
        rule(condition="scores."),
        rule(expected_value="1.0 +"),
        rule(windows={"n": {"kind": "sum", "of": "scores.nothing", "within": "1d"}}),
        rule(windows={"n": {"kind": "count", "where": "(", "within": "1d"}}),
        rule(action={"kind": "coupon", "parameters": {"x": "=1 +"}}),
    ):
        with pytest.raises(RuleError):
            world.engine.swap(Catalog.of([bad]))
    assert len(world.take(feedback())) == 1


def test_rules_on_facts_need_no_scores() -> None:
    made = rule(
        trigger="customer", condition="fact.kind == 'refund' && fact.amount != null && fact.amount > 5.0"
    )
    world = World(made)
    assert world.take(fact("customer", "refund", amount=2.0)) == []
    decided = world.take(fact("customer", "refund", 1, "x2", amount=20.0))
    assert Decision.model_validate(decided[0].decision).feedback_id == "x2"
    assert world.take(fact("customer", "refund", 2, "x3")) == []
    assert not world.engine.failures


def test_unknown_kinds_of_record_are_passed_over() -> None:
    record = fact("customer", "visit") | {"event": "something_new"}
    assert World(rule()).take(record) == []


def test_a_record_leaves_nothing_to_the_garbage_collector() -> None:
    """What a record needs must go when it is done: a cycle a record made the worker pause for 10–40 ms."""
    windows = {"n": {"kind": "count", "within": "7d"}}
    world = World(rule(windows=windows, condition="windows.n >= 1 && actions.total < 100"))
    first, *records = [feedback(number, f"f{number}") for number in range(50)]
    world.take(first)
    gc.collect()
    gc.disable()
    try:
        decided = [item for record in records for item in world.take(record)]
        assert gc.collect() == 0
        assert len(decided) == 49
    finally:
        gc.enable()
