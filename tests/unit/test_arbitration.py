"""Arbitration: ranking, limits in turn, arms, budgets that add up."""

from __future__ import annotations

import pytest
from rules_records import DAY, HOUR, T0, feedback, rule
from rules_world import World

from models.events.decision import Suppression
from rules.arbitration import allowance
from rules.holdout import Holdout
from rules.state import PartitionState


def test_highest_net_value_takes_the_group() -> None:
    dear = rule(id="dear", expected_value=100, cost=95, exclusive_group="g")
    good = rule(id="good", expected_value=30, cost=5, exclusive_group="g")
    assert World(dear, good).decide(feedback()) == {"good": "acted", "dear": "exclusive_group"}


def test_priority_comes_before_value_and_the_id_breaks_ties() -> None:
    urgent = rule(id="urgent", expected_value=0, priority=1, exclusive_group="g")
    rich = rule(id="rich", expected_value=1000, exclusive_group="g")
    assert World(urgent, rich).decide(feedback())["urgent"] == "acted"
    twins = [rule(id=name, exclusive_group="g") for name in ("b", "a")]
    assert World(*twins).decide(feedback()) == {"a": "acted", "b": "exclusive_group"}


def test_value_can_come_from_a_propensity() -> None:
    likely = rule(id="likely", expected_value="100.0 * scores.purchase", exclusive_group="g")
    fixed = rule(id="fixed", expected_value=50, exclusive_group="g")
    world = World(likely, fixed)
    assert world.decide(feedback(0, "a", "c1", scores={"purchase": 0.9}))["likely"] == "acted"
    assert world.decide(feedback(0, "b", "c2", scores={"purchase": 0.1}))["fixed"] == "acted"


def test_a_group_is_taken_for_a_day() -> None:
    world = World(rule(id="a", exclusive_group="g", condition="feedback.channel == 'app'"),
                  rule(id="b", exclusive_group="g", condition="feedback.channel == 'web'"))  # fmt: skip
    assert world.decide(feedback(0, "1", channel="app")) == {"a": "acted"}
    assert world.decide(feedback(DAY - 1, "2", channel="web")) == {"b": "exclusive_group"}
    assert world.decide(feedback(DAY, "3", channel="web")) == {"b": "acted"}


def test_when_the_winner_is_stopped_the_next_in_the_group_acts() -> None:
    first = rule(id="first", expected_value=99, exclusive_group="g", budget_per_day=2, cost=2, cooldown="1ms")
    second = rule(id="second", exclusive_group="g", cooldown="1ms")
    world = World(first, second)
    assert world.decide(feedback(0, "a", "c1")) == {"first": "acted", "second": "exclusive_group"}
    assert world.decide(feedback(0, "b", "c2")) == {"first": "budget", "second": "acted"}


def test_cooldown_ends_exactly() -> None:
    world = World(rule(cooldown="2h"))
    answers = [world.decide(feedback(at, str(at)))["demo"] for at in (0, 2 * HOUR - 1, 2 * HOUR)]
    assert answers == ["acted", "cooldown", "acted"]


def test_contact_caps_by_channel_and_over_all() -> None:
    call = rule(id="call", action={"kind": "call"}, condition="feedback.channel == 'call'", cooldown="1ms")
    coupon = rule(id="coupon", condition="feedback.channel == 'app'", cooldown="1ms")
    caps = [{"count": 1, "within": "2d", "channel": "phone"}, {"count": 2, "within": "5d"}]
    world = World(call, coupon, caps=caps, channels={"call": "phone"})
    assert world.decide(feedback(0, "a", channel="call")) == {"call": "acted"}
    assert world.decide(feedback(HOUR, "b", channel="call")) == {"call": "contact_cap"}
    assert world.decide(feedback(HOUR, "c", channel="app")) == {"coupon": "acted"}
    assert world.decide(feedback(2 * HOUR, "d", channel="app")) == {"coupon": "contact_cap"}
    assert world.decide(feedback(5 * DAY, "e", channel="app")) == {"coupon": "acted"}


def test_tickets_are_no_contacts() -> None:
    ticket = rule(id="ticket", action={"kind": "ticket"}, cooldown="1ms")
    world = World(ticket, caps=[{"count": 1, "within": "7d"}], quiet_hours={"start": 9, "end": 12})
    assert [world.decide(feedback(at, str(at)))["ticket"] for at in (0, HOUR)] == ["acted", "acted"]


@pytest.mark.parametrize(
    ("zone", "hour", "quiet"),
    [
        ("Asia/Shanghai", 10, False), ("Asia/Shanghai", 21, True), ("Asia/Shanghai", 7, True),
        ("Asia/Shanghai", 8, False), ("America/New_York", 10, True), ("America/New_York", 23, False),
        ("", 22, True), ("Not/AZone", 22, True),
    ],
)  # fmt: skip
def test_quiet_hours_where_the_customer_lives(zone: str, hour: int, quiet: bool) -> None:
    world = World(rule(), quiet_hours={"start": 21, "end": 8})
    record = feedback((hour - 10) * HOUR, who=f"c{hour}{zone}")
    record["customer"]["time_zone"] = zone
    assert world.decide(record)["demo"] == ("quiet_hours" if quiet else "acted")


def test_the_clock_of_the_limits_can_be_event_time() -> None:
    by_event = World(rule(), clock="occurred", quiet_hours={"start": 21, "end": 8})
    by_receipt = World(rule(), clock="received", quiet_hours={"start": 21, "end": 8})
    record = feedback(0, received=12 * HOUR)
    assert by_event.decide(record)["demo"] == "acted"
    assert by_receipt.decide(record)["demo"] == "quiet_hours"


