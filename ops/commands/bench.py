"""`hark bench`: the pipeline's cost, speed and memory beside its peers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from ops.bench import compare
from ops.bench.run import run as measure
from ops.bench.soak import soak as run_soak
from ops.bench.soak_page import write_soak_page
from ops.bench.table import show
from ops.failures import UserError, run, sayable

RESULTS = Path(__file__).parents[1] / "bench" / "results"


@sayable
def bench(
    json_: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    stack: Annotated[
        Literal["embedded", "kafka"], typer.Option("--stack", help="Which broker.")
    ] = "embedded",
    quick: Annotated[bool, typer.Option("--quick", help="A quarter of the events.")] = False,
    peers: Annotated[Path, typer.Option("--peers", help="Virtual environment of the peers.")] = (
        compare.PEERS
    ),
    install_peers: Annotated[
        bool, typer.Option("--install-peers", help="Make that environment first.")
    ] = False,
    soak: Annotated[
        float | None, typer.Option("--soak", help="Instead: so many minutes at half load.", min=0.1)
    ] = None,
    rate: Annotated[float | None, typer.Option("--rate", help="Events a second of --soak.", min=1)] = None,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep the report as the last one.")] = True,
) -> None:
    """Measure the whole pipeline beside its peers, in under ten minutes."""
    if soak is not None:
        _soak(stack, soak, rate, json_, keep)
        return
    if install_peers:
        try:
            compare.install(peers)
        except (OSError, subprocess.CalledProcessError) as error:
            raise UserError(f"the peers' environment could not be made in {peers}: {error}") from error
    console = Console(stderr=True)
    report = run(measure(stack == "kafka", quick, peers, console.print))
    options = ["--quick"] * quick + ["--stack", stack]
    report["command"] = " ".join(["hark", "bench", *options])
    if keep:
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
        (RESULTS / f"{stack}{'-quick' if quick else ''}.json").write_text(text)
    if json_:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    else:
        show(report, Console())


def _soak(stack: str, minutes: float, rate: float | None, json_: bool, keep: bool) -> None:
    report = run(run_soak(stack == "kafka", minutes, rate, Console(stderr=True).print))
    paced = [] if rate is None else ["--rate", f"{rate:g}"]
    report["command"] = " ".join(["hark", "bench", "--soak", f"{minutes:g}", *paced, "--stack", stack])
    if keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{stack}-soak.json").write_text(json.dumps(report) + "\n")
        write_soak_page(RESULTS / f"{stack}-soak.html", report)
    if json_:
        sys.stdout.write(json.dumps(report) + "\n")
        return
    table = Table("figure", "mean", "most", "slope an hour", title=f"Second half of {minutes:g} minutes")
    for name, row in report["second_half"].items():
        table.add_row(name, *(f"{row[key]:,.1f}" for key in ("mean", "max", "per_hour")))
    Console().print(table)
