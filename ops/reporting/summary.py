"""The figures of a report, read from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ops.uplift.report import uplift_report
from sinks.clickhouse.client import Client
from sinks.clickhouse.queries import ask

Summary = dict[str, Any]


def summarise(client: Client, published: int | None = None, with_uplift: bool = True) -> Summary:
    """Return everything the store knows about a run.

    Parameters
    ----------
    published
        Records appended to `feedback.raw`, where the caller counted them; `balanced` and `missing` say
        whether every one of them stands in the store as scored, dropped or dead.

    Returns
    -------
    dict
        events_in, scored, duplicates, dead_letters, balanced, missing, facts, masked, dead_by_reason,
        decisions, actions, alerts, models, sentiment, churn, uplift.
    """
    counts = next(iter(ask(client, "run_counts", {})))
    found = {name: int(counts[name]) for name in ("scored", "duplicates", "dead_letters", "facts")}
    accounted = found["scored"] + found["duplicates"] + found["dead_letters"]
    models = {row["model"]: dict(row) for row in ask(client, "run_models", {})}
    return {
        "events_in": accounted if published is None else published,
        **found,
        "balanced": published is None or accounted == published,
        "missing": 0 if published is None else published - accounted,
        "masked": _pairs(ask(client, "run_masked", {}), "type"),
        "dead_by_reason": _pairs(ask(client, "run_dead_letters", {}), "reason"),
        "decisions": decisions(ask(client, "run_decisions", {})),
        "actions": _pairs(ask(client, "run_actions", {}), "kind"),
        "alerts": [dict(row) for row in ask(client, "run_alerts", {})],
        "models": models,
        "sentiment": _figures(models.get("sentiment"), "accuracy"),
        "churn": _figures(models.get("churn"), "auc"),
        "uplift": uplift_report(client) if with_uplift else [],
    }


def decisions(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return counts by rule and by arm, suppressed ones by their reason."""
    table: dict[str, dict[str, int]] = {}
    for row in rows:
        arm = f"{row['arm']}: {row['reason']}" if row["reason"] else row["arm"]
        table.setdefault(row["rule"], {})[arm] = int(row["count"])
    return table


def _pairs(rows: Iterable[Mapping[str, Any]], key: str) -> dict[str, int]:
    return {str(row[key]): int(row["count"]) for row in rows}


def _figures(row: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    if row is None:
        return {name: None, "n": 0}
    return {name: row[name], "n": int(row["examples"]), "version": int(row["version"])}
