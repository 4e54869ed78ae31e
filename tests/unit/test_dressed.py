"""Numbers and dates that exports dress as words are read as what they are; categories and codes stay."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ops.evaluation.dressed import Row, numbers, undressed
from ops.evaluation.table import read_table

VALUES = [1234.5, 0.75, -12.0, 1250000.0, 999.99, 45.0]


@pytest.mark.parametrize(
    "written",
    [
        lambda v: f"{v:,.2f}",
        lambda v: f"${v:,.2f}".replace("$-", "-$"),
        lambda v: f"€ {v:,.2f}".replace(",", "_").replace(".", ",").replace("_", "."),
        lambda v: f"{v:.2f}".replace(".", ","),
        lambda v: f"{v:,.2f}".replace(",", "\u00a0").replace(".", ","),
        lambda v: f"{v:,.2f}".replace(",", "'") + " kWh",
        lambda v: f"{v:.2f}%",
    ],
)
def test_amounts_are_read_however_they_are_dressed(written: object) -> None:
    assert callable(written)
    assert numbers(written(v) for v in VALUES) == {written(v): v for v in VALUES}


def test_one_month_and_twelve_months_have_one_unit() -> None:
    assert numbers(["1 month", "12 months"]) == {"1 month": 1.0, "12 months": 12.0}


@pytest.mark.parametrize(
    "form", ["%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%b %d, %Y", "%d-%b-%y", "%m/%d/%Y %I:%M %p"]
)
def test_dates_are_seconds_in_whatever_order_they_are_written(form: str) -> None:
    days = [datetime(2021, 1, 1) + timedelta(days=11 * i) for i in range(60)]
    found = numbers(day.strftime(form) for day in days)
    assert [found[day.strftime(form)] for day in days] == [
        (day - datetime(1970, 1, 1)).total_seconds() for day in days
    ]


@pytest.mark.parametrize(
    "words",
    [
        [f"C-{i:04}" for i in range(60)],
        [f"{i}{'AB'[i % 2]}" for i in range(60)],
        [f"{i}-{i + 4}" for i in range(60)],
        [f"10.0.0.{i}" for i in range(60)],
        [f"{i} {'GB' if i % 3 else 'MB'}" for i in range(60)],
        [f"+49 30 {i}/7" for i in range(60)],
        ["", " ", "%", "$", "-", ",", ".", "1,2,3", "1.2,3.4"],
        [f"{i} Main Street {i + 7}" for i in range(60)],
    ],
)
def test_what_is_no_number_stays(words: list[str]) -> None:
    assert numbers(words) == {}


def test_few_categories_stay_and_foreign_words_in_a_column_of_numbers_too() -> None:
    rows: list[Row] = [{"age": f"{i % 3} years", "pay": f"${i},000", "none": None} for i in range(60)]
    rows.append({"age": "2 years", "pay": "unknown", "none": None})
    undressed(rows)
    assert rows[7] == {"age": "1 years", "pay": 7000.0, "none": None} and rows[-1]["pay"] == "unknown"


def test_a_file_is_read_so_and_says_how_many_rows_had_no_label(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(90)]
    lines = [f'{day:%d/%m/%Y},"{i * 37:,}",{["stays", "left"][i % 2]}' for i, day in enumerate(days)]
    path.write_text("\n".join(["since,paid,y", *lines]))
    rows, labels = read_table(path, "y")
    assert rows[89] == {"since": 1577836800.0 + 89 * 86400, "paid": 89 * 37.0} and labels[:2] == [False, True]
    path.write_text("a,y\n1,None\n2,churned\n3,none\n")
    with pytest.raises(ValueError, match="is always 'churned'; 2 rows without a label were left out"):
        read_table(path, "y")
