"""A dashboard: variables, annotations, and panels placed row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ops.grafana.panels import CLICKHOUSE, COLUMNS, Json, Panel
from ops.grafana.sql import panel_sql


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard.

    Parameters
    ----------
    sql
        Where the values come from; empty for `values`.
    first
        A value in front of the others, and the default.
    """

    name: str
    label: str
    description: str
    values: Sequence[str] = ()
    sql: str = ""
    first: str = ""

    def json(self) -> Json:
        """Return the variable as Grafana reads it."""
        default = self.first or self.values[0]
        shared: Json = {
            "name": self.name,
            "label": self.label,
            "description": self.description,
            "current": {"text": default, "value": default, "selected": True},
            "includeAll": False,
            "multi": False,
            "hide": 0,
        }
        if self.sql:
            return shared | {
                "type": "query", "datasource": CLICKHOUSE, "query": self.sql, "definition": self.sql,
                "refresh": 2, "sort": 0, "options": [], "regex": "",
            }  # fmt: skip
        options = [{"text": value, "value": value, "selected": value == default} for value in self.values]
        return shared | {"type": "custom", "query": ",".join(self.values), "options": options}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard.

    Parameters
    ----------
    days
        Shown when it is opened.
    alerts
        Kind of alerts marked on its time series; '' for all, None for none.
    """

    uid: str
    title: str
    description: str
    panels: Sequence[Panel]
    variables: Sequence[Variable] = ()
    days: int = 30
    refresh: str = "1m"
    alerts: str | None = None

    def json(self) -> Json:
        """Return the dashboard as Grafana reads it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["hark"],
            "schemaVersion": 41,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "utc",
            "time": {"from": f"now-{self.days}d" if self.days else "now-6h", "to": "now"},
            "refresh": self.refresh,
            "templating": {"list": [variable.json() for variable in self.variables]},
            "annotations": {"list": self._annotations()},
            "links": [
                {
                    "type": "dashboards", "title": "Hark", "tags": ["hark"], "asDropdown": True,
                    "includeVars": False, "keepTime": True, "targetBlank": False, "icon": "external link",
                }
            ],
            "panels": list(placed(self.panels)),
        }  # fmt: skip

    def _annotations(self) -> list[Json]:
        if self.alerts is None:
            return []
        asked = panel_sql("dash_alerts", {"kind": f"'{self.alerts}'", "most": "100"})
        columns = f"SELECT time, message AS text, kind AS tags FROM (\n{asked}\n)"
        return [
            {
                "name": "Alerts",
                "datasource": CLICKHOUSE,
                "enable": True,
                "iconColor": "red",
                "target": {
                    "refId": "Alerts", "editorType": "sql", "queryType": "table", "format": 1,
                    "rawSql": columns,
                },
            }
        ]  # fmt: skip


def placed(panels: Iterable[Panel]) -> Iterable[Json]:
    """Yield the panels left to right, a new line where the next does not fit."""
    x = y = tallest = 0
    for ident, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield panel.json(ident, x, y)
        x += panel.width
        tallest = max(tallest, panel.height)
