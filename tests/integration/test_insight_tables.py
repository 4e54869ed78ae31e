"""Issues, regions, clusters, rates, promises, value index and shadows, on planted truth."""

from __future__ import annotations

import json

import pytest
from planted import DAY, START, Planted, Z, by, filled
from typer.testing import CliRunner

import rules
from models.value_index import ValueWeights, value_index
from ops.cli import app
from ops.embedded.store import EmbeddedStore
from sinks.clickhouse.queries import ask

SHIPPED = f"{rules.__path__[0]}/catalog"
PERIOD = {"from": START, "to": START + 200 * DAY}


def test_top_issues_heat_map_regions_and_clusters(store: EmbeddedStore) -> None:
    plant, middle = Planted(), START + 100 * DAY
    for topic, before, after in (("t.a", 5, 20), ("t.b", 10, 10), ("t.c", 3, 6), ("t.d", 30, 1)):
        for number in range(before + after):
            at = START + number if number < before else middle + 7 * DAY * (number % 2) + number
            plant.says(
                f"{topic}{number}", at, topics=(topic,), worth=10.0, cluster_id=topic, home="Germany",
                region="China" if topic == "t.a" else "", urgency="urgent" if topic == "t.b" else "normal",
            )  # fmt: skip
    plant.says("t.a5", middle + 1, topics=("t.a",), worth=25.0, cluster_id="t.a", channel="web")
    plant.says("nowhere", middle, 0.5, cluster_id="alone")
    client = filled(store, plant)
    late = {"from": middle, "to": START + 200 * DAY}
    top = ask(client, "insight_top_issues", late | {"most": 3})
    assert [(r["topic"], r["customers"], r["customers_before"]) for r in top] == [
        ("t.a", 20, 5), ("t.b", 10, 10), ("t.c", 6, 3)
    ]  # fmt: skip
    assert (top[0]["change"], top[0]["complaints"], top[0]["at_stake"], top[1]["urgent"]) == (
        3.0,
        21,
        215.0,
        10,
    )
    heat = by(ask(client, "insight_heat_map", late | {"most": 2}), "week", "topic")
    assert {topic for _, topic in heat} == {"t.a", "t.b"} and len(heat) == 4
    assert sum(row["customers"] for (_, topic), row in heat.items() if topic == "t.b") == 10
    regions = by(ask(client, "insight_regions", PERIOD | {"z": Z}), "region")
    assert {name: row["events"] for name, row in regions.items()} == {
        "China": 25,
        "Germany": 60,
        "unknown": 2,
    }
    assert regions["China"]["negative_share"] == 1.0 and regions["China"]["top_issue"] == "t.a"
    assert 0.8 < regions["China"]["low"] < 1.0 and regions["unknown"]["negative_share"] == 0.5
    clusters = ask(client, "insight_clusters", PERIOD | {"least": 2, "most": 2})
    assert [(row["cluster_id"], row["customers"]) for row in clusters] == [("t.d", 31), ("t.a", 25)]
    assert clusters[1]["channels"] == 2 and clusters[1]["example"] == "words of t.a0"
    # Aliases join what was said before they were known: t.b to t.d, which later is part of t.c.
    rows = ("'t.b', 't.d'", "'t.d', 't.d'", "'t.d', 't.c'", "'t.c', 't.c'")
    for number, row in enumerate(rows):
        client.command(
            "INSERT INTO cluster_aliases (_topic, _partition, _offset, cluster_id, issue_id, at) "
            f"VALUES ('feedback.issues@x', 0, {number}, {row}, {START})"
        )
    joined = ask(client, "insight_clusters", PERIOD | {"least": 2, "most": 9})
    assert [(row["cluster_id"], row["customers"]) for row in joined] == [("t.c", 60), ("t.a", 25)]
    assert joined[0]["example"] == "words of t.b0"


