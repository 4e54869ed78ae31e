"""Every rule's uplift from the store: the figures of `queries/uplift.sql`, corrected and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from models.uplift import multiplicity, newcombe
from models.uplift.distributions import normal_quantile, student_tail
from models.uplift.sequential import PLAN
from models.uplift.srm import Srm
from models.uplift.trial import MATTERS
from models.uplift.verdict import Evidence, Verdict, Word, judge
from sinks.clickhouse.client import Client
from sinks.clickhouse.queries import ask

By = Literal["tier", "topic", "channel"]
SCORES = ("churn", "money", "polarity", "spend_before")
"""What is known of a customer before the trigger."""
TENTH = ("treated", "control", "delta", "low", "high", "gain", "gain_low", "gain_high",
         "cost", "net", "net_low", "net_high")  # fmt: skip


def uplift_report(
    client: Client,
    rule: str | None = None,
    metric: str | None = None,
    by: By | None = None,
    *,
    covariate: str = "churn",
    level: float = 0.95,
    matters: float = MATTERS,
) -> list[dict[str, Any]]:
    """Return one row a rule, metric and segment.

    People look at rules every day, so verdicts rest on the always-valid p-value, corrected by
    Holm over all rows returned; `p`, `low` and `high` are those of a single planned look.

    Parameters
    ----------
    client
        Connected to Hark's database.
    by
        Segments of the customer at the trigger.
    covariate
        Pre-period covariate of CUPED: churn, money, polarity or spend_before.
    matters
        Smallest difference that matters, as a share of the control's mean.

    Returns
    -------
    list of dict
        rule, metric, segment, rate, n_treated, n_control, pending, missing, treated, control,
        delta, low, high, method, p, lift, sequential {low, high, p}, p_holm, q, cuped {theta,
        delta, low, high, reduction} or None, srm {chi2, p}, money {value, low, high, cost, net,
        net_low, net_high} or None, verdict, more, suggestion ("stop for …" where a segment is
        proven hurt after correction over all segments).
    """
    parameters = {
        "rule": rule or "",
        "metric": metric or "",
        "by": by or "",
        "covariate": covariate,
        "z": normal_quantile((1 + level) / 2),
        "alpha": 1 - level,
        "plan": PLAN,
    }
    found = [{key: _plain(value) for key, value in row.items()} for row in ask(client, "uplift", parameters)]
    looked = [row["sequential_p"] if row["sequential_p"] is not None else 1.0 for row in found]
    corrected = zip(found, multiplicity.holm(looked), multiplicity.benjamini_hochberg(looked), strict=True)
    return [_row(row, p, q, matters, 1 - level) for row, p, q in corrected]


def policy(
    client: Client, rule: str, metric: str, score: str, *, level: float = 0.95
) -> dict[str, Any] | None:
    """Return what a score is worth for a rule and what acting down to each tenth of it brings.

    Parameters
    ----------
    score
        One of `SCORES`.

    Returns
    -------
    dict or None
        As `hark uplift --csv --score` says it: qini {coefficient, low, high, p} (`qini_coefficient.sql`) and
        tenths (`qini.sql`), the highest first, with tenth, n_treated, n_control, delta, low, high, gain,
        gain_low, gain_high; besides treated, control, cost and, for money metrics, net, net_low, net_high.
        Gains, cost and net are per customer of the whole trial. None while an arm has no outcome.
    """
    asked = {"rule": rule, "metric": metric, "score": score, "z": normal_quantile((1 + level) / 2)}
    found = ask(client, "qini_coefficient", asked)
    if not found:
        return None
    tenths = ask(client, "qini", asked)
    return {
        "qini": {name: _plain(found[0][name]) for name in ("coefficient", "low", "high", "p")},
        "tenths": [
            {"tenth": int(row["tenth"]), "n_treated": int(row["n1"]), "n_control": int(row["n0"])}
            | {name: _plain(row[name]) for name in TENTH}
            for row in tenths
        ],
    }


def _row(row: Mapping[str, Any], p_holm: float, q: float, matters: float, alpha: float) -> dict[str, Any]:
    verdict = _verdict(row, p_holm, matters, alpha)
    return {
        "rule": row["rule_id"],
        "metric": row["metric"],
        "segment": row["segment"],
        "rate": bool(row["binary"]),
        "n_treated": int(row["n1"]),
        "n_control": int(row["n0"]),
        **{key: row[key] for key in ("pending", "missing", "treated", "control", "delta", "low", "high")},
        "method": row["method"],
        "p": _fixed_p(row),
        "lift": row["lift"],
        "sequential": {key: row[f"sequential_{key}"] for key in ("low", "high", "p")},
        "p_holm": p_holm,
        "q": q,
        "cuped": None
        if row["theta"] is None
        else {"theta": row["theta"]}
        | {key: row[f"cuped_{key}"] for key in ("delta", "low", "high", "reduction")},
        "srm": {"chi2": row["srm_chi2"], "p": row["srm_p"]},
        "money": _money(row),
        "verdict": verdict.text,
        "more": verdict.more,
        "suggestion": f"stop for {row['segment']}" if row["segment"] and verdict.word is Word.HURTS else None,
    }


def _verdict(row: Mapping[str, Any], p_holm: float, matters: float, alpha: float) -> Verdict:
    low, high, se = row["sequential_low"], row["sequential_high"], row["se"]
    evidence = Evidence(
        row["delta"] or 0.0,
        math.nan if low is None else low,
        math.nan if high is None else high,
        p_holm,
        row["sequential_p"] if row["sequential_p"] is not None else 1.0,
        int(row["n1"] + row["n0"]),
        math.nan if se is None else se * se,
        matters * abs(row["control"] or 0.0),
        higher_is_better=bool(row["higher_is_better"]),
        always_valid=True,
    )
    srm_p = row["srm_p"]
    return judge(evidence, Srm(row["srm_chi2"] or 0.0, 1.0 if srm_p is None else srm_p), alpha)


def _fixed_p(row: Mapping[str, Any]) -> float:
    n1, n0 = int(row["n1"]), int(row["n0"])
    if not (n1 and n0):
        return 1.0
    if row["binary"]:
        return newcombe.p_value(round(row["treated"] * n1), n1, round(row["control"] * n0), n0)
    if not row["se"] or row["df"] is None:
        return 1.0
    return student_tail(row["delta"] / row["se"], row["df"])


def _money(row: Mapping[str, Any]) -> dict[str, float] | None:
    """Return what the acted customers brought more, less what the actions cost."""
    if row["value"] is None:
        return None
    cost = float(row["spent"] or 0.0)
    money = {"value": row["value"], "low": row["value_low"], "high": row["value_high"], "cost": cost}
    for net, gross in (("net", "value"), ("net_low", "low"), ("net_high", "high")):
        money[net] = None if money[gross] is None else money[gross] - cost
    return money


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rules_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the rules in `rows`, each once, in order."""
    return list(dict.fromkeys(row["rule"] for row in rows))
