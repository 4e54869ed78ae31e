"""A made-up trial as a table, and `hark uplift --csv` asked about it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from typer.testing import CliRunner

from ops.commands.uplift import uplift

app = typer.Typer()
app.command()(uplift)
runner = CliRunner()


def run(path: Path, *options: str) -> dict[str, Any]:
    result = runner.invoke(app, ["--csv", str(path), *options, "--json"])
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refusal(*options: str) -> str:
    result = runner.invoke(app, list(options))
    assert result.exit_code == 1 and result.stdout == ""
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stderr.count("\n") == 1
    return result.stderr


def trial(n: int = 4000, seed: int = 1) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        arm = ("control", "a", "b")[number % 3]
        past = float(rng.exponential(20))
        bought = rng.random() < 0.2 + (0.1 if arm == "a" else 0.0)
        rows.append(
            {"id": number, "arm": arm, "past": round(past, 2), "bought": int(bought),
             "spend": round(0.5 * past + rng.exponential(5) + (3 if arm == "a" else 0), 2)}
        )  # fmt: skip
    return rows


def write(path: Path, rows: Sequence[dict[str, Any]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


BASE = ("--arm", "arm", "--control", "control", "--metrics", "bought,spend", "--covariate", "past")