def test_duplicates_classification_and_coverage(store: EmbeddedStore) -> None:
    plant = Planted()
    ids = [plant.says(f"c{n}", START + n, topics=("t.a",) if n < 6 else (), channel="app") for n in range(8)]
    plant.says(
        "c1", START + 90, topics=("t.b",), channel="web", duplicate_of=ids[1], lang="zh", confidence=0.4
    )
    plant.says("v-1", START + 91, 0.9, topics=("t.a",), channel="web", linked=False)
    for number in range(2):
        plant.fact(f"c{number}", "dropped", "duplicate", START + 5, value="feedback", feedback_id=ids[number])
    plant.fact("c3", "dropped", "duplicate", START + 5, value="customer")
    plant.fact("silent", "customer", "profile", START)
    for number, topic in ((0, "t.a"), (1, "t.z")):
        plant.fact(
            f"c{number}", "label", "topics", START + 9, feedback_id=ids[number], model="topics", value=topic
        )
    plant.decides("c0", START, "acted", ids[0], "rescue")
    plant.decides("c1", START, "holdout", ids[1], "rescue")
    client = filled(store, plant)
    twice = by(ask(client, "insight_duplicates", PERIOD), "channel")
    assert (twice["all"]["received"], twice["all"]["repeated"], twice["all"]["same_words"]) == (12, 2, 1)
    assert twice["all"]["duplicate_rate"] == 3 / 12 and twice["web"]["duplicate_rate"] == 1 / 2
    filed = by(ask(client, "insight_classification", PERIOD | {"confident": 0.6}), "lang")
    assert (filed["all"]["events"], filed["all"]["topic_rate"], filed["all"]["automatic_rate"]) == (
        10,
        0.8,
        0.7,
    )
    assert (filed["all"]["corrected"], filed["all"]["agreement"]) == (2, 0.5)
    assert filed["zh"]["settled_rate"] == 0.0
    reach = by(ask(client, "insight_coverage", PERIOD), "channel")
    assert reach["all"]["heard_share"] == 8 / 9 and reach["all"]["linked_share"] == 0.9
    assert (reach["all"]["negative"], reach["all"]["eligible_share"]) == (9, 2 / 9)
    assert reach["all"]["acted_share"] == 1 / 9 and reach["web"]["acted_share"] == 0.0


def test_promises_are_judged_only_when_they_are_due(store: EmbeddedStore) -> None:
    plant, minute, now = Planted(), 60_000, START + 10 * DAY
    # urgent, one hour: in time, late, never (due), and one that still has time
    waits: list[tuple[int | None, int | None, int]] = [
        (30, 10, START), (90, 30, START), (None, None, START), (None, None, now - 20 * minute)
    ]  # fmt: skip
    for number, (answer, hours, at) in enumerate(waits):
        customer = f"u{number}"
        feedback = plant.says(customer, at, urgency="urgent", minutes=60)
        action = plant.acts(customer, plant.decides(customer, at, "acted", feedback, "r"), feedback, at)
        if answer is not None and hours is not None:
            plant.answers(customer, action, "accepted", at + answer * minute)
            plant.answers(customer, action, "resolved", at + hours * 60 * minute)
    rows = by(
        ask(filled(store, plant), "insight_targets", {"from": START, "to": now, "now": now, "z": Z}),
        "urgency",
    )
    row = rows["urgent"]
    assert (row["actions"], row["answer_target_minutes"]) == (4, 60.0)
    assert row["answer_share"] == pytest.approx(1 / 3) and row["resolve_share"] == pytest.approx(1 / 3)
    assert row["answer_low"] < 1 / 3 < row["answer_high"]
    assert row["answer_p90"] == 90.0 and row["resolve_hours_p50"] in (10.0, 30.0)


