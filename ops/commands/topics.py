"""`hark topics`: create, list and check the topics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.commands.topics_tags import create_app
from ops.failures import run, sayable, settings
from ops.kafka.acl_file import SHIPPED
from ops.topic_admin import apply as apply_topics
from ops.topic_admin import apply_acls, missing_topics
from ops.wiring.tags import KafkaTags
from streams.topics import CATALOG, partitions_of

app = typer.Typer(help="Kafka topics.", no_args_is_help=True)
app.add_typer(create_app(lambda: KafkaTags(settings())))
Broker = Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")]


@app.command()
@sayable
def apply(
    broker: Broker = None,
    acls: Annotated[
        bool, typer.Option("--acls", help="Create the ACLs and set the quotas of --acl-file too.")
    ] = False,
    acl_file: Annotated[Path, typer.Option("--acl-file", help="Instead of the shipped file.")] = SHIPPED,
) -> None:
    """Create the topics that are missing; with --acls also what each user may do and how much."""
    config = settings(broker=broker)
    done = run(apply_topics(config))
    typer.echo(f"{len(done.created)} topics created, {len(done.present)} were there")
    if acls:
        granted, limited = run(apply_acls(config, acl_file))
        typer.echo(f"{granted} ACLs are set, and the quotas of {limited} users")


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
