"""`hark produce`: files of feedback to `feedback.raw`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import orjson
import typer

from ops.failures import UserError, run, sayable, settings
from ops.producing.publishing import publish
from ops.producing.reader import FileProblem, Parsed, read_events
from ops.simulator.world import Produced
from streams.topics import FEEDBACK_RAW


@sayable
def produce(
    files: Annotated[list[Path], typer.Argument(help="JSONL, JSONL.gz, CSV or CSV.gz files.", exists=True)],
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="event_field=file_field, repeatable.")
    ] = None,
    rate: Annotated[float | None, typer.Option("--rate", min=1, help="Most events a second.")] = None,
    channel: Annotated[str, typer.Option("--channel", help="Where the file names none.")] = "review",
    broker: Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")] = None,
) -> None:
    """Publish feedback from files to feedback.raw; exits 1 when a line could not be read."""
    config = settings(broker=broker)
    mapping = parse_mapping(map_ or [])
    records = {path: good_records(path, mapping, channel) for path in files}
    sent, bad = run(publish(config, FEEDBACK_RAW, records, rate))
    typer.echo(f"{sent} events published, {bad} lines not", err=True)
    raise typer.Exit(1 if bad else 0)


def parse_mapping(pairs: list[str]) -> dict[str, str]:
    """Return event field → file field.

    Raises
    ------
    UserError
        When a pair has no equals sign.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        name, equals, source = pair.partition("=")
        if not equals or not name or not source:
            raise UserError(f"--map {pair}: write event_field=file_field")
        mapping[name.strip()] = source.strip()
    return mapping


def good_records(path: Path, mapping: dict[str, str], channel: str) -> Iterator[Produced | Parsed]:
    """Yield records to publish, and the lines that gave none.

    Raises
    ------
    UserError
        When the file cannot be read at all.
    """
    try:
        for parsed in read_events(path, mapping, channel):
            yield parsed if parsed.event is None else to_record(parsed.event)
    except (FileProblem, UnicodeDecodeError, EOFError) as error:
        raise UserError(f"{path}: {error}") from error


def to_record(event: dict[str, object]) -> Produced:
    """Return the record of an event, keyed by whoever said it."""
    key = str(event.get("customer_id") or event.get("author"))
    ident = str(event["id"]) if "id" in event else None
    return Produced(FEEDBACK_RAW, key.encode(), orjson.dumps(event), ident)
