"""`hark value`: what listening to each topic was worth, V = αS + βT + γR, parts shown."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from models.value_index import ValueWeights
from ops.failures import sayable, settings
from ops.wiring.store import opened
from sinks.clickhouse.queries import ask
from streams.weights import value_weights

_DAY_MS = 86_400_000


@sayable
def value(
    days: Annotated[float, typer.Option(min=1, help="How far back complaints and suggestions count.")] = 365,
    around: Annotated[float, typer.Option(min=1, help="Days before and after each to look at.")] = 30,
    least: Annotated[int, typer.Option(min=1, help="Fewest customers of a topic.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    url: Annotated[str | None, typer.Option("--url", help="Instead of HARK_CLICKHOUSE_URL.")] = None,
) -> None:
    """Print what listening to each topic was worth: V = αS + βT + γR with its parts.

    S is the share of a topic's customers for whom it was resolved, T the change of their polarity
    (points of a hundred), R the change of their lifetime value (percent). The weights α, β, γ are
    HARK_VALUE_IMPROVEMENT, HARK_VALUE_REPUTATION and HARK_VALUE_LIFETIME.
    """
    config = settings(clickhouse_url=url)
    weights, now = value_weights(config), int(time.time() * 1000)
    asked = {
        "from": int(now - days * _DAY_MS), "to": now, "days": around, "least": least,
        "alpha": weights.alpha, "beta": weights.beta, "gamma": weights.gamma,
    }  # fmt: skip
    with opened(config) as client:
        rows = ask(client, "insight_value_index", asked)
    if as_json:
        told = {"alpha": weights.alpha, "beta": weights.beta, "gamma": weights.gamma}
        typer.echo(json.dumps({"weights": told, "topics": rows}, ensure_ascii=False, default=str))
        return
    _print(Console(), weights, rows)


def _print(out: Console, weights: ValueWeights, rows: list[dict[str, Any]]) -> None:
    table = Table(title=f"V = {weights.alpha}·S + {weights.beta}·T + {weights.gamma}·R")
    for head in ("topic", "customers", "S improvement", "T reputation", "R lifetime", "V"):
        table.add_column(head, justify="left" if head == "topic" else "right")
    for row in rows:
        parts = (f"{row[name]:.1f}" for name in ("improvement", "reputation", "lifetime", "value"))
        table.add_row(row["topic"], str(row["customers"]), *parts)
    out.print(table if rows else "no topic has enough customers yet")
