"""`hark topics`: create, list and check the topics."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.failures import run, sayable, settings
from ops.topic_admin import apply as apply_topics
from ops.topic_admin import missing_topics
from streams.topics import CATALOG, partitions_of

app = typer.Typer(help="Kafka topics.", no_args_is_help=True)
Broker = Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")]


@app.command()
@sayable
def apply(broker: Broker = None) -> None:
    """Create the topics that are missing."""
    done = run(apply_topics(settings(broker=broker)))
    typer.echo(f"{len(done.created)} topics created, {len(done.present)} were there")


@app.command("list")
@sayable
def list_(broker: Broker = None) -> None:
    """List the topics of the catalogue, who writes and who reads them."""
    config = settings(broker=broker)
    missing = set(run(missing_topics(config)))
    table = Table()
    for name in ("topic", "partitions", "key", "written by", "read by", "there"):
        table.add_column(name)
    for topic in CATALOG:
        partitions = str(partitions_of(topic, config.partitions))
        there = "[red]no[/]" if topic.name in missing else "yes"
        producers, consumers = ", ".join(topic.producers), ", ".join(topic.consumers)
        table.add_row(topic.name, partitions, topic.key, producers, consumers, there)
    Console().print(table)
