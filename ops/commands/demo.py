"""`hark demo`: the whole pipeline on this machine, with a report at the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from ops.commands.produce import good_records, parse_mapping
from ops.demo.run import NotDrained, Options
from ops.demo.run import run as run_demo
from ops.failures import UserError, run, sayable
from ops.producing.reader import Parsed
from ops.reporting.terminal import show
from ops.simulator.world import Produced


class Bar:
    """Progress on standard error: a bar in a terminal, a line a phase elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[rate]}"), console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Announce a phase."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(text, total=None, rate="")
        if not self._console.is_terminal:
            self._console.print(text)

    def at(self, done: int, total: int, rate: float, lag: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.update(
                self._task,
                completed=done,
                total=total,
                rate=f"{rate:,.0f} events/s, {max(lag, 0):,} on their way",
            )


@sayable
def demo(
    events: Annotated[int, typer.Option("--events", min=100, help="Simulated feedback events.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same world.")] = 7,
    workers: Annotated[int, typer.Option("--workers", min=1, max=16)] = 2,
    input_: Annotated[
        list[Path] | None,
        typer.Option("--input", help="Real feedback instead of the simulation.", exists=True),
    ] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="event_field=file_field, repeatable.")
    ] = None,
    channel: Annotated[str, typer.Option("--channel", help="Where the file names none.")] = "review",
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write one self-contained page with charts.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Run the whole pipeline on embedded parts and print what came of it."""
    options = Options(events, seed, workers, tuple(input_ or ()), html=html)
    mapping = parse_mapping(map_ or [])
    unread: list[Parsed] = []

    def records() -> Iterator[Produced]:
        for path in options.inputs:
            for record in good_records(path, mapping, channel):
                if isinstance(record, Parsed):
                    unread.append(record)
                else:
                    yield record

    console = Console(stderr=True)
    try:
        with Bar(console) as bar:
            report = run(run_demo(options, bar, records if options.inputs else None))
    except NotDrained as error:
        raise UserError(str(error)) from None
    report["unread_lines"] = len(unread)
    report["next"] = NEXT
    if json_:
        sys.stdout.write(json.dumps(report, ensure_ascii=False, default=str) + "\n")
    else:
        show(report, Console())
    raise typer.Exit(0 if report["balanced"] else 1)


NEXT = (
    "Next: `hark up` keeps it running for your own producers and consumers;",
    "      rules are in rules/catalog, one YAML file each: `hark rules test` tries them.",
)
