"""What goes with churn, renewal and praise, and what occurs together, on planted truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from planted import DAY, START, Planted, Z, by, filled

from ops.embedded.store import EmbeddedStore
from sinks.clickhouse import Client
from sinks.clickhouse.queries import ask

SEED = 11
PERIOD = {"from": START, "to": START + 200 * DAY}
PRECEDE = {"outcome": "churned", "mood": "negative", "period_days": 14.0, "least": 20, "z": Z}


@pytest.fixture(scope="module")
def churn(store: EmbeddedStore) -> Client:
    """Plant customers of two tiers: bronze leaves more and complains more of the price.

    The price does nothing by itself (confounded by tier), defects add .2, fixes take .15 away.
    """
    rng, plant = np.random.default_rng(SEED), Planted()
    plant.says("first", START, topics=("other.thing",))
    plant.fact("last", "customer", "visit", START + 60 * DAY)
    for number in range(4000):
        bronze = bool(rng.random() < 0.5)
        shares = (0.6, 0.2, 0.2) if bronze else (0.1, 0.45, 0.45)
        topic = str(rng.choice(["price.expensive", "quality.defect", "service.fixed"], p=shares))
        risk = (0.45 if bronze else 0.2) + {"quality.defect": 0.2, "service.fixed": -0.15}.get(topic, 0.0)
        customer, at = f"c{number}", START + int(rng.integers(1, 14 * DAY))
        plant.says(customer, at, topics=(topic,), tier="bronze" if bronze else "gold")
        if rng.random() < risk:
            plant.fact(
                customer, "outcome", "churned", START + 14 * DAY + int(rng.integers(1, 14 * DAY)), value=1.0
            )
        if rng.random() < 0.1:  # said after they had left or while it is pending: no part of it
            plant.says(customer, START + 55 * DAY, topics=("price.expensive",))
    return filled(store, plant)


def test_what_precedes_churn_is_adjusted_for_what_else_differs(churn: Client) -> None:
    rows = by(ask(churn, "insight_precede", PRECEDE), "topic")
    price, defect, fixed = (rows[t] for t in ("price.expensive", "quality.defect", "service.fixed"))
    # Crudely the price looks as bad as a defect; within tiers it lies between the other two.
    assert price["rate"] - price["rate_others"] > 0.05
    # Truth: price against the even mix of the others is -.025, defect against price and fixed by tier.
    assert price["low"] < -0.025 < price["high"] and price["low"] < 0
    assert defect["low"] > 0.15 and defect["high"] < 0.35 and defect["q"] < 1e-6
    assert fixed["high"] < -0.15 and fixed["q"] < 1e-6
    assert price["delta"] < 0.5 * (price["rate"] - price["rate_others"])


def test_the_adjusted_difference_covers_the_truth_and_tests_hold_their_level(store: EmbeddedStore) -> None:
    # Twelve topics that do nothing, risk that depends on tier: no more than chance may be found.
    rng, plant = np.random.default_rng(SEED + 1), Planted()
    plant.fact("last", "customer", "visit", START + 60 * DAY)
    for number in range(3000):
        bronze, customer = bool(rng.random() < 0.5), f"n{number}"
        topic = f"t.n{rng.integers(12)}"
        plant.says(customer, START + number, topics=(topic,), tier="bronze" if bronze else "gold")
        if rng.random() < (0.4 if bronze else 0.1):
            plant.fact(customer, "outcome", "churned", START + 20 * DAY, value=1.0)
    rows = ask(filled(store, plant), "insight_precede", PRECEDE)
    assert len(rows) == 12
    assert sum(row["low"] <= 0 <= row["high"] for row in rows) >= 10
    assert min(row["q"] for row in rows) > 0.05


def test_the_risk_difference_equals_mantel_haenszel_by_hand(store: EmbeddedStore) -> None:
    plant, counts = Planted(), {"gold": (30, 12, 70, 14), "bronze": (60, 30, 40, 10)}
    plant.fact("last", "customer", "visit", START + 60 * DAY)
    for tier, (n1, y1, n0, y0) in counts.items():
        for exposed, n, y in ((True, n1, y1), (False, n0, y0)):
            for number in range(n):
                customer = f"{tier}{exposed}{number}"
                topic = "quality.defect" if exposed else "other.thing"
                plant.says(customer, START + number, topics=(topic,), tier=tier)
                if number < y:
                    plant.fact(customer, "outcome", "churned", START + 20 * DAY, value=1.0)
    row = by(ask(filled(store, plant), "insight_precede", PRECEDE), "topic")["quality.defect"]
    weight = sum(n1 * n0 / (n1 + n0) for n1, _, n0, _ in counts.values())
    delta = sum((y1 * n0 - y0 * n1) / (n1 + n0) for n1, y1, n0, y0 in counts.values()) / weight
    p = sum(
        (n1**2 * y0 - n0**2 * y1 + n1 * n0 * (n0 - n1) / 2) / (n1 + n0) ** 2
        for n1, y1, n0, y0 in counts.values()
    )
    q = sum((y1 * (n0 - y0) + y0 * (n1 - y1)) / (2 * (n1 + n0)) for n1, y1, n0, y0 in counts.values())
    se = math.sqrt(delta * p + q) / weight
    assert row["delta"] == pytest.approx(delta, abs=1e-9)
    assert (row["low"], row["high"]) == pytest.approx((delta - Z * se, delta + Z * se), abs=1e-9)
    excess = sum(y1 - n1 * (y1 + y0) / (n1 + n0) for n1, y1, n0, y0 in counts.values())
    v = sum(
        n1 * n0 * (y1 + y0) * (n1 + n0 - y1 - y0) / ((n1 + n0) ** 2 * (n1 + n0 - 1))
        for n1, y1, n0, y0 in counts.values()
    )
    assert row["p"] == pytest.approx(math.erfc(math.sqrt(excess**2 / v / 2)), rel=1e-6)


def test_renewal_and_praise(store: EmbeddedStore) -> None:
    rng, plant = np.random.default_rng(SEED + 2), Planted()
    plant.fact("last", "customer", "visit", START + 100 * DAY)
    for number in range(2000):
        customer, loves = f"r{number}", bool(rng.random() < 0.4)
        topic = "praise.service" if loves else "praise.general"
        plant.says(customer, START + number, 0.8, (topic,), tier=str(rng.choice(["gold", "silver"])))
        if rng.random() < 0.2 + 0.2 * loves:
            plant.fact(customer, "customer", "renewal", START + 20 * DAY)
        amount = float(rng.gamma(2.0, 20.0) + 15.0 * loves)
        plant.fact(customer, "customer", "purchase", START + 35 * DAY, amount=amount)
    client = filled(store, plant)
    asked = PRECEDE | {"outcome": "renewal", "mood": "positive"}
    row = by(ask(client, "insight_precede", asked), "topic")["praise.service"]
    assert 0.2 - 0.09 < row["low"] < 0.2 < row["high"] < 0.2 + 0.09
    value = by(ask(client, "insight_praise_value", {"period_days": 28.0, "least": 20, "z": Z}), "topic")
    assert value["praise.service"]["low"] < 15.0 < value["praise.service"]["high"]
    assert value["praise.service"]["low"] > 5.0 and value["praise.service"]["q"] < 1e-3
    assert value["praise.general"]["delta"] == pytest.approx(-value["praise.service"]["delta"], rel=1e-9)


def test_pairs_above_chance_by_an_exact_test(store: EmbeddedStore) -> None:
    plant = Planted()
    counts = {
        ("kettle", "t.leak"): 30,
        ("kettle", "t.slow"): 10,
        ("lamp", "t.leak"): 10,
        ("lamp", "t.slow"): 50,
    }
    for (product, topic), n in counts.items():
        for number in range(n):
            customer = f"{product}{topic}{number}"
            plant.says(customer, START + number, topics=(topic,), product=product)
            plant.says(customer, START + number + 9, topics=(topic,), product=product)  # twice is once
    plant.says("happy", START, 0.9, ("t.leak",), product="lamp")
    rows = by(ask(filled(store, plant), "insight_pairs", PERIOD | {"least": 5}), "product", "topic")
    row, total = rows["kettle", "t.leak"], 100
    assert (row["customers"], row["expected"]) == (30, 16.0)
    assert (row["lift"], row["support"], row["confidence"]) == (30 / 16, 0.3, 0.75)
    exact = sum(math.comb(40, k) * math.comb(60, 40 - k) for k in range(30, 41)) / math.comb(total, 40)
    assert row["p"] == pytest.approx(exact, rel=1e-6) and row["q"] == pytest.approx(2 * exact, rel=1e-6)
    assert rows["kettle", "t.slow"]["p"] > 0.99 and rows["kettle", "t.slow"]["lift"] < 1
