"""Publishes the records of files, names the lines that gave none, and shows how far it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from ops.demo.traffic import Feeder
from ops.failures import UserError
from ops.producing.reader import Parsed
from ops.simulator.world import Produced
from ops.topic_admin import missing_topics
from streams import kafka
from streams.settings import Settings

SHOWN = 20
GROUP = 400


async def publish(
    config: Settings, topic: str, files: Mapping[Path, Iterable[Produced | Parsed]], rate: float | None
) -> tuple[int, int]:
    """Publish and return how many records were sent and how many lines gave none.

    Parameters
    ----------
    files
        Records or problems of each file.
    rate
        Most records a second.

    Raises
    ------
    UserError
        When the topic is missing.
    """
    if topic in await missing_topics(config):
        raise UserError(f"topic {topic} is missing on {config.broker}: run `hark topics apply` first")
    producer = kafka.producer(config, "produce")
    bad = 0
    try:
        await producer.start()
        partitions = len(await producer.partitions_for(topic))
        feeder = Feeder(producer, partitions, rate)
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
            for path, records in files.items():
                task = bar.add_task(path.name, total=None)
                group: list[Produced] = []
                for record in records:
                    if isinstance(record, Parsed):
                        bad += 1
                        say(path, record, bad)
                        continue
                    group.append(record)
                    if len(group) >= GROUP:
                        await feeder.publish(group)
                        bar.update(task, advance=len(group))
                        group = []
                await feeder.publish(group)
                bar.update(task, advance=len(group), total=feeder.logged)
        return feeder.logged, bad
    finally:
        await producer.stop()


def say(path: Path, parsed: Parsed, count: int) -> None:
    """Name a line that gave no record, for the first few."""
    if count <= SHOWN:
        typer.echo(f"{path.name}:{parsed.line}: {parsed.problem}", err=True)
