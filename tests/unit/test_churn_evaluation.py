"""The evaluation reads real-world tables and its figures are those of scikit-learn's definitions."""

from __future__ import annotations

import gzip
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from models.churn.propensity import Propensity
from ops.bench.drift import DETECTORS, measure
from ops.evaluation.churn import (
    auc,
    average_precision,
    calibration_error,
    churn,
    figures,
    prequential,
    read_table,
    run,
)


def table(path: Path, n: int = 400, seed: int = 7) -> Path:
    """Write a made-up table with a byte order mark, blanks in names and cells, and CRLF ends."""
    rng = random.Random(seed)
    lines = ["id, Tenure ,Plan,Charges,Churned "]
    for i in range(n):
        tenure, plan = rng.randrange(60), rng.choice(["basic", "plus"])
        left = rng.random() < (0.6 if tenure < 12 else 0.1)
        charges = " " if rng.random() < 0.05 else f"{rng.uniform(10, 90):.2f}"
        lines.append(f"c{i},{tenure},{plan},{charges},{'Yes' if left else 'No'}")
    path.write_bytes(gzip.compress(("\ufeff" + "\r\n".join(lines) + "\r\n").encode()))
    return path


def test_reading_tolerates_what_exports_contain(tmp_path: Path) -> None:
    rows, labels = read_table(table(tmp_path / "t.csv.gz"), "Churned", drop=["id"])
    assert len(rows) == len(labels) == 400
    assert set(rows[0]) == {"Tenure", "Plan", "Charges"}
    assert any(row["Charges"] is None for row in rows)
    assert isinstance(rows[0]["Tenure"], float) and rows[0]["Plan"] in ("basic", "plus")


@pytest.mark.parametrize(
    ("text", "positive", "labels"),
    [
        ("a;y\n1;0\n2;1\n3;0\n", None, [False, True, False]),
        ("a\ty\n1\tStayed\n2\tStayed\n3\tChurned\n", None, [False, False, True]),
        ("a,y\n1,x\n2,z\n3,x\n", None, [False, True, False]),
        ("a,y\n1,x\n2,z\n3,x\n", "x", [True, False, True]),
        ('a,y\n"1,5",no\n2,\n"x\n y",yes\n', None, [False, True]),
    ],
)
def test_positive_value_and_delimiter_are_found(
    tmp_path: Path, text: str, positive: str | None, labels: list[bool]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert read_table(path, "y", positive)[1] == labels


def test_mistakes_are_named(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv.gz", 50)
    with pytest.raises(ValueError, match="no column 'Left'; there are: id, Tenure"):
        read_table(path, "Left")
    with pytest.raises(ValueError, match="no column 'nope'"):
        read_table(path, "Churned", drop=["nope"])
    with pytest.raises(ValueError, match="is never 'Maybe'"):
        read_table(path, "Churned", "Maybe")
    with pytest.raises(ValueError, match="unknown comparison"):
        run(path, "Churned", against="magic")


def test_figures_by_hand() -> None:
    y, p = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.2, 0.8, 0.4, 0.4])
    assert auc(y, p) == pytest.approx(3.5 / 4)
    assert average_precision(y, p) == pytest.approx(0.5 * 1.0 + 0.5 * (2 / 3))
    assert calibration_error(y, p) == pytest.approx((0.2 + 0.2 + 0.2) / 4)
    assert figures(y, p)["brier"] == pytest.approx((0.04 + 0.04 + 0.36 + 0.16) / 4)
    assert math.isnan(auc(np.ones(3), np.ones(3)))


def test_a_label_is_never_learned_before_its_delay() -> None:
    """With the delay as long as the stream nothing is learned, and all predictions are the prior's."""
    rows: list[dict[str, float | str | None]] = [{"leak": float(i % 2)} for i in range(300)]
    labels = [i % 2 == 1 for i in range(300)]
    blind, _ = prequential(Propensity("t"), rows, labels, delay=300)
    assert blind.tolist() == pytest.approx([0.25] * 300)
    late, _ = prequential(Propensity("t"), rows, labels, delay=100)
    assert np.ptp(late[:100]) == 0.0 and auc(np.array(labels[250:], float), late[250:]) == 1.0


def test_the_command_prints_what_the_issue_asks(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(churn)
    path = str(table(tmp_path / "t.csv.gz"))
    result = CliRunner().invoke(app, [path, "--label", "Churned", "--drop", "id", "--delay", "20", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert set(found) == {"n", "whole", "last_half", "us_per_event"}
    assert set(found["whole"]) == set(found["last_half"]) == {"auc", "pr_auc", "brier", "ece"}
    assert found["n"] == 400 and found["last_half"]["auc"] > 0.65
    assert CliRunner().invoke(app, [path, "--label", "nope"]).exit_code == 2


def test_the_drift_bench_meets_the_target() -> None:
    found = measure(DETECTORS["watch"], seeds=6, quiet=20_000)
    assert found["median_delay"] <= 300
    assert found["missed"] == found["early_alarms"] == found["false_alarms_in_20000"] == 0
