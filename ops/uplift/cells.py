"""Reads the cells of a column as people write them: numbers, money, shares, words for yes and no."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.uplift.moments import Floats

MISSING = frozenset(
    [
        "",
        "na",
        "n/a",
        "n.a.",
        "nan",
        "null",
        "(null)",
        "none",
        "nil",
        "missing",
        "?",
        ".",
        "-",
        "--",
        "–",
        "—",
    ]
    + ["\\n", "#n/a", "#div/0!", "#value!", "<na>", "<null>"]
)
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
LARGEST = 1e60
"""Beyond this no quantity lies, and fourth powers would overflow."""
TRUTH = dict.fromkeys(YES, 1.0) | dict.fromkeys(NO, 0.0)

_SIGN = re.compile(r"[$€£¥]|\b(?:usd|eur|gbp|cny|rmb|jpy)\b|元")
_BETWEEN = str.maketrans(
    "", "", " '\N{NO-BREAK SPACE}\N{RIGHT SINGLE QUOTATION MARK}\N{NARROW NO-BREAK SPACE}"
)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
_DECIMAL_COMMA = re.compile(r"\D*(\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+)\D*")
_DECIMAL_POINT = re.compile(r"\D*(\d*\.\d{1,2}|\d*\.\d{4,}|\d{1,3}(,\d{3})+\.\d+)\D*")


class CellError(ValueError):
    """A cell is neither a number nor a word for yes or no nor missing; `row` counts from 0.

    `share` is how many of the different cells are no numbers, from 0 to 1.
    """

    def __init__(self, row: int, share: float) -> None:
        super().__init__(f"row {row} is not numeric")
        self.row = row
        self.share = share


@dataclass(frozen=True, slots=True)
class Cells:
    """A column of texts, each different one kept once.

    Parameters
    ----------
    different
        The texts, in the order they come first.
    codes
        Index into `different` of each row, shape (n,).
    """

    different: Sequence[str]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, cells: Sequence[str]) -> Cells:
        """Keep a list of cells."""
        known: dict[str, int] = {}
        codes = np.array([known.setdefault(cell, len(known)) for cell in cells], dtype=np.intp)
        return cls(list(known), codes)


def number(text: str, comma: bool = False) -> float:
    """Read a cell; missing, infinite and anything past `LARGEST` are NaN, what is next to nothing is 0.

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
    if abs(value) < 1 / LARGEST:
        return 0.0
    return value if abs(value) <= LARGEST else math.nan


def numbers(cells: Cells) -> Floats:
    """Read a column; the decimal mark is what its cells leave no doubt about, else the point.

    Raises
    ------
    CellError
        At the first cell that is not readable.

    Examples
    --------
    >>> numbers(Cells.of(["1", "", "yes"])).tolist(), numbers(Cells.of(["3,5", "1.200"])).tolist()
    ([1.0, nan, 1.0], [3.5, 1200.0])
    """
    different = cells.different
    with_comma = [cell for cell in different if "," in cell]
    comma = any(map(_DECIMAL_COMMA.fullmatch, with_comma)) and not any(
        map(_DECIMAL_POINT.fullmatch, different)
    )
    known = np.empty(len(different))
    unread = []
    for at, cell in enumerate(different):
        try:
            known[at] = number(cell, comma)
        except ValueError:
            unread.append(at)
    if unread:
        raise CellError(int(np.argmax(cells.codes == unread[0])), len(unread) / len(different))
    return known[cells.codes]


def says(cells: Cells, word: str) -> Floats:
    """Return 1 where a cell is the word, 0 where it is another, NaN where it is missing, shape (n,).

    Examples
    --------
    >>> says(Cells.of(["Left", "stayed ", "", "left"]), "left").tolist()
    [1.0, 0.0, nan, 1.0]
    """
    asked = word.strip().casefold()
    folded = [cell.strip().casefold() for cell in cells.different]
    known = [math.nan if cell in MISSING - {asked} else float(cell == asked) for cell in folded]
    return np.array(known)[cells.codes]


def groups(cells: Cells) -> NDArray[np.intp]:
    """Give numbers to the different words of a column, shape (n,); blanks around and case do not count.

    Examples
    --------
    >>> groups(Cells.of(["Web", "phone", "web ", "", "NA"])).tolist()
    [0, 1, 0, 2, 2]
    """
    known: dict[str, int] = {}
    words = (cell.strip().casefold() for cell in cells.different)
    folded = ["" if word in MISSING else word for word in words]
    numbered = np.array([known.setdefault(word, len(known)) for word in folded], dtype=np.intp)
    return numbered[cells.codes]


def _dressed(word: str) -> float:
    """Take off currency signs, brackets for minus, separators of thousands and the sign of per cent."""
    word = unicodedata.normalize("NFKC", word).replace("\N{MINUS SIGN}", "-")
    word = _SIGN.sub("", word).translate(_BETWEEN)
    if word.startswith("(") and word.endswith(")"):
        word = f"-{word[1:-1]}"
    share = word.endswith("%")
    word = word.removesuffix("%")
    if _GROUPED.fullmatch(word.lstrip("+-")):
        word = word.replace(",", "")
    value = float(word.replace("_", "x"))
    return value / 100 if share else value
