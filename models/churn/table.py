"""Rows of any table as they come: columns found on the way, the newest rows kept for refitting."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

import numpy as np

from models.learner import Array, State

MAX_COLUMNS = 256
_CELLS = 1 << 20
_HUGE = 1e30
_NUMBER, _WORD = "n", "s"
_MANY = 16
"""Columns of numbers from which reading them as one array is worth its overhead."""


def _cell(value: object) -> tuple[str, float] | None:
    """Return the kind and number of a value, None when it is missing or of a foreign type."""
    if isinstance(value, str):
        return _word(value)
    if isinstance(value, bool | int | float | np.number):
        try:
            number = float(value)
        except OverflowError:
            return None
        if math.isnan(number):
            return None
        return _NUMBER, min(max(number, -_HUGE), _HUGE)
    return None


@lru_cache(4096)
def _word(value: str) -> tuple[str, float] | None:
    if not value.strip():
        return None
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=3).digest()
    return _WORD, float(int.from_bytes(digest, "little"))


class Table:
    """The columns seen so far and a window of the newest labelled rows.

    A feature that is a number in one row and a word in another gets a column for each. Words are kept
    as 24-bit hashes, which float32 holds exactly, so no vocabulary grows. Which column a feature gets
    does not depend on the order of a row's keys.

    Parameters
    ----------
    rows
        Most rows kept; fewer when the table is so wide that they would need more than 2^20 cells.
    """

    def __init__(self, rows: int = 16_384) -> None:
        self.limit = rows
        self.names: list[str] = []
        self.features: list[str] = []
        self.n = 0
        self._index: dict[str, tuple[int, int]] = {}
        self._numbers: dict[str, int] = {}
        self._word: list[bool] = []
        self._values: Callable[[Mapping[str, Any]], tuple[Any, ...]] | None = None
        self._pack = struct.Struct("").pack
        self._plain = False
        self._x = np.empty((0, 0), np.float32)
        self._y = np.empty(0, np.uint8)
        self._used = 0
        self._head = 0

    @property
    def words(self) -> Array:
        """Whether each column holds words, bool (columns,)."""
        return np.array([name.endswith(_WORD) for name in self.names], dtype=bool)

    def row(self, x: Mapping[str, Any]) -> Array:
        """Return `x` over the known columns, float32 (columns,), NaN where missing; changes nothing."""
        # A list first: setting an array's items one by one costs three times as much.
        found = self._whole(x)
        if found is not None:
            return found
        out = [math.nan] * len(self.names)
        index, numbers = self._index, self._numbers
        for feature, value in x.items():
            if type(value) is float and -_HUGE < value < _HUGE:
                if feature in numbers:
                    out[numbers[feature]] = value
            elif value is not None and feature in index:
                cell = _cell(value)
                if cell is not None and index[feature][cell[0] == _WORD] >= 0:
                    out[index[feature][cell[0] == _WORD]] = cell[1]
        return self._packed(out)

    def _packed(self, values: list[float]) -> Array:
        # .6 µs for 54 columns, 1.1 through `np.array`; kernels are compiled for arrays that can be written.
        return np.frombuffer(bytearray(self._pack(*values)), np.float32)

    def meet(self, x: Mapping[str, Any]) -> Array:
        """Return `x` as `row` does, after giving its new features columns."""
        if len(x) == len(self.names):
            found = self._whole(x)
            if found is not None:
                return found
        self._find(x)
        return self.row(x)

    def _whole(self, x: Mapping[str, Any]) -> Array | None:
        """Return the values of an `x` with each column once and of its kind, None for any other.

        Most rows are such, and reading them in the columns' order costs half as much.
        """
        if self._values is None or len(x) < len(self.names):
            return None
        try:
            values = self._values(x)
        except KeyError:
            return None
        if self._plain:
            # Half the cost of the loop below; what is missing, a word or too large is left to it.
            try:
                array = np.array(values)
            except (OverflowError, ValueError):
                return None
            if array.dtype == np.float64 and array.ndim == 1 and np.abs(array).max() < _HUGE:
                return array.astype(np.float32)
        out: list[float] = []
        for value, word in zip(values, self._word, strict=True):
            if type(value) is float and -_HUGE < value < _HUGE and not word:
                out.append(value)
            elif value is None:
                out.append(math.nan)
            elif word and type(value) is str:
                cell = _word(value)
                out.append(math.nan if cell is None else cell[1])
            else:
                return None
        return self._packed(out)

    def add(self, row: Array, y: bool) -> None:
        """Take one labelled row over all columns, as `meet` gave it."""
        d = len(self.names)
        most = max(64, min(self.limit, _CELLS // max(1, d)))
        if self._x.shape[1] != d or self._used > most:
            self._reshape(d, most)
        if self._used == len(self._y) and self._used < most:
            size = min(most, max(64, 2 * self._used))
            grown = np.full((size, d), np.nan, np.float32)
            grown[: self._used] = self._x
            labels = np.zeros(size, np.uint8)
            labels[: self._used] = self._y
            self._x, self._y = grown, labels
        at = self._used if self._used < most else self._head
        self._x[at] = row
        self._y[at] = y
        if self._used < most:
            self._used += 1
        else:
            self._head = (self._head + 1) % most
        self.n += 1

    def window(self) -> tuple[Array, Array]:
        """Return the kept rows, float32 (rows, columns), and labels, float64 (rows,), in no order."""
        return self._x[: self._used], self._y[: self._used].astype(np.float64)

    def _find(self, x: Mapping[str, Any]) -> None:
        fresh: list[tuple[str, str]] = []
        for feature, value in x.items():
            known = self._index.get(feature, (-1, -1))
            if known[0] >= 0 and type(value) is float:
                continue
            if known[1] >= 0 and type(value) is str:
                continue
            cell = _cell(value)
            if cell is not None and known[cell[0] == _WORD] < 0 and isinstance(feature, str):
                fresh.append((feature, cell[0]))
        for feature, kind in sorted(fresh):
            if len(self.names) < MAX_COLUMNS:
                self._name(feature, kind)

    def _name(self, feature: str, kind: str) -> None:
        number, word = self._index.get(feature, (-1, -1))
        place = len(self.names)
        self._index[feature] = (number, place) if kind == _WORD else (place, word)
        if kind != _WORD:
            self._numbers[feature] = place
        self.names.append(f"{feature}#{kind}")
        self.features.append(feature)
        self._word.append(kind == _WORD)
        once = 2 <= len(self.features) == len(self._index)
        self._values = itemgetter(*self.features) if once else None
        self._pack = struct.Struct(f"{len(self.names)}f").pack
        self._plain = len(self.names) >= _MANY and not any(self._word)

    def _reshape(self, d: int, most: int) -> None:
        """Widen to `d` columns and keep at most the newest `most` rows, oldest first."""
        order = np.roll(np.arange(self._used), -self._head)[-most:]
        x = np.full((len(order), d), np.nan, np.float32)
        x[:, : self._x.shape[1]] = self._x[order]
        self._x, self._y = x, self._y[order].copy()
        self._used, self._head = len(order), 0

    def state(self) -> State:
        """Return columns and window."""
        return {
            "names": list(self.names),
            "n": self.n,
            "head": self._head,
            "x": self._x[: self._used].copy(),
            "y": self._y[: self._used].copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace columns and window; raises ValueError when they do not fit each other."""
        x, y, names = state["x"], state["y"], state["names"]
        if x.ndim != 2 or len(x) != len(y) or (len(x) and x.shape[1] != len(names)):
            raise ValueError(
                f"a window of shape {x.shape} does not fit {len(names)} columns, {len(y)} labels"
            )
        if len(names) > MAX_COLUMNS or len(x) > self.limit:
            raise ValueError(f"a window of shape {x.shape} is larger than this configuration's")
        self.names, self.features, self._word, self._values = [], [], [], None
        self._index, self._numbers = {}, {}
        self._pack = struct.Struct("").pack
        for name in names:
            self._name(*name.rsplit("#", 1))
        self.n, self._head, self._used = state["n"], state["head"], len(x)
        self._x, self._y = x.copy(), y.copy()
