"""The engine: ids, rows, failures, timers, replays, restarts, hot swap."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import cel
import pytest
from rules_records import DAY, HOUR, T0, fact, feedback, rule

from models.events import Action, Assignment, Decision
from rules.conditions import Conditions, Expression
from rules.decided import Decided
from rules.engine import Engine
from rules.environment import Environment
from rules.holdout import GLOBAL
from rules.limits import Limits
from rules.loader import Catalog
from rules.rule import Rule
from rules.source import RuleError
from rules.state import MAX_DECISIONS, MAX_TIMERS, CustomerState, PartitionState


def limits(**changes: Any) -> Limits:
    return Limits.model_validate({"global_holdout": 0, "quiet_hours": {"start": 0, "end": 0}} | changes)


class World:
    def __init__(self, *rules: Rule, **changes: Any) -> None:
        self.engine = Engine(Catalog.of(rules), limits(**changes))
        self.states: dict[str, CustomerState] = {}
        self.partition = PartitionState(0, 1)

    def take(self, record: dict[str, Any]) -> list[Decided]:
        return self.engine.process(record, self.states, self.partition, 7)

    def restart(self) -> None:
        """Go through JSON, as a worker that takes over the partition does."""
        dumped = json.loads(json.dumps({key: state.dump() for key, state in self.states.items()}))
        self.partition = PartitionState.load(0, 1, json.loads(json.dumps(self.partition.dump())))
        self.states = {key: CustomerState.load(data) for key, data in dumped.items()}
        for key, state in self.states.items():
            self.partition.index(key, state)


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


def test_records_no_rule_wants_cost_far_less_than_asking_cel() -> None:
    """100 conditions none of which holds: well under a tenth of one CEL list, whatever the machine."""
    texts = [
        f"scores.kind == 'praise' && scores.polarity < -0.3 && scores.churn > 0.{n:03d}" for n in range(100)
    ]
    network = Conditions(
        [(str(n), Expression(text)) for n, text in enumerate(texts)], lambda rule_id, error: None
    )
    program = cel.compile("[" + ", ".join(texts) + "]")
    record = feedback(scores={"kind": "complaint"})
    env = Environment(record, lambda key: 0, dict)

    def seconds(run: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            began = time.process_time()
            for _ in range(200):
                run()
            times.append(time.process_time() - began)
        return min(times)

    assert network.eligible(env) == []
    assert seconds(lambda: network.eligible(env)) < 0.1 * seconds(
        lambda: program.execute({"scores": record["scores"]})
    )


def asked(record: dict[str, Any], *texts: str) -> tuple[list[str], Environment]:
    env = Environment(record, lambda key: 0, dict)
    conditions = Conditions(((text, Expression(text)) for text in texts), lambda rule_id, error: None)
    return conditions.eligible(env), env


def test_a_list_that_many_rules_make_is_made_once() -> None:
    texts = [f'scores.topics.map(t, t + "!").exists(t, t != "{n}")' for n in range(3)]
    held, env = asked(feedback(scores={"topics": ["a", "b"]}), *texts)
    assert held == texts
    assert list(env.lists.values()) == [["a", "b"], ["a!", "b!"]]


def test_the_size_of_a_member_counts_as_cel_counts() -> None:
    record = feedback(customer={"products": ["\u9000\u6b3e"]})
    sizes = [f"customer.products.exists(t, t.size() == {n})" for n in (2, 6)]
    assert asked(record, *sizes)[0] == sizes[1:]
