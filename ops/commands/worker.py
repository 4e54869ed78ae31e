"""`hark worker`: agents against a Kafka cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.failures import UserError, sayable, settings
from streams.pipeline import AGENTS
from streams.worker import run_worker


@sayable
def worker(
    agents: Annotated[
        list[str] | None, typer.Option("--agent", help="One of the agents, repeatable; all without it.")
    ] = None,
    broker: Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")] = None,
) -> None:
    """Run agents until stopped; more workers share the partitions."""
    chosen = list(agents or AGENTS)
    if unknown := [agent for agent in chosen if agent not in AGENTS]:
        raise UserError(f"no agent is called {unknown[0]}: choose of {', '.join(AGENTS)}")
    run_worker(settings(broker=broker), chosen)
