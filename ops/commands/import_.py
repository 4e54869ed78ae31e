"""`hark import`: files of other systems to `feedback.raw` and `customers.events`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from models.intake import Limits
from ops.failures import UserError, run, sayable, settings
from ops.importing.importer import Importer
from ops.importing.mapping import in_zone, load, shipped
from ops.producing.publishing import publish, say
from ops.producing.reader import Parsed

DAY_MS = 86_400_000


@sayable
def import_(
    files: Annotated[
        list[Path] | None, typer.Argument(help="CSV, TSV, JSONL (also .gz), XLSX or Parquet.", exists=True)
    ] = None,
    mapping: Annotated[str, typer.Option("--mapping", help="A mapping's name, or a YAML file.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and judge, publish nothing.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Most events.")] = None,
    rate: Annotated[float | None, typer.Option("--rate", min=1, help="Most events a second.")] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Zone of times that name none, instead of the mapping's.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the mappings that come with Hark.")] = False,
    broker: Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")] = None,
) -> None:
    """Publish files by a mapping; exits 1 when a line is no valid event."""
    if list_:
        for name, shown in shipped():
            typer.echo(f"{name:24}{shown.about}")
        return
    if not files or not mapping:
        raise UserError("name files and --mapping; `hark import --list` shows the mappings")
    config = settings(broker=broker)
    limits = Limits(
        config.max_event_bytes, int(config.future_tolerance_s * 1000), int(config.max_age_days * DAY_MS)
    )
    chosen = load(mapping) if zone is None else in_zone(load(mapping), zone)
    importer = Importer(chosen, limits, int(time.time() * 1000), limit)
    records = {path: importer.records(path) for path in files}
    if dry_run:
        bad = 0
        for path, found in records.items():
            for record in found:
                if isinstance(record, Parsed):
                    bad += 1
                    say(path, record, bad)
        for name, count in sorted(importer.filled.items()):
            typer.echo(f"{name:16}{count:8} of {importer.events}")
        for reason, count in importer.reasons.most_common():
            typer.echo(f"refused         {count:8} {reason}")
        what = "would be published"
    else:
        _, bad = run(publish(config, importer.topic, records, rate))
        what = "published"
    typer.echo(
        f"{importer.events} events {what}, {bad} lines refused, {importer.wordless} without words, "
        f"{importer.skipped} left out by the mapping",
        err=True,
    )
    for named, count in importer.zoneless.items():
        typer.echo(
            f"{count} times without a zone are taken as {named}; if they are not, say --zone", err=True
        )
    raise typer.Exit(1 if bad else 0)
