"""Reads a randomised table: one row a unit, a column of arms, columns of metrics."""

from __future__ import annotations

import contextlib
import csv
import difflib
import gzip
import io
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from models.uplift.moments import Floats
from ops.uplift.cells import CellError, Cells, groups, numbers, says

NO_ARM = frozenset({"", "na", "n/a", "nan", "null", "(null)", "<na>", "#n/a", "."})
MOST_ARMS = 50
NO_TEXT = "cannot read {}: it is not text in UTF-8, UTF-16, GB 18030 or Windows 1252"
WORDS = 0.5
"""A column that may be words is, when at least this share of its different cells are no numbers."""


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
    groups
        Number of the word of each row, shape (n,), by name of a column of words.
    """

    arms: NDArray[np.str_]
    columns: dict[str, Floats]
    left_out: int
    groups: dict[str, NDArray[np.intp]] = field(default_factory=dict)


def read(path: Path, arm: str, names: Sequence[str], control: str = "", words: Sequence[str] = ()) -> Table:
    """Read `path`, plain or gzipped CSV in UTF-8 (with or without BOM), UTF-16, GB 18030 or Windows 1252.

    Each different cell is kept once and the file is read once in passing, so that a table of a million
    rows takes a few hundred bytes a row at most.

    Parameters
    ----------
    arm
        Column of the arms.
    names
        Columns to read as numbers; `COLUMN=WORD` is 1 where the column says that word, else 0.
    control
        An arm, even where its name reads like a missing value.
    words
        Columns that may hold words instead, told apart by what most of their cells are.

    Raises
    ------
    TableError
        When the file, a column or a number is not there or not readable.
    """
    for encoding in _encodings(path):
        try:
            with _opened(path, encoding) as file:
                return _rows(path.name, file, arm, [*names, *words], control.strip(), words)
        except UnicodeDecodeError:
            continue
        except (EOFError, zlib.error):
            raise TableError(f"cannot read {path.name}: the gzip file is cut short or damaged") from None
        except OSError as error:
            raise TableError(
                f"cannot read {path.name}: {error.strerror or 'it is not a gzip file'}"
            ) from None
    raise TableError(NO_TEXT.format(path.name))


def _rows(
    name: str, file: TextIO, arm: str, names: Sequence[str], control: str, words: Sequence[str]
) -> Table:
    first, above = file.readline(), 0
    if "\0" in first or first.startswith("PK"):
        raise TableError(NO_TEXT.format(name))
    if first[:4].lower() == "sep=":  # a hint that Excel writes and reads
        first, above = file.readline(), 1
    lines = csv.reader(chain([first], file), delimiter=_delimiter(first, arm), skipinitialspace=True)
    try:
        header = [column.strip() for column in next(lines, [])]
        if not any(header):
            raise TableError(f"{name} is empty")
        where = _index(header, arm)
        asked = {name: _asked(header, name) for name in names}
        last = max([where, *(index for index, _ in asked.values())])
        known: list[tuple[int, dict[str, int], array[int]]] = [
            (index, {}, array("L")) for index, _ in asked.values()
        ]
        labels: dict[str, int] = {}
        arms, places, left_out = array("L"), array("L"), 0
        for row in lines:
            if not row:
                continue
            if len(row) <= last:
                place = lines.line_num + above
                raise TableError(f"line {place} of {name} has {len(row)} cells, not {len(header)}")
            label = row[where].strip()
            if label.lower() in NO_ARM and label != control:
                left_out += 1
                continue
            arms.append(labels.setdefault(label, len(labels)))
            places.append(lines.line_num + above)
            for index, codes, column in known:
                column.append(codes.setdefault(row[index], len(codes)))
    except csv.Error as error:
        raise TableError(f"line {lines.line_num + above} of {name} is not CSV: {error}") from None
    if not arms:
        raise TableError(f"{name} has no rows with an arm in column {arm}")
    if len(labels) > MOST_ARMS:
        raise TableError(f"column {arm} has more than {MOST_ARMS} different values; is it the arm?")
    table = Table(np.array(list(labels))[_codes(arms)], {}, left_out)
    for (column_name, (_, word)), (_, codes, column) in zip(asked.items(), known, strict=True):
        cells = Cells(list(codes), _codes(column))
        try:
            table.columns[column_name] = numbers(cells) if word is None else says(cells, word)
        except CellError as error:
            if column_name not in words or error.share < WORDS:
                line = places[error.row]
                raise TableError(
                    f"column {column_name} of {name} is not numeric: see line {line}; "
                    f"of words say which counts, as in {column_name}=WORD"
                ) from None
            table.groups[column_name] = groups(cells)
        if word is not None and not np.nansum(table.columns[column_name]):
            raise TableError(f"no row of {name} has the word of {column_name}")
    return table


def _asked(header: list[str], name: str) -> tuple[int, str | None]:
    """Return the place of the column meant, and the word that counts when one is named behind it."""
    column, equals, word = name.rpartition("=")
    if not equals or name in header:
        return _index(header, name), None
    return _index(header, column.strip()), word


def _codes(values: array[int]) -> NDArray[np.intp]:
    return np.frombuffer(values, dtype=np.dtype("L")).astype(np.intp)


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


def _encodings(path: Path) -> Sequence[str]:
    """Return the encodings to try, by the mark at the file's head."""
    with contextlib.suppress(OSError, EOFError, zlib.error), _unpacked(path) as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return ("utf-16",)
    return ("utf-8-sig", "gb18030", "cp1252")


def _opened(path: Path, encoding: str) -> TextIO:
    return io.TextIOWrapper(_unpacked(path), encoding=encoding, newline="")


def _unpacked(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb")


def _delimiter(first: str, arm: str) -> str:
    """Return the separator under which the header has the arm's column, else the one it holds most of."""
    likely = sorted((",", ";", "\t", "|"), key=first.count, reverse=True)
    name = arm.strip().casefold()
    for mark in likely:
        header = next(csv.reader([first], delimiter=mark, skipinitialspace=True), [])
        if name in (column.strip().casefold() for column in header):
            return mark
    return likely[0]
