"""The dashboards as files: complete, consistent, made by the code that is beside them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from metric_names import metric_names

from ops.grafana import build
from ops.grafana.panels import COLUMNS, store
from ops.grafana.sql import panel_sql

BOARDS: dict[str, dict[str, Any]] = {
    path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(build.FOLDER.glob("*.json"))
}
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]
NAMES = [f"{name.removesuffix('.json')}: {panel['title']}" for name, panel in PANELS]


def test_files_are_what_the_code_makes() -> None:
    assert build.stale() == []


def test_a_changed_a_missing_and_a_stray_file_are_noticed(tmp_path: Path) -> None:
    for name, text in build.texts().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "voice.json").write_text("{}")
    (tmp_path / "loop.json").unlink()
    (tmp_path / "mine.json").write_text("{}")
    assert build.stale(tmp_path) == ["loop.json", "mine.json", "voice.json"]


def test_there_is_a_dashboard_for_every_question() -> None:
    assert [board.title for board in build.DASHBOARDS] == [
        "Voice of the customer", "Rules and uplift", "Closed loop and SLA", "Models and drift",
        "Pipeline health",
    ]  # fmt: skip
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS) == 5


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=NAMES)
def test_every_panel_has_title_description_and_unit(name: str, panel: dict[str, Any]) -> None:
    assert panel["title"] and panel["fieldConfig"]["defaults"]["unit"]
    assert panel["description"].endswith(".") and len(panel["description"]) > 20
    assert panel["targets"] and all(
        target["datasource"]["uid"] in ("hark-clickhouse", "hark-prometheus") for target in panel["targets"]
    )


@pytest.mark.parametrize("name", BOARDS)
def test_panels_do_not_overlap_and_ids_are_unique(name: str) -> None:
    panels = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= COLUMNS
        assert not cells & taken, panel["title"]
        taken |= cells


def test_data_sources_are_the_provisioned_ones() -> None:
    text = (build.FOLDER.parent / "datasources" / "hark.yaml").read_text()
    provisioned = {source["uid"]: source["type"] for source in yaml.safe_load(text)["datasources"]}
    used = {
        (target["datasource"]["uid"], target["datasource"]["type"])
        for _, panel in PANELS
        for target in panel["targets"]
    }
    assert used == set(provisioned.items())


def test_variables_used_are_declared() -> None:
    for board in BOARDS.values():
        text = json.dumps([board["panels"], board["annotations"]])
        used = set(re.findall(r"\$\{(\w+)(?::\w+)?\}", text)) - {"__from", "__to", "__interval_ms"}
        assert used == {variable["name"] for variable in board["templating"]["list"]}


def test_prometheus_panels_ask_for_metrics_that_exist() -> None:
    known = metric_names()
    for _, panel in PANELS:
        for target in panel["targets"]:
            names = re.findall(r"\bhark_\w+|\bup\b", target.get("expr", ""))
            assert "expr" not in target or names
            assert set(names) <= known, panel["title"]


def test_no_parameter_is_left_open() -> None:
    for _, panel in PANELS:
        for target in panel["targets"]:
            assert not re.search(r"\{\w+:[A-Z]", target.get("rawSql", "").replace("${", "")), panel["title"]


def test_panel_sql_refuses_values_the_query_does_not_take() -> None:
    with pytest.raises(KeyError, match="dash_kinds has no parameter most"):
        panel_sql("dash_kinds", {"most": "5"})
    with pytest.raises(KeyError, match="most"):
        panel_sql("dash_topics")


def test_a_select_goes_around_the_query() -> None:
    sql = store("dash_kinds", select="SELECT kind FROM {}")["rawSql"]
    assert sql.startswith("SELECT kind FROM (\n-- queries/dash_kinds.sql\n") and sql.endswith("\n)")
