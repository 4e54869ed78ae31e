"""`hark bench`: the pipeline's cost, speed and memory beside its peers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from ops.bench import compare
from ops.bench.run import run as measure
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
    peers: Annotated[Path, typer.Option("--peers", help="Virtual environment of the peers.")] = Path(
        ".hark/bench-peers"
    ),
    install_peers: Annotated[
        bool, typer.Option("--install-peers", help="Make that environment first.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep the report as the last one.")] = True,
) -> None:
    """Measure the whole pipeline beside its peers, in under ten minutes."""
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
