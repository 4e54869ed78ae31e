"""`hark eval churn`: any table with a label column, one shuffled pass, predict then learn."""

from __future__ import annotations

import json
import math
import random
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from models.churn.propensity import Propensity
from models.learner import Array
from ops.evaluation.boosting import out_of_fold, retrained
from ops.evaluation.dressed import Row
from ops.evaluation.table import read_table


def auc(y: Array, p: Array) -> float:
    """Return the area under the ROC curve, ties counting half.

    >>> auc(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.5, 0.5]))
    0.875
    """
    _, inverse, counts = np.unique(p, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = float(y.sum())
    negative = len(y) - positive
    if not positive or not negative:
        return math.nan
    return float((rank[y > 0].sum() - positive * (positive + 1) / 2) / (positive * negative))


def average_precision(y: Array, p: Array) -> float:
    """Return the area under the precision-recall curve as a step function (average precision).

    >>> round(average_precision(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.5, 0.4])), 4)
    0.8333
    """
    if not y.any():
        return math.nan
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(y[order])
    last = np.append(np.diff(p[order]) != 0, True)
    precision = hits[last] / (np.flatnonzero(last) + 1)
    recall = hits[last] / float(y.sum())
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def calibration_error(y: Array, p: Array, bins: int = 10) -> float:
    """Return the expected calibration error over equal-width bins, ECE(bins).

    >>> round(calibration_error(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.8, 0.8])), 3)
    0.15
    """
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=p - y, minlength=bins)
    return float(np.abs(gap).sum() / len(y))


def chance_error(p: Array, seed: int = 7, times: int = 50) -> float:
    """Return the mean calibration error of labels drawn by `p` itself: what chance alone gives so few rows.

    >>> 0.02 < chance_error(np.full(100, 0.2)) < 0.05
    True
    """
    rng = np.random.default_rng(seed)
    errors = [calibration_error((rng.random(len(p)) < p).astype(np.float64), p) for _ in range(times)]
    return round(float(np.mean(errors)), 5)


def figures(y: Array, p: Array) -> dict[str, float | None]:
    """Return AUC, PR-AUC, Brier score and ECE(10), to five digits; None where one label is not there."""
    found = {
        "auc": auc(y, p),
        "pr_auc": average_precision(y, p),
        "brier": float(np.mean((p - y) ** 2)),
        "ece": calibration_error(y, p),
    }
    return {name: round(value, 5) if math.isfinite(value) else None for name, value in found.items()}


def prequential(
    model: Propensity, rows: Sequence[Row], labels: Sequence[bool], delay: int = 0
) -> tuple[Array, float]:
    """Predict each row, learn each label `delay` rows later; return probabilities and CPU µs an event."""
    out = np.empty(len(rows))
    waiting: deque[int] = deque()
    begun = time.process_time()
    for i, row in enumerate(rows):
        out[i] = model.predict_proba_one(row)
        waiting.append(i)
        if len(waiting) > delay:
            due = waiting.popleft()
            model.learn_one(rows[due], labels[due])
    return out, (time.process_time() - begun) / max(1, len(rows)) * 1e6


def run(
    path: Path,
    label: str,
    positive: str | None = None,
    drop: Sequence[str] = (),
    delay: int = 0,
    seed: int = 7,
    against: str | None = None,
    floor: bool = False,
) -> dict[str, Any]:
    """Evaluate one table; return `{"n", "whole", "last_half", "us_per_event"}`.

    Parameters
    ----------
    path, label, positive, drop
        As in `read_table`.
    delay
        Events between a prediction and its label.
    seed
        Of the shuffle.
    against
        `batch` adds 5-fold histogram gradient boosting on the same rows in the same order.
    floor
        Add the calibration error that chance alone gives so many rows of these probabilities.

    Raises
    ------
    ValueError
        As in `read_table`, or for an unknown comparison.
    """
    if against not in (None, "batch"):
        raise ValueError(f"unknown comparison {against!r}; there is 'batch'")
    rows, labels = read_table(path, label, positive, drop)
    return evaluated(rows, labels, label, delay, seed, against == "batch", floor)


def evaluated(
    rows: Sequence[Row],
    labels: Sequence[bool],
    target: str,
    delay: int = 0,
    seed: int = 7,
    batch: bool = False,
    floor: bool = False,
    again: bool = False,
) -> dict[str, Any]:
    """Return what `run` does, of a table that was read.

    Parameters
    ----------
    again
        Add the batch model retrained at every tenth of the same stream.
    """
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    rows, labels = [rows[i] for i in order], [labels[i] for i in order]
    _warm()
    probabilities, cost = prequential(Propensity(target), rows, labels, delay)
    y, half = np.array(labels, dtype=np.float64), len(rows) // 2
    out: dict[str, Any] = {
        "n": len(rows),
        "whole": figures(y, probabilities),
        "last_half": figures(y[half:], probabilities[half:]),
        "us_per_event": round(cost, 1),
    }
    if floor:
        out["floor"] = {
            "whole": {"ece": chance_error(probabilities)},
            "last_half": {"ece": chance_error(probabilities[half:])},
        }
    if batch:
        told = out_of_fold(rows, y)
        out["batch"] = {"whole": figures(y, told), "last_half": figures(y[half:], told[half:])}
    if again:
        out["retrained"] = {"last_half": figures(y[half:], retrained(rows, y)[half:])}
    return out


def _warm() -> None:
    """Compile the kernels before the clock runs."""
    model = Propensity("warm")
    for i in range(120):
        row: Row = {"a": float(i % 50), "b": "xyz"[i % 3]}
        model.predict_proba_one(row)
        model.learn_one(row, i % 4 == 0)


def churn(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or CSV.gz with a header.", exists=True, dir_okay=False)
    ],
    label: Annotated[str, typer.Option(help="Label column.")],
    positive: Annotated[str | None, typer.Option(help="Label value that counts as positive.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Column to leave out; may be repeated.")] = None,
    delay: Annotated[int, typer.Option(min=0, help="Events between a prediction and its label.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the shuffle.")] = 7,
    against: Annotated[str | None, typer.Option(help="'batch': 5-fold gradient boosting too.")] = None,
    floor: Annotated[bool, typer.Option("--floor", help="Also the ECE that chance alone gives.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Evaluate the propensity learner on a table: one shuffled pass, predict then learn."""
    try:
        found = run(path, label, positive, drop or (), delay, seed, against, floor)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if json_:
        typer.echo(json.dumps(found))
        return
    parts = {"whole": found["whole"], "last half": found["last_half"]}
    for more in ("floor", "batch"):
        if more in found:
            parts |= {f"{more} whole": found[more]["whole"], f"{more} last half": found[more]["last_half"]}
    typer.echo(f"{found['n']} rows, {found['us_per_event']} µs an event")
    for name, values in parts.items():
        typer.echo(
            f"{name:>16}  " + "  ".join(f"{k} {'–' if v is None else f'{v:.4f}'}" for k, v in values.items())
        )
