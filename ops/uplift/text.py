"""Trials and rule reports as tables in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table as Sheet

from models.uplift.qini import Tested
from models.uplift.trial import Comparison
from ops.uplift.trial import Trial


def trial_sheet(trial: Trial, control: str) -> Sheet:
    """Lay out a trial, one line an arm and metric."""
    sheet = Sheet(title=f"against {control}; arms' sizes: {_sizes(trial)}", title_justify="left")
    _head(sheet, "arm metric control treated difference 95_%_from_…_to lift always_valid verdict")
    for arm, metrics in trial.arms.items():
        for metric, found in metrics.items():
            sheet.add_row(arm, metric, *_cells(found), found.verdict.text if found.verdict else "")
    return sheet


def score_sheets(trial: Trial, score: str) -> Iterator[Sheet]:
    """Lay out what a score is worth: a table an arm and metric, a line a tenth."""
    for arm, metrics in trial.scored.items():
        for metric, found in metrics.items():
            title = f"{arm}, {metric}: {_worth(score, found.qini)}"
            sheet = Sheet(title=title, title_justify="left")
            _head(sheet, "tenth treated control difference 95_%_from_…_to acting_down_to_it from_…_to")
            for tenth in found.tenths:
                sheet.add_row(
                    str(tenth.number), str(tenth.n_treated), str(tenth.n_control),
                    show(tenth.uplift.delta, sign=True),
                    f"{show(tenth.uplift.low, sign=True)} … {show(tenth.uplift.high, sign=True)}",
                    show(tenth.gain.delta, sign=True),
                    f"{show(tenth.gain.low, sign=True)} … {show(tenth.gain.high, sign=True)}",
                )  # fmt: skip
            yield sheet


def _worth(score: str, found: Tested) -> str:
    if math.isnan(found.low) or found.low <= 0 <= found.high:
        told = "not told from chance"
    else:
        told = "it finds whom to act on" if found.low > 0 else "it finds whom not to act on"
    interval = f"{show(found.low, sign=True)} … {show(found.high, sign=True)}"
    coefficient = f"Qini coefficient {show(found.coefficient)}, {interval}"
    return f"acting on the highest {score} first; {coefficient}: {told}"


def report_sheet(rows: Sequence[Mapping[str, Any]]) -> Sheet:
    """Lay out `uplift_report` rows."""
    sheet = Sheet(title="acted against held out", title_justify="left")
    for name in (
        "rule",
        "metric",
        "segment",
        "acted",
        "held out",
        "difference",
        "from … to",
        "worth",
        "pending",
        "verdict",
    ):
        sheet.add_column(
            name, justify="left" if name in ("rule", "metric", "segment", "verdict") else "right"
        )
    for row in rows:
        sheet.add_row(
            row["rule"],
            row["metric"],
            row["segment"] or "all",
            f"{show(row['treated'])} of {row['n_treated']}",
            f"{show(row['control'])} of {row['n_control']}",
            show(row["delta"], sign=True),
            f"{show(row['low'], sign=True)} … {show(row['high'], sign=True)}",
            "" if row["money"] is None else show(row["money"]["net"], sign=True),
            str(row["pending"]),
            row["verdict"] if row["suggestion"] is None else f"{row['verdict']}: {row['suggestion']}",
        )
    return sheet


def policy_sheet(found: Mapping[str, Any], score: str) -> Sheet:
    """Lay out a `policy`: what the score is worth, each tenth's uplift, what acting down to it brings."""
    tested = Tested(**{name: math.nan if value is None else value for name, value in found["qini"].items()})
    sheet = Sheet(title=_worth(score, tested), title_justify="left")
    for name in ("tenth", "acted", "held out", "difference", "from … to", "acting down to it", "from … to",
                 "cost", "net"):  # fmt: skip
        sheet.add_column(name, justify="right")
    for row in found["tenths"]:
        sheet.add_row(
            str(row["tenth"]),
            f"{show(row['treated'])} of {row['n_treated']}",
            f"{show(row['control'])} of {row['n_control']}",
            show(row["delta"], sign=True),
            f"{show(row['low'], sign=True)} … {show(row['high'], sign=True)}",
            show(row["gain"], sign=True),
            f"{show(row['gain_low'], sign=True)} … {show(row['gain_high'], sign=True)}",
            show(row["cost"]),
            show(row["net"], sign=True),
        )
    return sheet


def show(value: float | None, sign: bool = False) -> str:
    """Write a number with four significant digits, a dash for none.

    Examples
    --------
    >>> show(0.0765896), show(1234.5, sign=True), show(None), show(0.0)
    ('0.07659', '+1234', '–', '0')
    """
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:+.4g}" if sign else f"{value:.4g}"
    if "e" in text and abs(value) >= 1:
        text = f"{value:+.0f}" if sign else f"{value:.0f}"
    return text


def _head(sheet: Sheet, names: str) -> None:
    words = ("arm", "rule", "metric", "segment", "verdict")
    for name in names.split():
        sheet.add_column(name.replace("_", " "), justify="left" if name in words else "right")


def _cells(found: Comparison) -> list[str]:
    interval, valid = found.interval, found.sequential
    return [
        f"{show(found.control.mean)} of {found.control.n}",
        f"{show(found.treated.mean)} of {found.treated.n}",
        show(interval.delta, sign=True),
        f"{show(interval.low, sign=True)} … {show(interval.high, sign=True)}",
        "–" if math.isnan(found.lift.delta) else f"{found.lift.delta:+.1%}",
        f"{show(valid.low, sign=True)} … {show(valid.high, sign=True)}",
    ]


def _sizes(trial: Trial) -> str:
    sizes = ", ".join(f"{name} {n}" for name, n in trial.sizes.items())
    return f"{sizes}; they {'do not ' if trial.srm.blocked else ''}fit the plan (p = {trial.srm.p:.2g})"
