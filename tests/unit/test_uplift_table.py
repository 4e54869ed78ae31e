"""`hark uplift --csv` on tables as people have them: the same figures however they are written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from uplift_trial import BASE, app, run, runner, trial, write

from ops.uplift.table import TableError, read


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


@pytest.mark.parametrize("cell", ["1e300", "-1e308", "1e-300", "1'234.50", ".", "#DIV/0!", "—"])
def test_odd_numbers_break_nothing(tmp_path: Path, cell: str) -> None:
    rows = [row | {"spend": cell if row["id"] % 5 else row["spend"]} for row in trial(300)]
    found = run(write(tmp_path / "t.csv", rows), *BASE, "--score", "spend")["arms"]["a"]["spend"]
    assert found["low"] < found["delta"] < found["high"]


def test_a_column_of_many_values_is_no_arm(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="is it the arm"):
        read(write(tmp_path / "t.csv", trial(100)), "id", ["bought"])