def test_status_ramp_age_and_repeats_each_give_their_reason() -> None:
    world = World(
        rule(id="paused", status="paused"),
        rule(id="shadow", status="shadow"),
        rule(id="ramped", ramp={"begins": "2030-01-01T00:00:00Z", "over": "10d"}),
        rule(id="fresh", max_age="1h", condition="feedback.channel == 'web'"),
    )
    assert world.decide(feedback()) == {"paused": "paused", "shadow": "shadow", "ramped": "ramp"}
    assert world.decide(feedback(0, "w", channel="web", received=HOUR))["fresh"] == "acted"
    assert world.decide(feedback(0, "v", "c8", channel="web", received=HOUR + 1))["fresh"] == "late"
    assert world.decide(feedback(0, "d", "c9", duplicate_of="f1"))["shadow"] == Suppression.DUPLICATE


def test_shadow_spends_nothing_and_holds_nobody_up() -> None:
    shadow = rule(id="a_shadow", status="shadow", exclusive_group="g", expected_value=999, budget_per_day=2)
    live = rule(id="live", exclusive_group="g")
    world = World(shadow, live, caps=[{"count": 1, "within": "1d"}])
    assert world.decide(feedback()) == {"a_shadow": "shadow", "live": "acted"}
    assert world.partition.spent == {}


def test_drafts_are_not_run() -> None:
    assert World(rule(status="draft")).decide(feedback()) == {}


def test_the_global_holdout_is_touched_by_no_rule_but_alarms_ring() -> None:
    alarm = rule(id="alarm", action={"kind": "escalation"})
    world = World(rule(), alarm, global_holdout=0.3, salt="s")
    answers = {f"c{n}": world.decide(feedback(0, f"f{n}", f"c{n}")) for n in range(300)}
    held = {customer for customer, answer in answers.items() if answer["demo"] == "global_holdout"}
    assert held == {customer for customer in answers if Holdout("s", 0.3).untouched(customer)}
    assert 60 < len(held) < 120
    assert {answer["alarm"] for answer in answers.values()} == {"acted"}


def test_holdout_is_sticky_fair_and_free() -> None:
    world = World(rule(holdout=0.2, cooldown="1h", budget_per_day=10_000))
    first = {f"c{n}": world.decide(feedback(0, f"a{n}", f"c{n}"))["demo"] for n in range(1000)}
    again = {f"c{n}": world.decide(feedback(DAY, f"b{n}", f"c{n}"))["demo"] for n in range(1000)}
    assert first == again
    held = sum(arm == "holdout" for arm in first.values())
    assert 160 < held < 240
    assert world.partition.spent["demo"] == [(T0 + DAY) // DAY, 1000 - held]


def test_a_ramp_only_ever_adds_customers_and_is_in_the_propensity() -> None:
    ramp = {"begins": "2026-03-02T02:00:00Z", "over": "10d", "start": "10%", "end": "50%"}
    world = World(rule(ramp=ramp, holdout=0.1, cooldown="1ms"))

    def reached(day: int) -> set[int]:
        answers = {n: world.decide(feedback(day * DAY, f"{day}.{n}", f"c{n}"))["demo"] for n in range(400)}
        return {n for n, answer in answers.items() if answer != "ramp"}

    days = [reached(day) for day in (0, 5, 20)]
    assert days[0] < days[1] < days[2]
    assert [round(len(day) / 400, 1) for day in days] == [0.1, 0.3, 0.5]
    decided = world.take(feedback(21 * DAY, "x", "c1"), 0)
    assert decided[0].decision["propensity"] == pytest.approx(0.5 * 0.9)


@pytest.mark.parametrize("partitions", [1, 3, 7, 16])
def test_budgets_of_all_partitions_add_up_every_day(partitions: int) -> None:
    budgeted = rule(budget_per_day=100, cost=7)
    for day in range(20_000, 20_030):
        shares = [allowance(budgeted, day, partition, partitions) for partition in range(partitions)]
        assert sum(shares) == 14
        assert max(shares) - min(shares) <= 1


def test_a_spent_budget_survives_a_restart_and_a_new_day_renews_it() -> None:
    spending = rule(budget_per_day=4, cost=2, cooldown="1ms")
    world = World(spending)
    assert [world.decide(feedback(n, f"f{n}", f"c{n}"))["demo"] for n in range(3)] == [
        "acted",
        "acted",
        "budget",
    ]
    restarted = World(spending)
    restarted.partition = PartitionState.load(0, 1, world.partition.dump())
    assert restarted.decide(feedback(9, "f9", "c9"))["demo"] == "budget"
    assert restarted.decide(feedback(DAY, "g1", "c9"))["demo"] == "acted"
    late = feedback(HOUR, "g2", "c7")
    assert restarted.decide(late)["demo"] == "acted", "a record of yesterday is charged today"
    assert restarted.decide(feedback(HOUR, "g3", "c8"))["demo"] == "budget"


def test_one_alert_for_a_cluster_whoever_speaks() -> None:
    alert = rule(subject="cluster", action={"kind": "notify"}, cooldown="1h")
    world = World(alert)
    first = world.take(feedback(0, "a", "c1"), 0)
    assert [item.key for item in first] == ["k1"]
    assert world.decide(feedback(1, "b", "c2")) == {"demo": "cooldown"}
    other = World(alert, partition=1, partitions=2)
    elsewhere = other.take(feedback(2, "c", "c3"), 0)
    assert elsewhere[0].action and first[0].action
    assert elsewhere[0].action["action_id"] == first[0].action["action_id"]