def test_the_value_index_is_that_of_the_models(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = Planted()
    # S = 82: 41 of 50 resolved; T = 35: from -.6 to -.25; R = 200: lifetime value from 100 to 300.
    for number in range(50):
        customer = f"c{number}"
        feedback = plant.says(customer, START, -0.6, ("t.a",), worth=100.0)
        plant.says(customer, START + DAY, -0.25, ("t.other",), scored_kind="question", worth=100.0)
        plant.says(customer, START + 90 * DAY, 1.0, scored_kind="praise")  # too long after to count
        plant.fact(customer, "customer", "profile", START + 5 * DAY, lifetime_value=300.0)
        action = plant.acts(customer, plant.decides(customer, START, "acted", feedback, "r"), feedback, START)
        if number < 41:
            plant.answers(customer, action, "resolved", START + DAY)
    weights = ValueWeights()
    asked = PERIOD | {
        "days": 30.0, "alpha": weights.alpha, "beta": weights.beta, "gamma": weights.gamma, "least": 5
    }  # fmt: skip
    client = filled(store, plant)
    (row,) = ask(client, "insight_value_index", asked)
    assert (row["topic"], row["customers"], row["spoke_again"]) == ("t.a", 50, 50)
    parts = (row["improvement"], row["reputation"], row["lifetime"])
    assert parts == pytest.approx((82.0, 35.0, 200.0), abs=1e-5)
    assert row["value"] == pytest.approx(value_index(*parts, weights).value, abs=1e-3)
    assert row["value"] == pytest.approx(82.7, abs=1e-3)
    monkeypatch.setenv("HARK_CLICKHOUSE_URL", store.url)
    monkeypatch.setenv("HARK_CLICKHOUSE_DATABASE", str(client.database))
    whole = ["value", "--days", "10000"]
    told = json.loads(CliRunner().invoke(app, [*whole, "--json"]).output)
    assert told["weights"] == {"alpha": 0.35, "beta": 0.4, "gamma": 0.2}
    assert told["topics"][0]["value"] == pytest.approx(82.7, abs=1e-3)
    monkeypatch.setenv("HARK_VALUE_LIFETIME", "0")
    said = CliRunner().invoke(app, whole).output
    assert "V = 0.35·S + 0.4·T + 0.0·R" in said and "42.7" in said and "200.0" in said


def test_rules_in_shadow_say_what_they_would_have_done(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = Planted()
    for number in range(6):
        customer, at = f"s{number}", START + number
        said = plant.says(customer, at)
        stopped = number >= 4
        plant.decides(customer, at, "shadow", said, "tried", reason="cooldown" if stopped else "", cost=3.0)
        plant.decides(
            customer, at, "acted" if number else "suppressed", said, "live", reason="" if number else "x"
        )
        plant.fact(customer, "outcome", "retained", at + DAY, value=float(number % 2))
        plant.fact(customer, "outcome", "retained", at + 11 * DAY, value=1.0)
    plant.decides("s0", START + 9, "shadow", plant.says("s0", START + 9), "other")
    client = filled(store, plant)
    (row,) = ask(client, "shadow", {"rule": "tried"})
    assert (row["eligible"], row["would_act"], row["customers"], row["cost"]) == (6, 4, 4, 12.0)
    assert (row["limits"], row["tiers"], row["overlap"]) == ({"cooldown": 2}, {"gold": 4}, {"live": 3})
    assert row["outcomes"] == {"retained": (0.5, 4)} and row["who"] == ["s0", "s1", "s2", "s3"]
    monkeypatch.setenv("HARK_CLICKHOUSE_URL", store.url)
    monkeypatch.setenv("HARK_CLICKHOUSE_DATABASE", str(client.database))
    said = CliRunner().invoke(app, ["rules", "shadow"]).output
    assert "other: eligible 1, would act 1 on 1 customers" in said
    assert "  known outcomes: retained 0.5 of 4" in said and "  limits: cooldown 2" in said
    told = json.loads(CliRunner().invoke(app, ["rules", "shadow", "--json", "--rule", "other"]).output)
    assert [one["rule"] for one in told["rules"]] == ["other"]
    told = json.loads(
        CliRunner().invoke(app, ["rules", "backtest", "--from", "store", "--live", SHIPPED, "--json"]).output
    )
    assert told["records"] == 19 and told["days"] == 11
