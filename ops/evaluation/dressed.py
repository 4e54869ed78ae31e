"""Numbers and dates that an export has dressed as words: `$1,234.50`, `45 %`, `12 months`, `31/12/2024`.

As words, each of their thousand values is met once or twice and tells nothing. What a column means shows only
when its values are seen together (is 03/04 in March or in April, is 1,234 large or small), so whole columns
are read, and only such as have more different words than categories have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import product

Row = dict[str, float | str | None]
_CATEGORIES = 20
"""A column of at most so many different words is left alone: each is met often enough to tell its own."""
_MOST = 0.95
"""Share of a column's different words that must be read for it to be numbers or dates."""
_SAMPLE = 50
_AMOUNT = re.compile(r"([-+]?)\s*[$€£¥￥₹]?\s*([-+]?)(\d[\d,.'\u00a0\u202f ]*?)\s*(%|[^\W\d_][^\d]*)?")
_BREAKS = re.compile(r"['\u00a0\u202f ]")
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+") for mark in ",."}
_DAYS = (
    *("%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y"),
    *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%b-%y"),
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_EPOCH = datetime(1970, 1, 1)


def undressed(rows: Sequence[Row]) -> None:
    """Replace words by numbers in the columns that are numbers or dates; dates become seconds since 1970."""
    for name in dict.fromkeys(name for row in rows for name in row):
        words = {cell for row in rows if isinstance(cell := row.get(name), str)}
        if len(words) > _CATEGORIES and (found := numbers(words)):
            for row in rows:
                if isinstance(cell := row.get(name), str):
                    row[name] = found.get(cell, cell)


def numbers(words: Iterable[str]) -> dict[str, float]:
    """Return the number each of a column's words stands for, nothing where they are not of one kind.

    >>> numbers(["$1,234.50", "$99"])
    {'$1,234.50': 1234.5, '$99': 99.0}
    >>> numbers(["31/12/2024", "01/01/1970"])["01/01/1970"]
    0.0
    >>> numbers(["12A", "7B"])
    {}
    """
    words = sorted(words)
    return _amounts(words) or _dates(words)


def _read(words: Sequence[str], one: Callable[[str], float | None]) -> dict[str, float]:
    """Return what `one` reads, nothing where it reads too little."""
    sample = words[:: max(1, len(words) // _SAMPLE)]
    if sum(one(word) is not None for word in sample) < _MOST * len(sample) - 2:
        return {}
    found = {word: number for word in words if (number := one(word)) is not None}
    return found if len(found) >= _MOST * len(words) else {}


def _amounts(words: Sequence[str]) -> dict[str, float]:
    """Return what numbers with one unit at most stand for, behind signs of money, with marks in between."""
    matched = {word: found for word in words if (found := _AMOUNT.fullmatch(word))}
    if len(matched) < _MOST * len(words) or len({_unit(found[4]) for found in matched.values()}) > 1:
        return {}
    digits = [_BREAKS.sub("", found[3]) for found in matched.values()]
    mark = _decimal(digits)
    if mark is None:
        return {}
    return _read(words, lambda word: _amount(matched.get(word), mark))


def _unit(text: str | None) -> str:
    return (text or "").strip().casefold().rstrip("s.")


def _decimal(digits: Sequence[str]) -> str | None:
    """Return the mark before a column's fractions, None where its numbers contradict each other."""
    both = {
        "," if text.rfind(",") > text.rfind(".") else "." for text in digits if "," in text and "." in text
    }
    if both:
        return both.pop() if len(both) == 1 else None
    if any("," in text and not _GROUPED[","].fullmatch(text) for text in digits):
        return ","
    return "," if any(text.count(".") > 1 for text in digits) else "."


def _amount(found: re.Match[str] | None, mark: str) -> float | None:
    if found is None:
        return None
    whole, _, part = _BREAKS.sub("", found[3]).partition(mark)
    group = "." if mark == "," else ","
    if group in part or (group in whole and not _GROUPED[group].fullmatch(whole)):
        return None
    try:
        number = float(f"{whole.replace(group, '')}.{part or 0}")
    except ValueError:
        return None
    return -number if "-" in (found[1], found[2]) else number


def _dates(words: Sequence[str]) -> dict[str, float]:
    """Return the seconds since 1970 of dates, all written in one way."""
    for day, clock in product(_DAYS, _CLOCKS):
        found = _read(words, partial(_seconds, day + clock))
        if found:
            return found
    return {}


def _seconds(form: str, word: str) -> float | None:
    try:
        return (datetime.strptime(word, form) - _EPOCH).total_seconds()
    except ValueError:
        return None
