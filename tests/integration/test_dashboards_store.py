"""Every panel's query, as Grafana would send it, against a store of demo-like rows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from databases import fresh, running_store
from planted import DAY, START, demo_like

from ops.grafana import build
from sinks.clickhouse import Client, connect

VALUES = {
    "${__from}": str(START),
    "${__to}": str(START + 101 * DAY),
    "${__interval_ms}": "86400000",
    "${metric:sqlstring}": "'retained'",
    "${by:sqlstring}": "'whole'",
    "${score:sqlstring}": "'churn'",
}
BOARDS = [json.loads(text) for text in build.texts().values()]
ASKED = [
    (panel, target)
    for board in BOARDS
    for panel in board["panels"]
    for target in panel["targets"]
    if "rawSql" in target
]
NAMES = [panel["title"] for panel, _ in ASKED]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Connect as Grafana does: with an account that may only read."""
    with running_store(readers={"hark_reader": "made-up"}) as store:
        owner = fresh(store)
        demo_like().write(store, owner)
        yield connect(store.url, "hark_reader", "made-up", owner.database)


def filled(sql: str, rule: str = "every rule", **period: int) -> str:
    times = {f"${{__{name}}}": str(at) for name, at in period.items()}
    for variable, value in (VALUES | times | {"${rule:sqlstring}": f"'{rule}'"}).items():
        sql = sql.replace(variable, value)
    assert "${" not in sql
    return sql


def one_rule(panel: dict[str, Any]) -> bool:
    return "choose one rule" in panel["description"]


@pytest.mark.parametrize(("panel", "target"), ASKED, ids=NAMES)
def test_a_panel_gets_rows_of_the_right_shape(
    client: Client, panel: dict[str, Any], target: dict[str, Any]
) -> None:
    result = client.query(filled(target["rawSql"], "rescue" if one_rule(panel) else "every rule"))
    rows = [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
    assert rows, "a panel of a filled store is empty"
    assert len(set(result.column_names)) == len(result.column_names)
    for row in rows:
        assert all(not isinstance(value, float) or math.isfinite(value) for value in row.values()), row
    numbers = [name for name in rows[0] if any(isinstance(row[name], int | float) for row in rows)]
    if target["format"] == 0:
        times = [row["time"] for row in rows]
        assert all(isinstance(time, datetime) for time in times) and times == sorted(times)
    if panel["type"] not in ("table",):
        assert numbers
    named = {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]}
    words = {value for row in rows for value in row.values() if isinstance(value, str)}
    assert named <= set(result.column_names) | words
    fields = panel["options"].get("reduceOptions", {}).get("fields")
    if fields:
        assert [name for name in numbers if re.fullmatch(fields.strip("/"), name)]
    if x := panel["options"].get("xField"):
        assert x in result.column_names


@pytest.mark.parametrize("board", BOARDS, ids=[board["title"] for board in BOARDS])
def test_annotations_and_variables_have_values(client: Client, board: dict[str, Any]) -> None:
    for note in board["annotations"]["list"]:
        result = client.query(filled(note["target"]["rawSql"]))
        assert set(result.column_names) == {"time", "text", "tags"} and result.result_rows
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            values = [row[0] for row in client.query(variable["query"]).result_rows]
            assert values == ["every rule", "nagging", "rescue"]


def test_a_name_with_a_quote_cannot_leave_its_string(client: Client) -> None:
    # Grafana's sqlstring doubles quotes; the query must then find nothing rather than anything.
    target = next(target for panel, target in ASKED if panel["title"] == "Did it help")
    assert client.query(filled(target["rawSql"], "x'' OR ''1''=''1")).result_rows == []
