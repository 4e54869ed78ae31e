"""Counts of terms in the last hour, and what their own past makes of that hour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.learner import State

SLOT_SECONDS = 600.0
SLOTS = 6
"""Slots of a window: it is one hour long."""

HOURS = 24
PRIOR = 0.5
_SHRINKAGE = 100.0
_DAILY_DECAY = 0.95


class SeasonalCounts:
    """Counts by ten minutes that turn into a past by hour of the day, fading by 5 % a day.

    Parameters
    ----------
    size
        Number of counters.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.slot = -1
        self._past = np.zeros((HOURS, size), np.float32)
        self._past_total = np.zeros(HOURS, np.float64)
        self._everywhere = np.zeros(size, np.float64)
        self._slots = np.zeros((SLOTS, size), np.float32)
        self._slot_total = np.zeros(SLOTS, np.float64)
        self._window = np.zeros(size, np.float64)

    @property
    def texts(self) -> int:
        """Number of texts in the window."""
        return int(self._slot_total.sum())

    def add(self, terms: npt.NDArray[np.int64]) -> None:
        """Count one text with these terms in the current slot, each term once."""
        row = self.slot % SLOTS
        self._slots[row, terms] += 1
        self._window[terms] += 1
        self._slot_total[row] += 1

    def turn(self) -> None:
        """Begin the next slot; the one that leaves the window becomes past."""
        self.slot += 1
        row = self.slot % SLOTS
        leaving = self.slot - SLOTS
        hour = leaving // SLOTS % HOURS
        if leaving % SLOTS == 0:
            self._fade(hour)
        if self._slot_total[row]:
            said = np.flatnonzero(self._slots[row] > 0)  # a few hundred of 32,768
            counts = self._slots[row, said]
            self._past[hour, said] += counts
            self._everywhere[said] += counts
            self._window[said] -= counts
            self._past_total[hour] += self._slot_total[row]
            self._slots[row, said] = 0
            self._slot_total[row] = 0

    def _fade(self, hour: int) -> None:
        """Let an hour's past fade before it is added to; what rounding leaves of the sum goes once a day."""
        if hour:
            self._everywhere -= self._past[hour]
        self._past[hour] *= np.float32(_DAILY_DECAY)
        self._past_total[hour] *= _DAILY_DECAY
        if hour:
            self._everywhere += self._past[hour]
        else:
            self._everywhere = np.asarray(self._past.sum(axis=0, dtype=np.float64), np.float64)

    def skip_to(self, slot: int) -> None:
        """Empty the window into the past and go to `slot`, after a gap longer than the window."""
        for _ in range(SLOTS):
            self.turn()
        self.slot = slot

    def window(self) -> npt.NDArray[np.float64]:
        """Return the counts of the window, shape (size,)."""
        return self._window

    def past(self) -> npt.NDArray[np.float64]:
        """Return the faded counts of the past over all hours, shape (size,)."""
        return self._everywhere

    def expected(self, terms: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return how many texts of each of `terms` the window should hold, given how many it holds in all.

        A term's share at an hour of the day is drawn towards its share at all hours where that hour has
        little past; the window may lie across two hours.
        """
        share = (self._everywhere[terms] + PRIOR) / (float(self._past_total.sum()) + 1.0)
        volume: dict[int, float] = {}
        for slot in range(self.slot - SLOTS + 1, self.slot + 1):
            hour = slot // SLOTS % HOURS
            volume[hour] = volume.get(hour, 0.0) + float(self._slot_total[slot % SLOTS])
        expected = np.zeros(len(terms), np.float64)
        for hour, total in volume.items():
            expected += (
                total * (self._past[hour, terms] + _SHRINKAGE * share) / (self._past_total[hour] + _SHRINKAGE)
            )
        return expected

    def state(self) -> State:
        """Return all counts."""
        return {
            "slot": self.slot,
            "past": self._past.copy(),
            "past_total": self._past_total.copy(),
            "everywhere": self._everywhere.copy(),
            "slots": self._slots.copy(),
            "slot_total": self._slot_total.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace all counts; raises ValueError when their number differs."""
        past = np.array(state["past"], np.float32)
        if past.shape != (HOURS, self.size):
            raise ValueError(f"counts have shape {past.shape}, not {(HOURS, self.size)}")
        self.slot = int(state["slot"])
        self._past = past
        self._past_total = np.array(state["past_total"], np.float64)
        self._everywhere = np.array(state["everywhere"], np.float64)
        self._slots = np.array(state["slots"], np.float32)
        self._slot_total = np.array(state["slot_total"], np.float64)
        self._window = self._slots.sum(axis=0, dtype=np.float64)
