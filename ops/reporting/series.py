"""What the page draws, read from the store by the same queries that Grafana's panels run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.uplift.distributions import normal_quantile
from sinks.clickhouse.client import Client
from sinks.clickhouse.queries import ask

Rows = list[dict[str, Any]]
Series = dict[str, Rows]

HOUR = 3600
DAY_MS = 86_400_000
POINTS = 60
FOREVER = 4_102_444_800_000
"""2100-01-01: alerts and figures of any time."""


def read_series(client: Client, horizon_days: float = 30.0) -> Series:
    """Return the rows of every chart, by the query's name; everything the store has is in the period.

    Parameters
    ----------
    horizon_days
        How long after a score a churn counts, as the workers' HARK_HORIZON_DAYS.
    """
    first, last = (int(ask(client, "dash_period")[0][name]) for name in ("first", "last"))
    z = normal_quantile(0.975)
    within = {"from": first, "to": last + 1}
    stepped = within | {"step": step_seconds(first, last)}
    ever = {"from": 0, "to": FOREVER}
    asked: dict[str, Mapping[str, Any]] = {
        "dash_period": {},
        "dash_totals": _whole_hours(within),
        "dash_sentiment": _whole_hours(within) | {"step": stepped["step"]},
        "dash_kinds": within,
        "dash_topics": _whole_hours(within) | {"most": 14},
        "dash_decisions": within,
        "dash_models": ever,
        "dash_calibration": {"horizon_days": horizon_days, "z": z},
        "dash_calibration_sentiment": within | {"z": z},
        "dash_alerts": ever | {"kind": "", "most": 50},
        "insight_heat_map": within | {"most": 12},
        "insight_top_issues": _latest_half(first, last) | {"most": 3},
        "insight_clusters": within | {"least": 2, "most": 8},
        "insight_pairs": within | {"least": 5},
        "insight_precede": {
            "outcome": "churned", "mood": "negative", "period_days": _period(first, last), "least": 20, "z": z
        },
    }  # fmt: skip
    return {name: ask(client, name, parameters) for name, parameters in asked.items()}


def step_seconds(first_ms: int, last_ms: int, points: int = POINTS) -> int:
    """Return a step of whole hours or days that gives at most `points` of them.

    Examples
    --------
    >>> step_seconds(0, 60 * DAY_MS), step_seconds(0, DAY_MS)
    (86400, 3600)
    """
    hours = (last_ms - first_ms) / 3_600_000 / points
    for step in (1, 2, 3, 6, 12):
        if hours <= step:
            return step * HOUR
    return 24 * HOUR * -(-int(hours * 1000) // 24_000)


def _whole_hours(within: Mapping[str, int]) -> dict[str, int]:
    """Begin with the hour the period begins in, as the roll-up has whole hours."""
    return {"from": within["from"] // 3_600_000 * 3_600_000, "to": within["to"]}


def _latest_half(first: int, last: int) -> dict[str, int]:
    """Take the later half, as the trend compares with as long a period before."""
    return {"from": (first + last) // 2, "to": last + 1}


def _period(first: int, last: int) -> float:
    """At least four periods, of two weeks at most and two days at least."""
    return max(2.0, min(14.0, (last - first) / DAY_MS / 4))
