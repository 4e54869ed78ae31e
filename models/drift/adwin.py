"""ADWIN whose whole window is plain numbers, so that a snapshot can carry it.

River's detector of the same name keeps its window in compiled code that leaves the process only by
pickle or as bytes of a private layout, which a River upgrade may change; a learner's snapshot must
outlive that. This one is a River `DriftDetector` with the same parameters and finds the same changes at
the same events (`tests/unit/test_drift_adwin.py` compares them number by number).

Source: Bifet and Gavaldà, "Learning from time-changing data with adaptive windowing", SDM 2007.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from river import base

from models.learner import State


class Adwin(base.DriftDetector):
    """A window of recent values that drops its old part when the mean has changed.

    The window is rows of buckets; a bucket of row `i` sums 2^i values, a row holds at most
    `max_buckets`, so n values need O(log n) numbers.

    Parameters
    ----------
    delta
        Bound on the probability of a false alarm at one check.
    clock
        Values between checks.
    max_buckets, min_window_length, grace_period
        As in River.

    Attributes
    ----------
    drift_detected
        Whether the last value completed a change.
    split
        Of the last change: values and mean before, values and mean after, where the means differ most
        for their sizes. River does not say; its mean of what remains still holds much of the old.

    Examples
    --------
    >>> detector = Adwin()
    >>> found = []
    >>> for i in range(2000):
    ...     detector.update(float(i % 10 == 0 if i < 1000 else i % 10 < 6))
    ...     if detector.drift_detected:
    ...         found.append(i)
    >>> found
    [1055]
    """

    def __init__(
        self,
        delta: float = 0.002,
        clock: int = 32,
        max_buckets: int = 5,
        min_window_length: int = 5,
        grace_period: int = 10,
    ) -> None:
        super().__init__()
        self.delta = delta
        self.clock = clock
        self.max_buckets = max_buckets
        self.min_window_length = min_window_length
        self.grace_period = grace_period
        self.split: tuple[int, float, int, float] = (0, 0.0, 0, 0.0)
        self._clear()

    def _clear(self) -> None:
        self.width = 0
        self.total = 0.0
        self.variance = 0.0
        self._tick = 0
        self._sums: list[list[float]] = [[]]
        self._squares: list[list[float]] = [[]]

    @property
    def estimation(self) -> float:
        """Mean of the window, 0 when empty."""
        return self.total / self.width if self.width else 0.0

    def update(self, x: float) -> None:
        """Take one value; after a detection the next value starts a new window, as in River."""
        if self.drift_detected:
            self._clear()
        self.width += 1
        if self.width > 1:
            gap = x - self.total / (self.width - 1)
            self.variance += (self.width - 1) * gap * gap / self.width
        self.total += x
        self._sums[0].append(x)
        self._squares[0].append(0.0)
        if len(self._sums[0]) > self.max_buckets:
            self._compress()
        self._tick += 1
        self._drift_detected = False
        if self._tick % self.clock == 0 and self.width > self.grace_period:
            while self._changed():
                if not self.drift_detected:
                    self.split = self._best_split()
                self._drift_detected = True
                self._drop_oldest()

    def _compress(self) -> None:
        """Merge the two oldest buckets of every overfull row into the next row."""
        row = 0
        while row < len(self._sums) and len(self._sums[row]) > self.max_buckets:
            if row + 1 == len(self._sums):
                self._sums.append([])
                self._squares.append([])
            sums, squares, n = self._sums[row], self._squares[row], float(1 << row)
            gap = sums[0] / n - sums[1] / n
            self._sums[row + 1].append(sums[0] + sums[1])
            self._squares[row + 1].append(squares[0] + squares[1] + n * 0.5 * gap * gap)
            del sums[:2], squares[:2]
            row += 1

    def _splits(self) -> Iterator[tuple[int, float, int, float]]:
        """Yield size and sum of the older and of the newer part, for every border between buckets."""
        n0, n1, u0, u1 = 0, self.width, 0.0, self.total
        for row in range(len(self._sums) - 1, -1, -1):
            size = 1 << row
            for bucket in self._sums[row]:
                n0 += size
                n1 -= size
                u0 += bucket
                u1 -= bucket
                if n0 >= self.min_window_length and n1 >= max(1, self.min_window_length):
                    yield n0, u0, n1, u1

    def _changed(self) -> bool:
        """Tell whether some split of the window has means too far apart."""
        if self.width < 2:
            return False
        delta_prime = math.log(2.0 * math.log(self.width) / self.delta)
        spread = 2.0 * (self.variance / self.width) * delta_prime
        least = self.min_window_length
        for n0, u0, n1, u1 in self._splits():
            m = 1.0 / (n0 - least + 1) + 1.0 / (n1 - least + 1)
            if abs(u0 / n0 - u1 / n1) > math.sqrt(max(0.0, m * spread)) + 2.0 / 3.0 * delta_prime * m:
                return True
        return False

    def _best_split(self) -> tuple[int, float, int, float]:
        n0, u0, n1, u1 = max(
            self._splits(), key=lambda s: abs(s[1] / s[0] - s[3] / s[2]) / math.sqrt(1 / s[0] + 1 / s[2])
        )
        return n0, u0 / n0, n1, u1 / n1

    def _drop_oldest(self) -> None:
        row = len(self._sums) - 1
        n = 1 << row
        u, v = self._sums[row].pop(0), self._squares[row].pop(0)
        self.width -= n
        self.total -= u
        gap = u / n - self.total / self.width
        self.variance -= v + n * self.width * gap * gap / (n + self.width)
        while len(self._sums) > 1 and not self._sums[-1]:
            self._sums.pop()
            self._squares.pop()

    def state(self) -> State:
        """Return the complete window as JSON values."""
        return {
            "width": self.width,
            "total": self.total,
            "variance": self.variance,
            "tick": self._tick,
            "drift": self.drift_detected,
            "sums": [list(row) for row in self._sums],
            "squares": [list(row) for row in self._squares],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the window; raises ValueError when the numbers do not fit together."""
        sums, squares = state["sums"], state["squares"]
        width = sum(len(row) << i for i, row in enumerate(sums))
        if width != state["width"] or [len(row) for row in sums] != [len(row) for row in squares]:
            raise ValueError(f"ADWIN state of width {state['width']} holds {width} values")
        self.width, self.total, self.variance = state["width"], state["total"], state["variance"]
        self._tick, self._drift_detected = state["tick"], state["drift"]
        self._sums = [list(row) for row in sums]
        self._squares = [list(row) for row in squares]
