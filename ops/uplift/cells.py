"""Reads the cells of a column as people write them: numbers, money, shares, words for yes and no."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from models.uplift.moments import Floats

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "missing", "?", "-", "--", "\\n", "#n/a"})
YES = ("yes", "true", "y", "t", "on", "success", "succeeded", "converted", "是", "有", "真", "成功")
NO = (
    "no",
    "false",
    "n",
    "f",
    "off",
    "failure",
    "failed",
    "not converted",
    "否",
    "无",
    "假",
    "失败",
    "未转化",
)
TRUTH = dict.fromkeys(YES, 1.0) | dict.fromkeys(NO, 0.0)

_SIGN = re.compile(r"[$€£¥]|\b(?:usd|eur|gbp|cny|rmb|jpy)\b|元")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
_DECIMAL_COMMA = re.compile(r"\D*(\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+)\D*")
_DECIMAL_POINT = re.compile(r"\D*(\d*\.\d{1,2}|\d*\.\d{4,}|\d{1,3}(,\d{3})+\.\d+)\D*")


class CellError(ValueError):
    """A cell is neither a number nor a word for yes or no nor missing; `row` counts from 0."""

    def __init__(self, row: int) -> None:
        super().__init__(f"row {row} is not numeric")
        self.row = row


def number(text: str, comma: bool = False) -> float:
    """Read a cell; missing and infinite are NaN.

    Parameters
    ----------
    comma
        Whether a comma is the decimal point, as in 1.234,5.

    Raises
    ------
    ValueError
        When it is no number, no word for yes or no, and not missing.

    Examples
    --------
    >>> number(" 3.5 "), number("Yes"), number("否"), math.isnan(number("N/A"))
    (3.5, 1.0, 0.0, True)
    >>> number("-$1,200.50"), number("(5.00)"), number("12 USD"), number("8%"), number("1.234,5", comma=True)
    (-1200.5, -5.0, 12.0, 0.08, 1234.5)
    """
    word = text.strip().lower()
    if word in TRUTH:
        return TRUTH[word]
    if word in MISSING:
        return math.nan
    if comma:
        word = word.replace(".", "").replace(",", ".")
    try:
        value = float(word.replace("_", "x"))
    except ValueError:
        value = _dressed(word)
    return value if math.isfinite(value) else math.nan


def numbers(cells: Sequence[str]) -> Floats:
    """Read a column; the decimal mark is what its cells leave no doubt about, else the point.

    Raises
    ------
    CellError
        At the first cell that is not readable.

    Examples
    --------
    >>> numbers(["1", "", "yes"]).tolist(), numbers(["3,5", "1.200"]).tolist()
    ([1.0, nan, 1.0], [3.5, 1200.0])
    """
    different = dict.fromkeys(cells)
    with_comma = [cell for cell in different if "," in cell]
    comma = any(map(_DECIMAL_COMMA.fullmatch, with_comma)) and not any(
        map(_DECIMAL_POINT.fullmatch, different)
    )
    known: dict[str, float] = {}
    for cell in different:
        try:
            known[cell] = number(cell, comma)
        except ValueError:
            raise CellError(cells.index(cell)) from None
    return np.array([known[cell] for cell in cells], dtype=np.float64)


def _dressed(word: str) -> float:
    """Take off currency signs, brackets for minus, separators of thousands and the sign of per cent."""
    word = unicodedata.normalize("NFKC", word).replace("\N{MINUS SIGN}", "-")
    word = _SIGN.sub("", word).replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    if word.startswith("(") and word.endswith(")"):
        word = f"-{word[1:-1]}"
    share = word.endswith("%")
    word = word.removesuffix("%")
    if _GROUPED.fullmatch(word.lstrip("+-")):
        word = word.replace(",", "")
    value = float(word.replace("_", "x"))
    return value / 100 if share else value
