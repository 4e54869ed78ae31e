"""Builders of panels: every one has a title, a description and a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ops.grafana.sql import panel_sql

Json = dict[str, Any]
Kind = Literal[
    "timeseries", "stat", "table", "barchart", "bargauge", "status-history", "geomap", "xychart", "trend"
]

CLICKHOUSE: Json = {"type": "grafana-clickhouse-datasource", "uid": "hark-clickhouse"}
PROMETHEUS: Json = {"type": "prometheus", "uid": "hark-prometheus"}
COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel without a place; `dashboard` lays panels out in reading order.

    Parameters
    ----------
    unit
        Grafana unit id of the values: short, percentunit, s, ms, m, h, ops, bytes, locale (money,
        whose currency is the data's own), …
    columns
        Units of single columns or series, by name.
    """

    kind: Kind
    title: str
    description: str
    unit: str
    targets: Sequence[Json]
    width: int = 12
    height: int = 8
    options: Json = field(default_factory=dict)
    custom: Json = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    least: float | None = None
    most: float | None = None
    decimals: int | None = None
    steps: Sequence[tuple[float | None, str]] = ()
    interval: str | None = None
    scheme: str | None = None
    transformations: Sequence[Json] = ()

    def json(self, ident: int, x: int, y: int) -> Json:
        """Return the panel as Grafana reads it."""
        defaults: Json = {"unit": self.unit, "custom": self.custom}
        for name, value in (("min", self.least), ("max", self.most), ("decimals", self.decimals)):
            if value is not None:
                defaults[name] = value
        if self.scheme:
            defaults["color"] = {"mode": self.scheme}
        if self.steps:
            steps = [{"value": value, "color": colour} for value, colour in self.steps]
            defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        overrides = [_override(name, "unit", unit) for name, unit in self.columns.items()]
        overrides += [
            _override(name, "color", {"mode": "fixed", "fixedColor": colour})
            for name, colour in self.colours.items()
        ]
        panel: Json = {
            "id": ident,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "datasource": self.targets[0]["datasource"],
            "targets": list(self.targets),
            "fieldConfig": {"defaults": defaults, "overrides": overrides},
            "options": self.options,
        }
        if self.interval:
            panel["interval"] = self.interval
        if self.transformations:
            panel["transformations"] = list(self.transformations)
        return panel


def _override(name: str, what: str, value: Any) -> Json:
    return {"matcher": {"id": "byName", "options": name}, "properties": [{"id": what, "value": value}]}


def store(query: str, *, series: bool = False, ref: str = "A", select: str = "", **values: str) -> Json:
    """Return a target that asks ClickHouse one of `queries/`.

    Parameters
    ----------
    series
        Rows are points of time series; text columns name the series.
    select
        SQL around the query, which stands where it says {}.
    values
        SQL for the query's parameters.
    """
    asked, kind = panel_sql(query, values), "timeseries" if series else "table"
    return {
        "datasource": CLICKHOUSE,
        "refId": ref,
        "editorType": "sql",
        "queryType": kind,
        "format": 0 if series else 1,
        "rawSql": select.replace("{}", f"(\n{asked}\n)") if select else asked,
    }


def metric(expression: str, legend: str, ref: str = "A") -> Json:
    """Return a target that asks Prometheus."""
    return {
        "datasource": PROMETHEUS,
        "refId": ref,
        "editorMode": "code",
        "expr": expression,
        "legendFormat": legend,
        "range": True,
    }


def metrics(*pairs: tuple[str, str]) -> list[Json]:
    """Return targets for (expression, legend) pairs."""
    return [
        metric(expression, legend, chr(ord("A") + number))
        for number, (expression, legend) in enumerate(pairs)
    ]


LINES: Json = {
    "drawStyle": "line",
    "lineWidth": 2,
    "fillOpacity": 8,
    "showPoints": "never",
    "spanNulls": True,
}
STACKED: Json = {
    "drawStyle": "bars", "fillOpacity": 75, "lineWidth": 0, "stacking": {"mode": "normal", "group": "A"}
}  # fmt: skip
LEGEND: Json = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
    "tooltip": {"mode": "multi", "sort": "desc"},
}


def number(column: str, graph: bool = False) -> Json:
    """Return the options of a stat that shows one column."""
    return {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": f"/^{column}$/", "values": False},
        "graphMode": "area" if graph else "none",
        "colorMode": "value",
        "textMode": "value",
    }
