"""Reads any table with a label column: a CSV as exports are, into rows and labels."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from ops.evaluation.dressed import Row, undressed

_POSITIVE = ("yes", "1", "true", "churned", "churn", "left", "exited", "y", "t", "positive", "是")
_BLANK = ("", "na", "n/a", "nan", "null", "none", "?")
_MOST_VALUES = 10
CODINGS = ("utf-8-sig", "gb18030", "latin-1")
"""Tried in this order."""
_EPOCH = datetime(1970, 1, 1)


def read_table(
    path: Path, label: str, positive: str | None = None, drop: Sequence[str] = ()
) -> tuple[list[Row], list[bool]]:
    """Return a CSV's rows and labels; `.gz`, byte order marks and blanks around names are tolerated.

    Dates become numbers, and so do numbers with units, signs of money and marks between their digits.

    Parameters
    ----------
    path
        Separated by commas, semicolons, tabs or bars, with a header.
    label
        Its label column; rows without a label are left out.
    positive
        Label value that counts as positive; None takes the usual word for yes, else the rarer value.
    drop
        Columns to leave out, such as ids.

    Raises
    ------
    ValueError
        When there is no table, a column named does not exist or the label does not take two values.
    """
    text, coding = _text(path)
    delimiter = max(",;\t|", key=text.partition("\n")[0].count)
    try:
        names, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except (csv.Error, ValueError) as error:
        raise ValueError(f"no table: {error if text else 'the file is empty'}") from error
    names = [name.strip() for name in names]
    missing = [name for name in (label, *drop) if name.strip() not in names]
    if missing:
        told = f" (the file is not UTF-8, it was read as {coding})" if coding else ""
        raise ValueError(f"no column {missing[0]!r}; there are: {', '.join(names)[:500]}{told}")
    place = names.index(label.strip())
    left_out = {place, *(names.index(name.strip()) for name in drop)}
    rows: list[Row] = []
    values: list[str] = []
    for cells in lines:
        if len(cells) <= place or cells[place].strip().lower() in _BLANK:
            continue
        kept = (
            (name, cell)
            for i, (name, cell) in enumerate(zip(names, cells, strict=False))
            if i not in left_out
        )
        rows.append({name: _value(cell) for name, cell in kept})
        values.append(_folded(cells[place]))
    if not any(rows):
        raise ValueError(f"no row has a label in {label!r} and another column")
    chosen = _positive(label, values) if positive is None else _folded(positive)
    labels = [value == chosen for value in values]
    if not any(labels) or all(labels):
        told = chosen if positive is None else positive
        blank = (
            f"; {len(lines) - len(rows)} rows without a label were left out" if len(lines) > len(rows) else ""
        )
        raise ValueError(f"label {label!r} is {'never' if not any(labels) else 'always'} {told!r}{blank}")
    undressed(rows)
    return rows, labels


def _text(path: Path) -> tuple[str, str]:
    """Return a file's text, and its coding where that is none of Unicode.

    Spreadsheets in Chinese write GB18030. No coding loses a difference between two words, so a table
    read in the wrong one gives the same figures.

    Raises
    ------
    ValueError
        When it is compressed and broken.
    """
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"broken gzip: {error}") from error
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace").lstrip(), ""
    for coding in CODINGS:
        with suppress(UnicodeDecodeError):
            return raw.decode(coding).lstrip(), "" if coding == CODINGS[0] else coding
    raise AssertionError(f"{CODINGS[-1]} takes any bytes")


def _folded(label: str) -> str:
    """Return what is the same for `True`, `TRUE` and `True.`, and for `1` and `1.0`."""
    text = label.strip().casefold().rstrip(".")
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def _value(cell: str) -> float | str | None:
    text = cell.strip()
    if text.lower() in _BLANK:
        return None
    try:
        number = float(text)
    except ValueError:
        return _day(text)
    return number if math.isfinite(number) else None


def _day(text: str) -> float | str:
    """Return a date's seconds since 1970, as its order says more than its thousand words; else the text."""
    if len(text) < 10 or text[4] != "-":
        return text
    try:
        return (datetime.fromisoformat(text).replace(tzinfo=None) - _EPOCH).total_seconds()
    except ValueError:
        return text


def _positive(label: str, values: Sequence[str]) -> str:
    counts = Counter(values)
    usual = [value for value in counts if value in _POSITIVE]
    if len(usual) != 1 and len(counts) > _MOST_VALUES:
        raise ValueError(f"label {label!r} has {len(counts)} values; name the positive one with --positive")
    return usual[0] if len(usual) == 1 else min(counts, key=lambda value: (counts[value], value))
