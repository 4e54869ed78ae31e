"""The queries on two planted rules, and their figures against the same ones computed in Python."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import orjson
import pytest
from databases import fresh
from trial_world import Z, two_rules, values

from models.uplift import qini, srm, weighting
from models.uplift.moments import Moments
from models.uplift.sequential import always_valid
from models.uplift.trial import compare
from ops.embedded.store import EmbeddedStore
from ops.uplift.report import policy, uplift_report
from ops.uplift.text import policy_sheet, report_sheet
from sinks.clickhouse import Client
from sinks.clickhouse.queries import ask

UPLIFT = {"rule": "", "metric": "", "by": "", "covariate": "churn", "z": Z, "alpha": 0.05, "plan": 5000}


@pytest.fixture(scope="module")
def trial(store: EmbeddedStore) -> Iterator[Client]:
    """Two rules with 2,500 customers each: `rescue` adds .15 to retention, `nagging` takes .2 away."""
    client = fresh(store)
    two_rules().store(store, client)
    yield client
    client.close()


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
