"""Wide tables: what tells something gets the large trees; fits begin at the last one; rows as arrays."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from models.churn.blend import Blend
from models.churn.fitted import COMPONENTS
from models.churn.fitting import WIDE, fit_window, refreshed
from models.churn.propensity import Propensity
from models.churn.table import Table
from ops.evaluation.made import CHOSEN, HELD_BACK
from ops.evaluation.tables import tables

NARROW = 8


def drawn(rows: int, columns: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a table of numbers whose first two columns decide together, mostly, and one column of words."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)).astype(np.float32)
    x[:, 2] = rng.integers(0, 4, rows)
    words = np.zeros(columns, bool)
    words[2] = True
    decided = ((x[:, 0] + 0.5) * (x[:, 1] + 0.5) > 0.0) ^ (rng.random(rows) < 0.05)
    return x, decided.astype(np.float64), words


@pytest.mark.parametrize("columns", [NARROW, 5 * WIDE])
def test_large_trees_find_two_columns_that_say_little_alone(columns: int) -> None:
    x, y, words = drawn(1500, columns)
    fitted = fit_window(x[:1000], y[:1000], words, seed=3)
    told = np.array([fitted.logits(row)[COMPONENTS - 1] for row in x[1000:]])
    assert float(((told > 0.0) == y[1000:]).mean()) > 0.85
    used = {int(column) for column in fitted.column[int(fitted.base[1]) :].ravel() if column >= 0}
    assert {0, 1} <= used and len(used) <= WIDE


def test_a_fit_begun_at_the_last_one_is_the_fit_from_nothing() -> None:
    x, y, words = drawn(900, NARROW)
    y = (x[:, 3] + 0.8 * (x[:, 2] > 1) > 0.3).astype(np.float64)
    before = fit_window(x[:600], y[:600], words, seed=3)
    begun, fresh = fit_window(x, y, words, 5, True, before), fit_window(x, y, words, 5)
    told = np.array([[one.logits(row)[0] for one in (begun, fresh, before)] for row in x])
    assert np.abs(told[:, 0] - told[:, 1]).max() < 0.25
    assert np.abs(told[:, 0] - told[:, 1]).mean() < 0.3 * np.abs(told[:, 2] - told[:, 1]).mean()
    again = refreshed(begun, x, y)
    assert np.abs([again.logits(row)[0] for row in x] - told[:, 1]).max() < 0.25


def test_a_component_that_is_plainly_better_need_not_wait_for_thousands_of_labels() -> None:
    rng = np.random.default_rng(7)
    blends = {"plain": Blend(np.array([0.8, 0.2])), "alike": Blend(np.array([0.8, 0.2]))}
    for _ in range(600):
        truth = rng.normal(0.0, 2.0)
        label = bool(rng.random() < 1.0 / (1.0 + math.exp(-truth)))
        blends["plain"].learn(np.array([rng.normal(0.0, 2.0), truth]), label)
        blends["alike"].learn(np.array([truth, truth + rng.normal(0.0, 0.1)]), label)
    _, first, second = blends["plain"].weights
    assert first < 0.2 and second > 0.7
    _, first, second = blends["alike"].weights
    assert first > 0.5 > second


def test_a_component_that_has_learned_is_judged_by_what_it_says_now() -> None:
    rng = np.random.default_rng(7)
    blend = Blend(np.array([0.8, 0.2]))
    for i in range(1200):
        truth = rng.normal(0.0, 2.0)
        label = bool(rng.random() < 1.0 / (1.0 + math.exp(-truth)))
        blend.learn(np.array([rng.normal(0.0, 2.0), truth if i >= 480 else rng.normal(0.0, 2.0)]), label)
    assert blend.weights[2] > 0.85


ROW = {f"a{i:02}": float(i) for i in range(20)}


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -1e300, 1e200, None, "word", True, 3, 10**400, [1], {}, b"x", 1e30, -2.5]
)
def test_a_row_of_numbers_is_read_as_its_cells_one_by_one(value: Any) -> None:
    wide, narrow = Table(64), Table(64)
    wide.add(wide.meet(ROW), True)
    narrow.add(narrow.meet({"a03": 3.0}), True)
    got = wide.row(ROW | {"a03": value})
    assert np.array_equal(got[3:4], narrow.row({"a03": value}), equal_nan=True)
    assert np.delete(got, 3).tolist() == [v for k, v in ROW.items() if k != "a03"]


def test_reasons_of_a_wide_table_add_up() -> None:
    x, y, _ = drawn(300, 2 * WIDE)
    model = Propensity("churn")
    for row, label in zip(x, y, strict=True):
        model.learn_one({f"c{j}": float(v) for j, v in enumerate(row)}, bool(label))
    for row in x[:20]:
        given = {f"c{j}": float(v) for j, v in enumerate(row)}
        total = model.baseline(given) + sum(r.contribution for r in model.explain(given, 2 * WIDE))
        chance = model.predict_proba_one(given)
        assert total == pytest.approx(math.log(chance / (1.0 - chance)), abs=1e-6)


def test_made_tables_are_the_same_for_a_seed_and_kept_apart() -> None:
    assert not set(CHOSEN) & set(HELD_BACK)
    for name in ("customers_small", "classes_small"):
        (rows, labels), again, other = (CHOSEN[name](seed) for seed in (5, 5, 6))
        assert (rows, labels) == again != other and 0.05 < sum(labels) / len(labels) < 0.95


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(tables)
    return app


def test_the_command_prints_a_line_a_table_and_seed(command: typer.Typer, tmp_path: Any) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,a,y\n" + "".join(f"{i},{i % 7},{int(i % 7 > 3)}\n" for i in range(120)))
    words = ["--made", "held-back", "--only", "wine", "--seeds", "7", "--json", f"{path}:y::id"]
    lines = [json.loads(line) for line in CliRunner().invoke(command, words).output.splitlines()]
    assert [(line["table"], line["n"], line["columns"]) for line in lines] == [
        ("wine", 178, 13),
        ("t.csv", 120, 1),
    ]
    for line in lines:
        assert line["auc"] > 0.95 and line["auc_less"] == pytest.approx(line["auc"] - line["auc_batch"])
        assert line["us_per_event"] > 0.0 and line["ece_last_half_chance"] >= 0.0
    assert CliRunner().invoke(command, ["--made", "none", "nothing.csv:y"]).exit_code == 2
    assert CliRunner().invoke(command, ["--made", "all"]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "said"), [(["--made", "none"], "no table to look at"), (["--seeds", "7,x"], "whole numbers")]
)
def test_the_command_says_what_to_give_it(command: typer.Typer, words: list[str], said: str) -> None:
    found = CliRunner().invoke(command, words)
    assert found.exit_code == 2 and said in found.output
