"""The newest labelled predictions, from which blends and calibrations are refitted now and then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.learner import Array, State

_EARLY = ((6, 4), (15, 2))
"""Up to so many intervals' labels they are so many times as short."""


class NewestLabels:
    """Log-odds told before their label was known, with the labels, over a ring of `length` places.

    Parameters
    ----------
    length
        Newest labelled predictions kept.
    every
        Labels between refits.
    columns
        Log-odds a prediction; None for one, kept as a vector.
    early
        Whether the first refits come in a quarter and half of `every`: few labels are looked through quickly.

    Attributes
    ----------
    n
        Labels ever taken.

    Examples
    --------
    >>> newest = NewestLabels(2, every=3)
    >>> [newest.add(z, y) for z, y in ((0.1, True), (0.2, False), (0.3, True))]
    [False, False, True]
    >>> [column.tolist() for column in newest.kept()]
    [[0.3, 0.2], [1.0, 0.0]]
    >>> [column.tolist() for column in newest.latest(1)]
    [[0.3], [1.0]]
    """

    def __init__(self, length: int, every: int, columns: int | None = None, early: bool = False) -> None:
        self.n = 0
        self._length, self._every = length, every
        self._sooner = _EARLY if early else ()
        self._z = np.zeros(length if columns is None else (length, columns))
        self._y = np.zeros(length)

    def add(self, z: Any, y: bool) -> bool:
        """Take a prediction and its label; returns whether a refit is due."""
        at = self.n % self._length
        self._z[at], self._y[at] = z, y
        self.n += 1
        often = next((times for until, times in self._sooner if self.n <= until * self._every), 1)
        return self.n % max(1, self._every // often) == 0

    def kept(self) -> tuple[Array, Array]:
        """Return log-odds and labels, (used, columns) or (used,), and (used,)."""
        used = min(self.n, self._length)
        return self._z[:used], self._y[:used]

    def latest(self, most: int) -> tuple[Array, Array]:
        """Return what `kept` does of the newest `most`, oldest first."""
        at = np.arange(max(0, self.n - min(most, self._length)), self.n) % self._length
        return self._z[at], self._y[at]

    def state(self) -> State:
        """Return number, log-odds and labels."""
        z, y = self.kept()
        return {"n": self.n, "z": z.copy(), "y": y.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace them; raises ValueError when they do not fit, with nothing changed."""
        used = min(state["n"], self._length)
        z, y = state["z"], state["y"]
        if z.shape != (used, *self._z.shape[1:]) or y.shape != (used,):
            raise ValueError(f"log-odds of shape {z.shape} do not fit {used} labels")
        self.n = state["n"]
        self._z[:used], self._y[:used] = z, y
