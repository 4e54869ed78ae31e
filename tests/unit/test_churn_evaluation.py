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
    chance_error,
    churn,
    figures,
    prequential,
    run,
)
from ops.evaluation.table import read_table


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
        ("a|y\n1|True.\n2|FALSE\n3|true\n", None, [True, False, True]),
        ("a,y\n1,1.0\n2,0\n3,1\n", "1", [True, False, True]),
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


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"a,y\n", "no row has a label"),
        (b"y\n1\n0\n", "no row has a label"),
        (b"a,y\n1,2\n" + b"".join(b"1,%d\n" % i for i in range(3, 30)), "name the positive one"),
        (b"\x1f\x8b\x08broken", "broken gzip"),
        (b"a,y\n" + b"x" * 200_000 + b",1\n", "no table: field larger"),
        (b"PK\x03\x04\x00\xff\n\x00\x01", "no column 'y'"),
    ],
)
def test_no_file_gives_more_than_one_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=said):
        run(path, "y")
    app = typer.Typer()
    app.command()(churn)
    result = CliRunner().invoke(app, [str(path), "--label", "y", "--json"])
    assert result.exit_code == 2 and result.exception is not None and "Traceback" not in result.output


def test_dates_are_numbers_and_wide_characters_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("since,at,y\n2024-01-02,2024-01-02T00:00:10Z,是\n2024-31-31,2024,否\n".encode("utf-16"))
    rows, labels = read_table(path, "y", "是")
    assert rows[0] == {"since": 1704153600.0, "at": 1704153610.0}
    assert rows[1] == {"since": "2024-31-31", "at": 2024.0} and labels == [True, False]


@pytest.mark.parametrize(
    ("coding", "words"),
    [("gb18030", ("北京", "上海")), ("latin-1", ("Café", "Cafà")), ("utf-8", ("北", "é"))],
)
def test_a_table_that_is_no_utf_8_keeps_its_words_apart(
    tmp_path: Path, coding: str, words: tuple[str, str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(f"ort,y\n{words[0]},1\n{words[1]},0\n".encode(coding))
    rows, labels = read_table(path, "y")
    assert [row["ort"] for row in rows] == list(words) and labels == [True, False]
    with pytest.raises(ValueError, match="ort, y$" if coding == "utf-8" else f"was read as {coding}"):
        read_table(path, "nope")


def test_a_table_of_few_rows_gives_json_that_any_reader_takes(tmp_path: Path) -> None:
    """Constant and empty columns, a half with one label, more delay than rows."""
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,y\n" + "5,,same,no\n" * 11 + "5,,same,yes\n")
    app = typer.Typer()
    app.command()(churn)
    result = CliRunner().invoke(app, [str(path), "--label", "y", "--delay", "99", "--floor", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["whole"]["auc"] == 0.5 and set(found["floor"]) == {"whole", "last_half"}
    shown = CliRunner().invoke(app, [str(path), "--label", "y", "--floor"])
    assert shown.exit_code == 0 and "floor last half" in shown.output


def test_the_error_chance_gives_falls_with_the_root_of_the_rows() -> None:
    few, many = (chance_error(np.tile([0.15, 0.35, 0.75], n)) for n in (100, 1600))
    assert few / many == pytest.approx(4.0, rel=0.25)


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
