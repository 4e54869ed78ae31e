"""`hark store`: the ClickHouse schema."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.failures import sayable, settings
from ops.wiring.store import opened
from sinks.clickhouse.schema import Schema

app = typer.Typer(help="The ClickHouse store.", no_args_is_help=True)


@app.callback()
def store() -> None:
    """Keep the store's schema."""


@app.command()
@sayable
def migrate(
    url: Annotated[str | None, typer.Option("--url", help="Instead of HARK_CLICKHOUSE_URL.")] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="Cluster name, for replicated tables.")
    ] = None,
) -> None:
    """Bring the schema up to date; safe to repeat."""
    config = settings(clickhouse_url=url)
    with opened(config, schema=False) as client:
        applied = Schema(client, config.clickhouse_database, cluster).migrate()
    typer.echo(f"applied {', '.join(map(str, applied))}" if applied else "up to date")
