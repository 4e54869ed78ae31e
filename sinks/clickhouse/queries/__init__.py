"""Questions people and dashboards ask, one documented SQL file each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from sinks.clickhouse.client import Client


@cache
def load(name: str) -> str:
    """Return the text of `queries/<name>.sql`.

    Raises
    ------
    FileNotFoundError
        When there is no such query.
    """
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def names() -> list[str]:
    """Return the names of all queries."""
    return sorted(
        path.name.removesuffix(".sql") for path in files(__name__).iterdir() if path.name.endswith(".sql")
    )


def ask(client: Client, name: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Run a query and return its rows as dictionaries, column names as keys."""
    result = client.query(load(name), parameters=dict(parameters or {}))
    return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
