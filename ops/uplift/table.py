"""Reads a randomised table: one row a unit, a column of arms, columns of metrics."""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from models.uplift.moments import Floats
from ops.uplift.cells import CellError, numbers

NO_ARM = frozenset({"", "na", "n/a", "nan", "null"})
MOST_ARMS = 50


class Rows(Protocol):
    """A csv reader."""

    line_num: int

    def __next__(self) -> list[str]:
        """Return the next row."""

    def __iter__(self) -> Iterator[list[str]]:
        """Go through the rows."""


class TableError(Exception):
    """The table cannot be read as a trial; its text is one sentence without a cell's content."""


@dataclass(frozen=True, slots=True)
class Table:
    """A trial's columns.

    Parameters
    ----------
    arms
        Arm of each row, shape (n,), as text.
    columns
        Numbers by column name, shape (n,), NaN where missing.
    left_out
        Rows without an arm.
    """

    arms: np.ndarray[tuple[int], np.dtype[np.str_]]
    columns: dict[str, Floats]
    left_out: int


def read(path: Path, arm: str, names: Sequence[str], control: str = "") -> Table:
    """Read `path`, plain or gzipped CSV in UTF-8 (with or without BOM), UTF-16 or GB 18030.

    Parameters
    ----------
    arm
        Column of the arms.
    names
        Columns to read as numbers.
    control
        An arm, even where its name reads like a missing value.

    Raises
    ------
    TableError
        When the file, a column or a number is not there or not readable.
    """
    text = _text(path)
    if text[:4].lower() == "sep=":  # a hint that Excel writes and reads
        text = text.partition("\n")[2]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), skipinitialspace=True)
    try:
        return _columns(path.name, lines, arm, names, control.strip())
    except csv.Error as error:
        raise TableError(f"line {lines.line_num} of {path.name} is not CSV: {error}") from None


def _columns(file: str, lines: Rows, arm: str, names: Sequence[str], control: str) -> Table:
    header = [name.strip() for name in next(lines, [])]
    if not any(header):
        raise TableError(f"{file} is empty")
    where = _index(header, arm)
    indexes = [(name, _index(header, name)) for name in dict.fromkeys(names)]
    last = max([where, *(index for _, index in indexes)])
    arms: list[str] = []
    cells: dict[str, list[str]] = {name: [] for name, _ in indexes}
    places: list[int] = []
    left_out = 0
    for row in lines:
        if not row:
            continue
        if len(row) <= last:
            raise TableError(f"line {lines.line_num} of {file} has {len(row)} cells, not {len(header)}")
        label = row[where].strip()
        if label.lower() in NO_ARM and label != control:
            left_out += 1
            continue
        arms.append(label)
        places.append(lines.line_num)
        for name, index in indexes:
            cells[name].append(row[index])
    if not arms:
        raise TableError(f"{file} has no rows with an arm in column {arm}")
    labels = np.array(arms)
    if len(np.unique(labels)) > MOST_ARMS:
        raise TableError(f"column {arm} has more than {MOST_ARMS} different values; is it the arm?")
    columns: dict[str, Floats] = {}
    for name, texts in cells.items():
        try:
            columns[name] = numbers(texts)
        except CellError as error:
            line = places[error.row]
            raise TableError(f"column {name} of {file} is not numeric: see line {line}") from None
    return Table(labels, columns, left_out)


def _index(header: list[str], name: str) -> int:
    places = [index for index, column in enumerate(header) if column == name]
    if not places:
        folded = [index for index, column in enumerate(header) if column.lower() == name.strip().lower()]
        places = folded if len(folded) == 1 else []
    if len(places) == 1:
        return places[0]
    if places:
        raise TableError(f"there are {len(places)} columns {name}")
    near = difflib.get_close_matches(name, header, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(header[:30])}"
    raise TableError(f"there is no column {name}; {hint}")


def _text(path: Path) -> str:
    """Return the file's text, unpacked and decoded."""
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except OSError as error:
        raise TableError(f"cannot read {path.name}: {error.strerror or 'it is not a gzip file'}") from None
    except (EOFError, zlib.error):
        raise TableError(f"cannot read {path.name}: the gzip file is cut short or damaged") from None
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableError(f"cannot read {path.name}: it is not text in UTF-8, UTF-16 or GB 18030")


def _delimiter(text: str) -> str:
    """Return the separator that the header line holds most of."""
    first = text.split("\n", 1)[0]
    return max((",", ";", "\t", "|"), key=first.count)
