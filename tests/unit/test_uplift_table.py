"""`hark uplift --csv` on tables as people have them."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from ops.commands.uplift import uplift
from ops.uplift.table import TableError, read

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


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run(write(tmp_path_factory.mktemp("t") / "trial.csv", trial()), *BASE)


def test_the_json_has_the_shape_agreed(plain: dict[str, Any]) -> None:
    assert set(plain) == {"srm", "arms"} and set(plain["srm"]) == {"chi2", "p"}
    assert set(plain["arms"]) == {"a", "b"}
    for metrics in plain["arms"].values():
        assert list(metrics) == ["bought", "spend"]
        for found in metrics.values():
            assert set(found) == {
                "control", "treated", "delta", "low", "high", "method", "sequential", "cuped", "verdict",
            }  # fmt: skip
            assert set(found["sequential"]) == {"low", "high", "p"}
            assert found["low"] < found["delta"] < found["high"]
    assert plain["arms"]["a"]["bought"]["method"] == "newcombe"
    assert plain["arms"]["a"]["spend"]["method"] == "welch"
    assert plain["arms"]["a"]["bought"]["verdict"] == plain["arms"]["a"]["spend"]["verdict"] == "helps"
    assert plain["arms"]["b"]["bought"]["verdict"].startswith("not yet, needs about ")
    assert plain["arms"]["a"]["spend"]["cuped"]["reduction"] > 0.5


@pytest.mark.parametrize(
    ("encoding", "delimiter", "packed"),
    [("utf-8-sig", ",", False), ("utf-8", ";", False), ("utf-16", "\t", False), ("gb18030", "|", False),
     ("utf-8", ",", True), ("utf-8-sig", ";", True)],
)  # fmt: skip
def test_the_same_table_in_other_clothes(
    plain: dict[str, Any], tmp_path: Path, encoding: str, delimiter: str, packed: bool
) -> None:
    rows = [row | {"备注": "谢谢"} for row in trial()]
    path = write(tmp_path / "trial.csv", rows, encoding, delimiter)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert run(path, *BASE) == plain


@pytest.mark.parametrize(
    ("yes", "no"), [("Yes", "No"), ("TRUE", "FALSE"), ("t", "f"), ("1.0", "0.0"), (" y ", " n ")]
)
def test_words_for_yes_and_no(plain: dict[str, Any], tmp_path: Path, yes: str, no: str) -> None:
    rows = [row | {"bought": yes if row["bought"] else no} for row in trial()]
    assert run(write(tmp_path / "trial.csv", rows), *BASE) == plain


@pytest.mark.parametrize(
    ("written", "delimiter"),
    [("${:,.2f}", ","), ("{:.2f} USD", ","), ("￥{:.2f}", ","), ("{:.2f}元", ","), (" {:+.2f}", ",")],
)
def test_money_as_people_write_it(
    plain: dict[str, Any], tmp_path: Path, written: str, delimiter: str
) -> None:
    rows = [row | {"spend": written.format(row["spend"])} for row in trial()]
    assert run(write(tmp_path / "trial.csv", rows, delimiter=delimiter), *BASE) == plain


def test_commas_may_be_decimal_points(plain: dict[str, Any], tmp_path: Path) -> None:
    rows = [row | {name: str(row[name]).replace(".", ",") for name in ("past", "spend")} for row in trial()]
    path = write(tmp_path / "trial.csv", rows, delimiter=";")
    path.write_text("sep=;\n" + path.read_text())
    assert run(path, *BASE) == plain


def test_an_arm_may_be_named_as_people_say_it(plain: dict[str, Any], tmp_path: Path) -> None:
    rows = [row | {"arm": {"control": "0.0", "a": "1.0", "b": "2.0"}[row["arm"]]} for row in trial()]
    found = run(write(tmp_path / "trial.csv", rows), "--arm", "arm", "--control", "0", *BASE[4:])
    assert found["arms"]["1.0"] == plain["arms"]["a"]
    assert run(write(tmp_path / "t.csv", trial()), "--arm", "ARM", "--control", "Control", *BASE[4:]) == plain


def test_missing_values_are_left_out_of_their_metric_only(plain: dict[str, Any], tmp_path: Path) -> None:
    words = ("", "NA", "NaN", "null", "None", "inf")
    rows = [
        row | {"spend": words[row["id"] // 7 % 6] if row["id"] % 7 == 0 else row["spend"]} for row in trial()
    ]
    found = run(write(tmp_path / "trial.csv", rows), *BASE)
    assert found["arms"]["a"]["bought"] == plain["arms"]["a"]["bought"]
    known = [float(row["spend"]) for row in rows if row["arm"] == "a" and row["id"] % 7]
    assert found["arms"]["a"]["spend"]["treated"] == pytest.approx(np.mean(known))
    assert found["srm"] == plain["srm"]


def test_rows_without_an_arm_are_left_out_and_told(tmp_path: Path) -> None:
    rows = [row | {"arm": "" if row["id"] % 10 == 0 else row["arm"]} for row in trial()]
    path = write(tmp_path / "trial.csv", rows)
    result = runner.invoke(app, ["--csv", str(path), *BASE, "--json"])
    assert "400 rows without an arm" in result.stderr and set(json.loads(result.stdout)["arms"]) == {"a", "b"}


def test_covariates_that_are_missing_or_constant(plain: dict[str, Any], tmp_path: Path) -> None:
    gaps = run(
        write(tmp_path / "a.csv", [row | {"past": row["past"] if row["id"] % 2 else ""} for row in trial()]),
        *BASE,
    )
    assert gaps["arms"]["a"]["spend"]["delta"] == plain["arms"]["a"]["spend"]["delta"]
    assert gaps["arms"]["a"]["spend"]["cuped"]["reduction"] > 0.5
    flat = run(write(tmp_path / "b.csv", [row | {"past": 3} for row in trial()]), *BASE)
    assert flat["arms"]["a"]["spend"]["cuped"] is None
    without = run(write(tmp_path / "c.csv", trial()), *BASE[:-2])
    assert without["arms"]["a"]["spend"]["cuped"] is None


@pytest.mark.parametrize(
    ("values", "method"),
    [([0], "newcombe"), ([1], "newcombe"), ([5], "welch"), ([0, 2], "welch"), ([""], "newcombe")],
)
def test_metrics_that_say_nothing(tmp_path: Path, values: list[Any], method: str) -> None:
    rows = [row | {"bought": values[row["id"] % 6 // 3 % len(values)]} for row in trial(60)]
    found = run(write(tmp_path / "trial.csv", rows), *BASE)["arms"]["a"]["bought"]
    assert found["method"] == method
    assert found["verdict"].startswith("not yet") or found["verdict"].startswith("no difference")


def test_a_mean_carried_by_a_few_customers_is_told(tmp_path: Path) -> None:
    rows = [row | {"spend": 9000 if row["id"] % 997 == 0 else row["spend"]} for row in trial()]
    result = runner.invoke(app, ["--csv", str(write(tmp_path / "t.csv", rows)), *BASE, "--json"])
    assert "spend: a few values carry the variance" in result.stderr
    assert json.loads(result.stdout)["arms"]["a"]["spend"]["sequential"]["low"] is not None


def test_a_covariate_of_words_is_a_regression_on_its_groups(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    shops = ("Web", "phone", "", "rare %d")
    rows = []
    for row in trial():
        shop = int(rng.choice(4, p=(0.5, 0.3, 0.19, 0.01)))
        rows.append(
            row | {"shop": shops[shop].replace("%d", str(row["id"])), "spend": row["spend"] + 40 * shop}
        )
    path = write(tmp_path / "t.csv", rows)
    found = run(path, *BASE[:-1], "shop")["arms"]["a"]["spend"]
    assert found["cuped"]["reduction"] > 0.6 and found["cuped"]["theta"] == pytest.approx(1)
    kept = [row | {"shop": row["shop"] if not row["shop"].startswith("rare") else "rare"} for row in rows]
    pair = [row for row in kept if row["arm"] in ("a", "control")]
    words = sorted({row["shop"] for row in pair})
    x = np.array([[row["shop"] == word for word in words] for row in pair], dtype=float)
    y = np.array([row["spend"] for row in pair])
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    treated = np.array([row["arm"] == "a" for row in pair])
    assert found["cuped"]["delta"] == pytest.approx(left[treated].mean() - left[~treated].mean())


def test_a_metric_of_words_counts_the_word_that_is_named(plain: dict[str, Any], tmp_path: Path) -> None:
    rows = [row | {"end": "Bought" if row["bought"] else "went away"} for row in trial()]
    path = write(tmp_path / "t.csv", rows)
    told = run(path, *BASE[:5], "end=bought,end=went away", *BASE[6:])["arms"]["a"]
    assert told["end=bought"] == plain["arms"]["a"]["bought"] | {"verdict": told["end=bought"]["verdict"]}
    assert told["end=went away"]["delta"] == pytest.approx(-told["end=bought"]["delta"])
    refused = runner.invoke(app, ["--csv", str(path), *BASE[:5], "end"])
    assert "of words say which counts, as in end=WORD" in refused.output
    refused = runner.invoke(app, ["--csv", str(path), *BASE[:5], "end=elsewhere"])
    assert refused.exit_code == 1 and "has the word of end=elsewhere" in refused.output


def test_a_score_is_asked_whom_to_act_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    rows = []
    for row in trial(6000):
        worth = float(rng.random())
        gain = 8 * worth * (row["arm"] == "a")
        rows.append(row | {"worth": worth, "spend": round(row["spend"] + gain, 2)})
    path = write(tmp_path / "t.csv", rows)
    told = run(path, *BASE, "--score", "worth")["arms"]
    assert told["a"]["spend"]["score"]["qini"]["low"] > 0
    assert told["b"]["spend"]["score"]["qini"]["low"] < 0 < told["b"]["spend"]["score"]["qini"]["high"]
    tenths = told["a"]["spend"]["score"]["tenths"]
    assert [tenth["tenth"] for tenth in tenths] == list(range(1, 11))
    assert tenths[0]["delta"] > 8 > 6 > tenths[-1]["delta"]
    assert sum(tenth["n_treated"] for tenth in tenths) == 2000
    result = runner.invoke(app, ["--csv", str(path), *BASE, "--score", "worth"])
    assert (
        "it finds whom to act on" in " ".join(result.stdout.split()) and "acting down to it" in result.stdout
    )


@pytest.mark.parametrize("cell", ["1e300", "-1e308", "1e-300", "1'234.50", ".", "#DIV/0!", "—"])
def test_odd_numbers_break_nothing(tmp_path: Path, cell: str) -> None:
    rows = [row | {"spend": cell if row["id"] % 5 else row["spend"]} for row in trial(300)]
    found = run(write(tmp_path / "t.csv", rows), *BASE, "--score", "spend")["arms"]["a"]["spend"]
    assert found["low"] < found["delta"] < found["high"]


def test_what_a_reader_should_know_is_said(tmp_path: Path) -> None:
    rows = [row | {"arm": "A" if row["id"] % 9 == 1 else row["arm"], "past": 3} for row in trial(300)]
    result = runner.invoke(app, ["--csv", str(write(tmp_path / "t.csv", rows)), *BASE, "--json"])
    assert "differ in case alone" in result.stderr and "past adjusts nothing" in result.stderr


def test_tiny_arms(tmp_path: Path) -> None:
    rows = [
        {"arm": "control", "m": 1, "s": 2.5},
        {"arm": "x", "m": 0, "s": 3.5},
        {"arm": "x", "m": 1, "s": 4.5},
    ]
    found = run(write(tmp_path / "t.csv", rows), "--arm", "arm", "--control", "control", "--metrics", "m,s")[
        "arms"
    ]["x"]
    assert found["s"]["low"] is None and found["s"]["sequential"] == {"low": None, "high": None, "p": 1.0}
    assert -1 <= found["m"]["low"] < found["m"]["high"] <= 1


def test_arms_that_are_numbers_and_sizes_that_do_not_fit(tmp_path: Path) -> None:
    rows = [row | {"arm": 0 if row["id"] % 10 else 1} for row in trial()]
    path = write(tmp_path / "t.csv", rows)
    options = ("--arm", "arm", "--control", "0", "--metrics", "bought")
    blocked = run(path, *options)
    assert blocked["srm"]["p"] < 1e-10 and blocked["arms"]["1"]["bought"]["verdict"].startswith("blocked")
    planned = run(path, *options, "--shares", "0=9,1=1")
    assert planned["srm"]["p"] == pytest.approx(1) and not planned["arms"]["1"]["bought"][
        "verdict"
    ].startswith("blocked")


def test_less_may_be_better(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", trial())
    found = run(path, *BASE, "--lower-is-better", "bought")
    assert found["arms"]["a"]["bought"]["verdict"] == "hurts"
    assert found["arms"]["a"]["spend"]["verdict"] == "helps"


def test_large_and_equal_is_no_difference(tmp_path: Path) -> None:
    rows = [{"arm": ("x", "y")[n % 2], "m": n // 2 % 2} for n in range(40_000)]
    found = run(write(tmp_path / "t.csv", rows), "--arm", "arm", "--control", "x", "--metrics", "m")
    assert found["arms"]["y"]["m"]["verdict"] == "no difference big enough to matter"


def test_people_get_a_table(tmp_path: Path) -> None:
    result = runner.invoke(app, ["--csv", str(write(tmp_path / "t.csv", trial())), *BASE])
    assert result.exit_code == 0
    for word in ("against control", "they fit the plan", "bought", "helps"):
        assert word in result.stdout


def test_refusals_are_one_sentence(tmp_path: Path) -> None:
    path = str(write(tmp_path / "t.csv", trial(30)))
    arm, metrics = ("--arm", "arm"), ("--metrics", "bought")
    told = ("--csv", path, *arm, "--control", "control", *metrics)
    assert "no arm nobody; there are a, b, control" in refusal(
        "--csv", path, *arm, "--control", "nobody", *metrics
    )
    assert "did you mean bought?" in refusal(*told[:-1], "bougt")
    assert "--csv needs --arm" in refusal("--csv", path)
    assert "cannot read" in refusal("--csv", str(tmp_path / "no.csv"), *told[2:])
    assert "cannot be used" not in refusal(*told, "--rule", "x") and "without --csv" in refusal(
        *told, "--rule", "x"
    )
    assert "with --csv" in refusal("--arm", "x")
    assert "a=1,b=1" in refusal(*told, "--shares", "half")
    assert "name every arm" in refusal(*told, "--shares", "a=1,b=1")
    words = write(tmp_path / "w.csv", [row | {"bought": "secret words"} for row in trial(5)])
    answer = refusal("--csv", str(words), *told[2:])
    assert "not numeric: see line 2" in answer and "secret" not in answer
    (tmp_path / "e.csv").write_text("")
    assert "is empty" in refusal("--csv", str(tmp_path / "e.csv"), *told[2:])
    (tmp_path / "g.csv").write_bytes(gzip.compress(b"arm,bought\n" * 50)[:20])
    assert "gzip" in refusal("--csv", str(tmp_path / "g.csv"), *told[2:])
    (tmp_path / "s.csv").write_text("arm,x,bought\ncontrol,1\n")
    assert "line 2 of s.csv has 2 cells, not 3" in refusal("--csv", str(tmp_path / "s.csv"), *told[2:])


def test_a_column_of_many_values_is_no_arm(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="is it the arm"):
        read(write(tmp_path / "t.csv", trial(100)), "id", ["bought"])


def test_hillstrom_from_its_file(notes: list[str]) -> None:
    """On the file itself where HARK_DATA names the folder of data sets; its licence keeps it out of here."""
    folder = os.environ.get("HARK_DATA")
    if folder is None:
        notes.append(
            "Hillstrom's own file was not read: HARK_DATA is not set (its figures are tested from sums)"
        )
        return
    found = run(
        Path(folder) / "uplift" / "hillstrom.csv.gz",
        "--arm", "segment", "--control", "No E-Mail", "--metrics", "visit,conversion,spend",
        "--covariate", "history",
    )  # fmt: skip
    mens, womens = found["arms"]["Mens E-Mail"], found["arms"]["Womens E-Mail"]
    assert (mens["visit"]["low"], mens["visit"]["high"]) == pytest.approx((0.069953, 0.083227), abs=5e-7)
    assert (womens["spend"]["low"], womens["spend"]["high"]) == pytest.approx((0.168957, 0.679868), abs=5e-7)
    assert mens["spend"]["cuped"]["delta"] == pytest.approx(0.767438, abs=5e-7)
    assert womens["spend"]["sequential"]["p"] == pytest.approx(0.044622, abs=5e-7)
    assert found["srm"]["p"] == pytest.approx(0.9037, abs=5e-5)
