"""What counts for a customer and an arm, each on a store planted for it."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pytest
from trial_world import DAY, START, Plant, Z, of

from ops.embedded.store import EmbeddedStore
from ops.uplift.report import uplift_report
from sinks.clickhouse import Client
from sinks.clickhouse.queries import ask, load, names


def test_every_query_documents_its_parameters() -> None:
    assert len(names()) >= 8
    for name in names():
        text = load(name)
        kinds = r"(?:String|Float64|U?Int\d+|Array\(\w+\))"
        lines = re.findall(rf"^--\s{{3}}([\w, ]+?) {kinds}\b", text, re.M)
        told = {word for line in lines for word in re.findall(r"\w+", line)}
        used = set(re.findall(rf"\{{(\w+):{kinds}\}}", text))
        assert told == used, name
        # The roll-up merges states of distinct ids, so repeats count once without FINAL.
        assert "final = 1" in text or "FINAL" in text or "FROM feedback_hourly" in text, name
        assert text.startswith("--"), name


def test_what_counts_for_a_customer(store: EmbeddedStore, client: Client) -> None:
    plant = Plant()
    plant.becomes("clock", "visit", START + 100 * DAY)  # makes "now" a hundred days later
    at = START + 50 * DAY
    for customer in ("first", "silent", "edge", "lost", "buyer"):
        plant.decides(customer, at, "acted")
    plant.decides("first", at + DAY, "holdout")  # a later trigger of another arm does not count
    plant.decides("first", at - DAY, "suppressed")
    plant.decides("pending", START + 90 * DAY, "holdout")
    plant.becomes("pending", "visit", START + 91 * DAY)
    plant.becomes("edge", "visit", at)  # not after the trigger
    plant.becomes("edge", "renewal", at + 14 * DAY)  # the window's last moment
    plant.becomes("edge", "reply", at + 14 * DAY + 1)  # too late
    plant.becomes("lost", "retained", at + DAY)
    plant.becomes("lost", "churned", at + 2 * DAY)
    plant.becomes("buyer", "satisfaction", at + DAY, 4.0)
    plant.becomes("buyer", "satisfaction", at + 2 * DAY, 2.0)
    plant.does("buyer", "purchase", at - 2 * DAY, 80.0)
    plant.does("buyer", "purchase", at + DAY, 50.0)
    plant.does("buyer", "refund", at + 3 * DAY, 20.0)
    plant.does("silent", "cancellation", at + 20 * DAY)
    plant.store(store, client)

    units = dict(client.query("SELECT customer_id, treated FROM trial_units").result_rows)
    assert units == {"first": 1, "silent": 1, "edge": 1, "lost": 1, "buyer": 1, "pending": 0}
    assert of(client, "pending", "visit") is None
    assert of(client, "silent", "visit") == 0 and of(client, "silent", "revenue") == 0
    assert of(client, "silent", "churned") == 0
    assert of(client, "silent", "retained") is None and of(client, "silent", "satisfaction") is None
    assert [of(client, "edge", metric) for metric in ("visit", "renewal", "reply")] == [0, 1, 0]
    assert of(client, "lost", "retained") == 0 and of(client, "lost", "churned") == 1
    assert of(client, "buyer", "satisfaction") == 3 and of(client, "buyer", "purchase") == 1
    assert of(client, "buyer", "revenue") == 30
    before = client.query(
        "SELECT DISTINCT spend_before FROM trial_values WHERE customer_id = 'buyer'"
    ).result_rows
    assert before == [(80,)]


def test_a_segment_that_is_hurt_is_named(store: EmbeddedStore, client: Client) -> None:
    plant = Plant()
    rng = np.random.default_rng(9)
    for number in range(4000):
        tier, treated = ("gold", "silver")[number % 2], bool(rng.random() < 0.8)
        plant.decides(f"n{number}", START, "acted" if treated else "holdout", tier=tier)
        effect = -0.25 if tier == "silver" else 0.25
        plant.becomes(f"n{number}", "retained", START + DAY, float(rng.random() < 0.6 + effect * treated))
    plant.becomes("clock", "visit", START + 50 * DAY)
    plant.store(store, client)
    parts = {row["segment"]: row for row in uplift_report(client, "rescue", "retained", "tier")}
    assert (parts["gold"]["verdict"], parts["gold"]["suggestion"]) == ("helps", None)
    assert (parts["silver"]["verdict"], parts["silver"]["suggestion"]) == ("hurts", "stop for silver")


def test_retention_is_kaplan_meier(store: EmbeddedStore, client: Client) -> None:
    plant = Plant()
    now = START + 60 * DAY
    plant.does("clock", "login", now)
    rng = np.random.default_rng(5)
    lives: dict[bool, list[tuple[int, bool]]] = defaultdict(list)
    for number in range(400):
        customer, treated = f"k{number}", number % 2 == 0
        followed = int(rng.integers(5, 60))
        plant.decides(customer, now - followed * DAY, "acted" if treated else "holdout")
        leaves = int(rng.geometric(0.02 if treated else 0.05))
        if leaves <= followed:
            plant.becomes(customer, "churned", now - followed * DAY + leaves * DAY - 1000)
        lives[treated].append((min(leaves, followed), leaves <= followed))
    plant.store(store, client)
    rows = ask(client, "retention", {"rule": "rescue", "days": 30, "z": Z})
    for treated in (True, False):
        curve, stays = [row for row in rows if row["treated"] == treated], 1.0
        assert [row["day"] for row in curve] == list(range(1, 31))
        for row in curve:
            at_risk = sum(length >= row["day"] for length, _ in lives[treated])
            lost = sum(length == row["day"] and left for length, left in lives[treated])
            stays *= 1 - lost / at_risk
            assert (row["at_risk"], row["lost"]) == (at_risk, lost)
            assert row["retained"] == pytest.approx(stays)
            assert row["low"] is None or row["low"] < row["retained"] < row["high"]
    assert rows[-1]["treated"] and rows[-1]["retained"] > rows[29]["retained"]


def test_satisfaction_change_finds_the_planted_one(store: EmbeddedStore, client: Client) -> None:
    plant = Plant()
    rng = np.random.default_rng(6)
    for number in range(600):
        customer, treated, at = f"s{number}", number % 3 > 0, START + 40 * DAY
        plant.says(customer, at - 5 * DAY, float(rng.normal(-0.4, 0.2)))
        plant.decides(customer, at, "acted" if treated else "holdout", plant.says(customer, at, -0.6))
        if rng.random() < 0.7:
            plant.says(customer, at + 3 * DAY, float(rng.normal(0.1 if treated else -0.2, 0.2)))
    plant.does("clock", "login", START + 90 * DAY)
    plant.store(store, client)
    (row,) = ask(client, "satisfaction", {"rule": "", "z": Z})
    assert row["low"] < 0.3 < row["high"] and row["high"] - row["low"] < 0.12
    assert 0.6 < row["spoke1"] < 0.8 and 0.6 < row["spoke0"] < 0.8


def test_a_mismatch_of_sizes_blocks_the_verdict(store: EmbeddedStore, client: Client) -> None:
    plant = Plant()
    for number in range(1000):
        plant.decides(f"m{number}", START, "acted" if number % 2 else "holdout")
        plant.becomes(f"m{number}", "retained", START + DAY, float(number % 2))
    plant.becomes("clock", "visit", START + 50 * DAY)
    plant.store(store, client)
    (row,) = uplift_report(client, metric="retained")
    assert row["srm"]["p"] < 1e-6 and row["verdict"].startswith("blocked")


def test_an_empty_store_has_nothing_to_say(client: Client) -> None:
    assert uplift_report(client) == []
    for name, more in (("srm", {}), ("satisfaction", {"z": Z}), ("uplift_weighted", {"metric": "", "z": Z})):
        assert ask(client, name, {"rule": ""} | more) == []


def test_hourly_counts_ignore_repeats(store: EmbeddedStore, client: Client) -> None:
    plant = Plant()
    for number in range(50):
        plant.says(f"h{number % 5}", START + number * 1000, 0.5 if number % 2 else -0.5)
    plant.log += plant.log[:20]
    plant.store(store, client)
    counts = "uniqCombined64Merge(events), uniqCombined64Merge(negative), uniqMerge(voices)"
    assert client.query(f"SELECT {counts} FROM feedback_hourly").result_rows == [(50, 25, 5)]
