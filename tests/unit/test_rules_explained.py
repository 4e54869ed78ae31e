"""Rules asked about a log: what they would have done, and why they did what they did."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from rules_folder import log
from rules_records import DAY, HOUR, T0, feedback, rule
from rules_world import World, limits

from models.events.decision import Arm, Suppression
from rules.backtest import backtest
from rules.loader import Catalog
from rules.state import CustomerState, short
from rules.why import Kept, explain, recall


def test_backtest_against_live() -> None:
    live = Catalog.of([rule(cooldown="1ms", condition="scores.polarity < -0.2 && customer.tier == 'gold'")])
    tested = Catalog.of([rule(version=2, cooldown="1ms", status="draft"), rule(id="twin", cooldown="1ms")])
    result = backtest(log(), tested, live, limits()).to_json()
    demo = result["rules"]["demo"]
    assert (demo["eligible"], demo["customers"], demo["cost"], demo["overlap"]) == (8, 5, 16.0, {"twin": 8})
    assert demo["tiers"] == {"unknown": 4, "gold": 4}
    assert (demo["live"]["eligible"], demo["only_here"], demo["only_live"]) == (4, 4, 0)
    assert demo["outcomes"] == {"retained": {"mean": 1.0, "n": 2}}, "o2 is outside the window of 30 days"
    capped = backtest(log(), Catalog.of([rule(cooldown="30d")]), live, limits()).to_json()["rules"]["demo"]
    assert (capped["caps_hit"], capped["suppressed"]) == (3, {"cooldown": 3})


def test_why_shows_parts_values_and_the_limit() -> None:
    windows = {"n": {"kind": "count", "within": "7d"}}
    made = rule(
        condition="scores.polarity < -0.2 && (windows.n >= 2 || customer.tier == 'gold')", windows=windows
    )
    world = World(made)
    records = [feedback(number * HOUR, f"f{number}") for number in range(3)]
    texts = []
    for record in records:
        world.take(record, 0)
        before = json.dumps(world.states["c1"].dump())
        (explanation,) = explain(world.engine, record, world.states["c1"], world.partition)
        texts.append("\n".join(explanation.lines()))
        assert json.dumps(world.states["c1"].dump()) == before
    assert "condition does not hold" in texts[0]
    assert "true   scores.polarity < -0.2" in texts[0]
    assert "FALSE  windows.n >= 2" in texts[0]
    assert "windows.n = 1" in texts[0]
    assert texts[1].startswith("demo v1 [live]: acted\n")
    assert texts[2].startswith("demo v1 [live]: suppressed cooldown")
    assert "limit: cooldown of 1d, last 1h before" in texts[2]
    (unseen,) = explain(world.engine, feedback(9 * DAY, "new"), CustomerState(), world.partition, "demo")
    assert not unseen.holds


def test_why_says_until_when_a_rule_waits() -> None:
    silence = {"kind": "absence", "after": {"where": "scores.polarity < -0.2"}, "within": "48h",
               "without": {"event": "action_status"}}  # fmt: skip
    made = rule(condition="scores.polarity < -0.2 && windows.silence", windows={"silence": silence})
    world = World(made)
    record = feedback(0, "f0")
    assert world.take(record, 0) == []
    (explanation,) = explain(world.engine, record, world.states["c1"], world.partition)
    text = "\n".join(explanation.lines())
    assert text.startswith("demo v1 [live]: waits for an absence\n")
    assert f"decides at {datetime.fromtimestamp((T0 + 2 * DAY) / 1000, UTC):%Y-%m-%d %H:%M} UTC" in text


def test_why_believes_the_store_where_others_spent_the_budget() -> None:
    made = rule(cooldown="1ms", cost=5, budget_per_day=50)
    world = World(made)
    records = [feedback(number * HOUR, f"f{number}") for number in range(2)]
    kept = [Kept("demo", Arm.SUPPRESSED, Suppression.BUDGET, 3)]
    for record in records:
        world.take(record, 0)
        recall(world.states["c1"], short(record["feedback_id"]), kept)
    (explanation,) = explain(world.engine, records[1], world.states["c1"], world.partition, kept=kept)
    text = "\n".join(explanation.lines())
    assert text.startswith("demo v1 [live]: suppressed budget\n")
    assert "budget 50 a day at 5 each, spent on that day; decided by version 3" in text
    assert {past.reason for past in world.states["c1"].decisions} == {Suppression.BUDGET}
