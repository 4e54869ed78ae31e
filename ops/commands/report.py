"""`hark report`: what the store knows, as in the demo."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops.failures import sayable, settings
from ops.reporting.page import write_page
from ops.reporting.summary import summarise
from ops.reporting.terminal import show
from ops.wiring.store import opened
from sinks.clickhouse.schema import Schema


@sayable
def report(
    json_: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write one self-contained page with charts.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Instead of HARK_CLICKHOUSE_URL.")] = None,
) -> None:
    """Print counts, model figures, decisions and uplift from the store."""
    config = settings(clickhouse_url=url)
    with opened(config, schema=False) as client:
        Schema(client, config.clickhouse_database).check()
    with opened(config) as client:
        found = summarise(client)
        if html is not None:
            write_page(html, client, found, config.horizon_days)
    if json_:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, default=str) + "\n")
    else:
        show(found, Console())
