"""`hark guardrail`: pause rules that do harm."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from prometheus_client import start_http_server

from models.clock import SystemClock
from ops.failures import sayable, sentence, settings
from ops.guardrail import Guardrails, Judged
from ops.wiring.catalog import KafkaPublisher
from ops.wiring.store import opened
from streams import metrics
from streams.settings import Settings
from streams.topics import DECISIONS


@sayable
def guardrail(
    every: Annotated[
        float, typer.Option("--every", min=0, help="Seconds between two looks; 0 looks once.")
    ] = 0.0,
    dry: Annotated[bool, typer.Option("--dry-run", help="Judge, pause nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a look.")] = False,
) -> None:
    """Judge the guardrails of live rules from the store, and pause a rule that is proven to do harm."""
    config = settings()
    if not every:
        _say(_look(config, dry), as_json)
        return
    if config.metrics_port:
        start_http_server(config.metrics_port, addr=config.metrics_host)
    while True:
        try:
            _say(_look(config, dry), as_json)
            metrics.LAST_PROGRESS.labels("guardrail", DECISIONS, 0).set_to_current_time()
        except Exception as error:
            if (text := sentence(error)) is None:
                raise
            typer.echo(f"hark: {text}; looking again in {every:g} s", err=True)
        time.sleep(every)


def _look(config: Settings, dry: bool) -> list[Judged]:
    with opened(config) as client:
        return Guardrails(client, KafkaPublisher(config), SystemClock(), dry).run()


def _say(judged: list[Judged], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"guardrails": [one.as_json() for one in judged]}, ensure_ascii=False))
        return
    if not judged:
        typer.echo("no live rule has a guardrail")
    for one in judged:
        done = "  PAUSED" if one.paused else ""
        customers = f"{one.treated} acted on, {one.control} held out"
        ramp = f", ramp at {one.share:.0%}" if one.share < 1 else ""
        typer.echo(
            f"{one.rule} {one.metric}: {one.found.state} ({customers}{ramp}): {one.found.reason}{done}"
        )
