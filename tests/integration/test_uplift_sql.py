"""The queries on planted truth, and their figures against the same ones computed in Python."""

from __future__ import annotations

import asyncio
import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest

from models.uplift import qini, srm, weighting
from models.uplift.moments import Moments
from models.uplift.sequential import always_valid
from models.uplift.trial import compare
from ops.embedded.store import EmbeddedStore
from ops.uplift.report import policy, uplift_report
from ops.uplift.text import policy_sheet, report_sheet
from sinks.base import Slice
from sinks.clickhouse import ClickHouseSink, Client, Schema, connect
from sinks.clickhouse.queries import ask, load, names

DAY = 86_400_000
START = 1_750_000_000_000
Z = 1.959963984540054
UPLIFT = {"rule": "", "metric": "", "by": "", "covariate": "churn", "z": Z, "alpha": 0.05, "plan": 5000}
_serial = itertools.count()


class Plant:
    """Makes a store's content event by event."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self.decisions: list[dict[str, Any]] = []

    def says(self, customer: str, at: int, polarity: float = -0.5, **more: Any) -> str:
        ident = f"f{next(_serial)}"
        scores = {"polarity": polarity, "churn": more.pop("churn", 0.5)}
        about = {"tier": more.pop("tier", "gold"), "money": more.pop("money", 10.0)}
        self.log.append(
            {"event": "feedback", "feedback_id": ident, "customer_id": customer, "occurred_at": at,
             "received_at": START, "scores": scores, "customer": about}
        )  # fmt: skip
        return ident

    def decides(self, customer: str, at: int, arm: str, feedback: str = "", **more: Any) -> None:
        row = {
            "decision_id": f"d{next(_serial)}", "feedback_id": feedback, "customer_id": customer,
            "rule_id": "rescue",
            "arm": arm, "propensity": 0.8, "holdout_share": 0.2, "cost": 2.0 if arm == "acted" else 0.0,
            "tier": "gold", "channel": "app", "topic": "service", "attribution_days": 14.0, "occurred_at": at,
            "received_at": START,
        }  # fmt: skip
        self.decisions.append(row | more)

    def becomes(self, customer: str, kind: str, at: int, value: float = 1.0) -> None:
        self.log.append(
            {"event": "outcome", "id": f"o{next(_serial)}", "customer_id": customer, "kind": kind,
             "value": value, "occurred_at": at, "received_at": START}
        )  # fmt: skip

    def does(self, customer: str, kind: str, at: int, amount: float | None = None) -> None:
        self.log.append(
            {"event": "customer", "id": f"e{next(_serial)}", "customer_id": customer, "kind": kind,
             "amount": amount, "occurred_at": at, "received_at": START}
        )  # fmt: skip

    def store(self, store: EmbeddedStore, client: Client) -> None:
        async def run() -> None:
            sink = ClickHouseSink(store.url, database=client.database)
            await sink.start()
            batch = []
            for topic, rows in (("feedback.scored", self.log), ("decisions", self.decisions)):
                records = [(offset, orjson.dumps(row)) for offset, row in enumerate(rows)]
                batch.append(Slice(topic, 0, 0, len(records), records))
            written = await sink.write(batch)
            assert written.rows == len(self.log) + len(self.decisions)
            await sink.close()

        asyncio.run(run())


@pytest.fixture(scope="module")
def store() -> Iterator[EmbeddedStore]:
    with asyncio.Runner() as runner:
        store = EmbeddedStore()
        runner.run(store.start())
        yield store
        runner.run(store.stop())


def fresh(store: EmbeddedStore) -> Client:
    client = connect(store.url)
    Schema(client, f"u{next(_serial)}").migrate()
    return client


@pytest.fixture
def client(store: EmbeddedStore) -> Iterator[Client]:
    client = fresh(store)
    yield client
    client.command(f"DROP DATABASE {client.database} SYNC")
    client.close()


@pytest.fixture(scope="module")
def trial(store: EmbeddedStore) -> Iterator[Client]:
    """Two rules with 2,500 customers each: `rescue` adds .15 to retention, `nagging` takes .2 away."""
    rng = np.random.default_rng(21)
    plant = Plant()
    for rule, effect in (("rescue", 0.15), ("nagging", -0.2)):
        for number in range(2500):
            customer, at = f"{rule}{number}", START + int(rng.integers(30 * DAY))
            late = at > START + 15 * DAY
            held = 0.5 if late else 0.2
            treated = bool(rng.random() > held)
            churn, tier = float(rng.random()), str(rng.choice(["gold", "silver"]))
            feedback = plant.says(customer, at, churn=churn, tier=tier, money=float(rng.exponential(50)))
            plant.decides(
                customer, at, "acted" if treated else "holdout", feedback, rule_id=rule, tier=tier,
                holdout_share=held, propensity=1 - held,
            )  # fmt: skip
            stays = rng.random() < 0.75 - 0.4 * churn + effect * treated - 0.1 * late
            plant.becomes(customer, "retained", at + 13 * DAY, float(stays))
            if not stays:
                plant.becomes(customer, "churned", at + int(rng.integers(1, 13 * DAY)))
            if rng.random() < 0.4:
                plant.does(
                    customer, "purchase", at + int(rng.integers(1, 13 * DAY)), float(rng.exponential(30))
                )
            if rng.random() < 0.4:
                plant.does(customer, "purchase", at - DAY, 25.0)
    client = fresh(store)
    plant.store(store, client)
    yield client
    client.close()


def values(client: Client, rule: str, metric: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return the customers of a trial, column by column, as the view has them."""
    rows = client.query(
        "SELECT treated, value, churn, money, holdout_share, since, spent FROM trial_values"
        f" WHERE rule_id = '{rule}' AND metric = '{metric}' AND value IS NOT NULL"
    ).result_rows
    columns = [np.array(column, dtype=float) for column in zip(*rows, strict=True)]
    found = dict(zip(("treated", "value", "churn", "money", "held", "since", "spent"), columns, strict=True))
    return found | {"treated": found["treated"] > 0}


