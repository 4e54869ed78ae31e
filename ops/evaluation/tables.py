"""`hark eval tables`: the propensity learner beside batch gradient boosting on many tables at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.evaluation.churn import evaluated
from ops.evaluation.made import CHOSEN, HELD_BACK, Made
from ops.evaluation.table import read_table

SETS = {"chosen": CHOSEN, "held-back": HELD_BACK, "none": {}}


def given(spec: str) -> Made:
    """Read `FILE:LABEL[:POSITIVE]`, columns to leave out after a further colon, by commas.

    Raises
    ------
    ValueError
        Where the words do not fit, or as in `read_table`.
    """
    path, *words = spec.split(":")
    if not 1 <= len(words) <= 3 or not Path(path).is_file():
        raise ValueError(f"{spec!r} is not FILE:LABEL[:POSITIVE[:DROP,…]] of a file that exists")
    label, positive, drop = [*words, "", ""][:3]
    return read_table(Path(path), label, positive or None, [name for name in drop.split(",") if name])


def _unchanged(read: Made) -> Callable[[int], Made]:
    """Return a maker of a table that was read: its seed is of the shuffle alone."""
    return lambda seed: read


def run(
    files: Sequence[str],
    chosen: str,
    seeds: Sequence[int],
    delay: int = 0,
    only: str = "",
    again: bool = False,
) -> Iterator[dict[str, Any]]:
    """Yield one result a table and seed, as soon as it is there.

    Parameters
    ----------
    files
        As `given` reads them.
    chosen
        One of SETS: which made tables.
    seeds
        Of the tables made and of every shuffle.
    delay
        Events between a prediction and its label.
    only
        Part of the names of the made tables wanted.
    again
        Retrain the batch model at every tenth of the stream as well.
    """
    makers: dict[str, Callable[[int], Made]] = {
        name: make for name, make in SETS[chosen].items() if only in name
    }
    for spec in files:
        makers[Path(spec.split(":")[0]).name] = _unchanged(given(spec))
    for name, make in makers.items():
        for seed in seeds:
            rows, labels = make(seed)
            found = evaluated(rows, labels, name, delay, seed, batch=True, floor=True, again=again)
            ours, batch = found["last_half"], found["batch"]["last_half"]
            told = {"auc_retrained": found["retrained"]["last_half"]["auc"]} if again else {}
            yield {
                "table": name,
                "seed": seed,
                "n": found["n"],
                "columns": len(rows[0]),
                "auc": ours["auc"],
                "auc_batch": batch["auc"],
                "auc_less": None if None in (ours["auc"], batch["auc"]) else ours["auc"] - batch["auc"],
                **told,
                "ece": found["whole"]["ece"],
                "ece_chance": found["floor"]["whole"]["ece"],
                "ece_last_half": ours["ece"],
                "ece_last_half_chance": found["floor"]["last_half"]["ece"],
                "us_per_event": found["us_per_event"],
            }


def tables(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE:LABEL[:POSITIVE[:DROP,…]]", help="Tables of yours.")
    ] = None,
    made: Annotated[
        str, typer.Option(help=f"Tables made by generators as well: {', '.join(SETS)}.")
    ] = "chosen",
    seeds: Annotated[str, typer.Option(help="Of the made tables and of every shuffle.")] = "7,1",
    delay: Annotated[int, typer.Option(min=0, help="Events between a prediction and its label.")] = 0,
    only: Annotated[str, typer.Option(help="Made tables whose name has this in it.")] = "",
    again: Annotated[
        bool, typer.Option("--retrained", help="Also boosting retrained at every tenth of the stream.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line")] = False,
) -> None:
    """Put the propensity learner beside 5-fold gradient boosting on many tables; minutes."""
    if made not in SETS:
        raise typer.BadParameter(f"no set is called {made!r}; there are {', '.join(SETS)}")
    if made == "none" and not files:
        raise typer.BadParameter("no table to look at: name a file, or --made chosen")
    if not all(seed.strip().isdecimal() for seed in seeds.split(",")):
        raise typer.BadParameter(f"--seeds takes whole numbers and commas, as in 7,1, not {seeds!r}")
    try:
        numbers = [int(seed) for seed in seeds.split(",")]
        for found in run(files or (), made, numbers, delay, only, again):
            typer.echo(json.dumps(found) if as_json else _line(found))
    except (ImportError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


def _line(found: dict[str, Any]) -> str:
    less, again = found["auc_less"], found.get("auc_retrained")
    return (
        f"{found['table'][:28]:28} seed {found['seed']:<4} {found['n']:>6} x {found['columns']:<4}"
        f"AUC {found['auc'] or 0:.4f} ({'–' if less is None else f'{less:+.4f}'} of batch"
        f"{'' if again is None else f', {again:.4f} retrained at tenths'})  "
        f"ECE {found['ece']:.4f} last half {found['ece_last_half']:.4f} "
        f"(chance {found['ece_last_half_chance']:.4f})  {found['us_per_event']:.0f} µs"
    )