def of(client: Client, customer: str, metric: str) -> Any:
    query = f"SELECT value FROM trial_values WHERE customer_id = '{customer}' AND metric = '{metric}'"
    return client.query(query).result_rows[0][0]


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


@pytest.mark.parametrize("rule", ["rescue", "nagging"])
@pytest.mark.parametrize("metric", ["retained", "churned", "purchase", "revenue"])
def test_sql_and_python_agree(trial: Client, rule: str, metric: str) -> None:
    (row,) = ask(trial, "uplift", UPLIFT | {"rule": rule, "metric": metric})
    rows = values(trial, rule, metric)
    t, y, x = rows["treated"], rows["value"], rows["churn"]
    found = compare(metric, y[t], y[~t], rate=metric != "revenue", covariates=(x[t], x[~t]))
    assert found.cuped is not None
    assert (row["n1"], row["n0"]) == (t.sum(), (~t).sum())
    pairs = {
        "treated": found.treated.mean, "control": found.control.mean, "delta": found.interval.delta,
        "low": found.interval.low, "high": found.interval.high, "lift": found.lift.delta,
        "sequential_low": found.sequential.low, "sequential_high": found.sequential.high,
        "sequential_p": found.sequential.p, "theta": found.cuped.theta, "cuped_delta": found.cuped.delta,
        "cuped_low": found.cuped.low, "cuped_high": found.cuped.high,
        "cuped_reduction": found.cuped.reduction,
    }  # fmt: skip
    for name, value in pairs.items():
        assert row[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name
    assert row["method"] == found.method


def test_the_arms_sizes_agree_with_python(trial: Client) -> None:
    units = trial.query("SELECT treated, holdout_share FROM trial_units WHERE rule_id = 'rescue'").result_rows
    sizes = [sum(t for t, _ in units), sum(1 - t for t, _ in units)]
    expected = srm.check(sizes, [sum(1 - h for _, h in units), sum(h for _, h in units)])
    (row,) = ask(trial, "uplift", UPLIFT | {"rule": "rescue", "metric": "retained"})
    assert (row["srm_chi2"], row["srm_p"]) == pytest.approx((expected.chi2, expected.p), abs=1e-9)
    last = ask(trial, "srm", {"rule": "rescue"})[-1]
    assert (last["treated"], last["held_out"]) == tuple(sizes)
    assert last["p"] == pytest.approx(expected.p, abs=1e-9)


def test_weights_give_back_the_planted_effects(trial: Client) -> None:
    for rule, effect in (("rescue", 0.15), ("nagging", -0.2)):
        (row,) = ask(trial, "uplift_weighted", {"rule": rule, "metric": "retained", "z": Z})
        rows = values(trial, rule, "retained")
        found = weighting.weighted(rows["value"], rows["treated"], 1 - rows["held"])
        assert row["shares"] == 2
        assert (row["delta"], row["low"], row["high"]) == pytest.approx(
            (found.delta, found.low, found.high), rel=1e-6
        )
        assert row["low"] < effect < row["high"]


def test_the_report_says_who_helps_and_who_hurts(trial: Client) -> None:
    rows = {(row["rule"], row["metric"]): row for row in uplift_report(trial)}
    assert rows["rescue", "retained"]["verdict"] == "helps"
    assert rows["nagging", "retained"]["verdict"] == "hurts"
    assert rows["nagging", "churned"]["verdict"] == "hurts"
    assert rows["rescue", "purchase"]["verdict"].startswith("not yet, needs about")
    money = rows["rescue", "revenue"]["money"]
    assert money["cost"] == 2.0 * rows["rescue", "revenue"]["n_treated"]
    assert money["net"] == pytest.approx(money["value"] - money["cost"])
    assert all(row["p_holm"] >= row["q"] >= (row["sequential"]["p"] or 0) for row in rows.values())
    orjson.dumps(list(rows.values()))
    assert len(report_sheet(list(rows.values())).rows) == len(rows)


def test_segments_add_up(trial: Client) -> None:
    (whole,) = uplift_report(trial, "rescue", "retained")
    parts = uplift_report(trial, "rescue", "retained", "tier")
    assert [part["segment"] for part in parts] == ["gold", "silver"]
    assert sum(part["n_treated"] for part in parts) == whole["n_treated"]
    assert all(part["p_holm"] >= part["sequential"]["p"] for part in parts)
    assert {part["suggestion"] for part in parts} == {None}


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


def test_the_last_day_of_looking_is_the_whole(trial: Client) -> None:
    days = ask(trial, "sequential", {"rule": "rescue", "metric": "revenue", "alpha": 0.05, "plan": 5000})
    rows = values(trial, "rescue", "revenue")
    y, t = rows["value"], rows["treated"]
    found = always_valid(Moments.of(y[t]), Moments.of(y[~t]), rate=False)
    assert [days[-1][name] for name in ("low", "high", "p")] == pytest.approx(
        [found.low, found.high, found.p], rel=1e-6
    )
    assert [day["n1"] for day in days] == sorted(day["n1"] for day in days)
    early = ask(trial, "sequential", {"rule": "rescue", "metric": "retained", "alpha": 0.05, "plan": 5000})
    assert all(day["low"] is None and day["p"] == 1 for day in early if day["n0"] < 10)


def test_money_is_difference_times_customers_less_cost(trial: Client) -> None:
    (row,) = ask(trial, "money", {"rule": "rescue", "metric": "retained", "worth": 40.0, "z": Z})
    rows = values(trial, "rescue", "retained")
    y, t = rows["value"], rows["treated"]
    m1, m0 = Moments.of(y[t]), Moments.of(y[~t])
    value, cost = 40 * t.sum() * (m1.mean - m0.mean), rows["spent"][t].sum()
    half = Z * 40 * t.sum() * math.sqrt(m1.variance_of_mean + m0.variance_of_mean)
    assert [row[name] for name in ("value", "cost", "net", "net_low", "net_high")] == pytest.approx(
        [value, cost, value - cost, value - cost - half, value - cost + half]
    )


@pytest.mark.parametrize("metric", ["retained", "revenue"])
def test_tenths_of_a_score_agree_with_python(trial: Client, metric: str) -> None:
    found = ask(trial, "qini", {"rule": "nagging", "metric": metric, "score": "churn", "z": Z})
    rows = values(trial, "nagging", metric)
    score, y, t = rows["churn"], rows["value"], rows["treated"]
    expected = qini.deciles(score, y, t, rate=metric == "retained")
    assert [row["tenth"] for row in found] == [tenth.number for tenth in expected]
    for row, tenth in zip(found, expected, strict=True):
        assert (row["n1"], row["n0"]) == (tenth.n_treated, tenth.n_control)
        gain = (tenth.gain.delta, tenth.gain.low, tenth.gain.high)
        assert (row["delta"], row["gain"], row["gain_low"], row["gain_high"]) == pytest.approx(
            (tenth.uplift.delta, *gain)
        )
        if metric == "retained":
            assert (row["low"], row["high"]) == pytest.approx((tenth.uplift.low, tenth.uplift.high))
    assert found[-1]["qini"] == pytest.approx(qini.curve(score, y, t)[1][-1])
    # Every acted customer of this rule cost 2.
    assert found[-1]["cost"] == pytest.approx(2.0)
    net = None if metric == "retained" else pytest.approx(found[-1]["gain"] - 2.0)
    assert found[-1]["net"] == net


@pytest.mark.parametrize("score", ["churn", "money"])
@pytest.mark.parametrize("metric", ["retained", "revenue"])
def test_the_qini_coefficient_and_its_interval_agree_with_python(
    trial: Client, metric: str, score: str
) -> None:
    (found,) = ask(trial, "qini_coefficient", {"rule": "rescue", "metric": metric, "score": score, "z": Z})
    rows = values(trial, "rescue", metric)
    known = ~np.isnan(rows[score])
    expected = qini.tested(rows[score][known], rows["value"][known], rows["treated"][known])
    assert [found[name] for name in ("coefficient", "low", "high", "p")] == pytest.approx(
        [expected.coefficient, expected.low, expected.high, expected.p], rel=1e-6
    )


def test_the_value_of_acting_on_the_top_is_told(trial: Client) -> None:
    found = policy(trial, "rescue", "retained", "churn")
    assert found is not None and found["qini"]["low"] < found["qini"]["coefficient"] < found["qini"]["high"]
    tenths = found["tenths"]
    assert {"n_treated", "n_control", "gain", "gain_low", "gain_high", "cost", "net"} <= set(tenths[0])
    assert tenths[-1]["gain_low"] < 0.15 < tenths[-1]["gain_high"]
    sheet = policy_sheet(found, "churn")
    assert sheet.row_count == len(tenths)
    assert str(sheet.title).startswith("acting on the highest churn first; Qini coefficient ")
    assert policy(trial, "nobody", "retained", "churn") is None


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
