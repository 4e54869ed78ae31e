"""Prequential figures: every example is predicted before it is learned from.

Dawid, "Present position and potential developments: the prequential approach", JRSS A 1984;
windowed as in Gama et al., "On evaluating stream learning algorithms", ML 2013.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from models.learner import State

WINDOW = 2000
_EPS = 1e-6


class Prequential:
    """Accuracy, AUC, log loss and Brier score over the latest examples, and accuracy over all.

    Parameters
    ----------
    window
        Number of latest examples.

    Examples
    --------
    >>> figures = Prequential()
    >>> for chance, label in [(0.9, True), (0.2, False), (0.4, True)]:
    ...     figures.add(chance, label)
    >>> figures.n, round(figures.accuracy, 3), figures.auc()
    (3, 0.667, 1.0)
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._chances = np.zeros(window)
        self._labels = np.zeros(window, dtype=bool)
        self.n = 0
        self.correct = 0

    def add(self, chance: float, label: bool) -> None:
        """Take a predicted probability and what it turned out to be."""
        place = self.n % len(self._chances)
        self._chances[place] = chance
        self._labels[place] = label
        self.n += 1
        self.correct += (chance >= 0.5) == label

    @property
    def accuracy(self) -> float:
        """Share of all examples predicted right; NaN before any."""
        return self.correct / self.n if self.n else math.nan

    def _window(self) -> tuple[Any, Any]:
        held = min(self.n, len(self._chances))
        return self._chances[:held], self._labels[:held]

    def window_accuracy(self) -> float | None:
        """Return the accuracy over the window."""
        chances, labels = self._window()
        return float(((chances >= 0.5) == labels).mean()) if len(chances) else None

    def auc(self) -> float | None:
        """Return the area under the ROC curve over the window (Mann-Whitney, ties half)."""
        chances, labels = self._window()
        positive = int(labels.sum())
        negative = len(labels) - positive
        if not positive or not negative:
            return None
        _, inverse, counts = np.unique(chances, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
        return float((ranks[labels].sum() - positive * (positive + 1) / 2.0) / (positive * negative))

    def log_loss(self) -> float | None:
        """Return the mean log loss over the window, in nats."""
        chances, labels = self._window()
        if not len(chances):
            return None
        right = np.clip(np.where(labels, chances, 1.0 - chances), _EPS, 1.0)
        return float(-np.log(right).mean())

    def brier(self) -> float | None:
        """Return the mean squared error of the probability over the window."""
        chances, labels = self._window()
        return float(((chances - labels) ** 2).mean()) if len(chances) else None

    def state(self) -> State:
        """Return everything as arrays and numbers."""
        return {
            "chances": self._chances.copy(),
            "labels": self._labels.copy(),
            "n": self.n,
            "correct": self.correct,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the figures."""
        self._chances = np.array(state["chances"], dtype=float)
        self._labels = np.array(state["labels"], dtype=bool)
        self.n, self.correct = int(state["n"]), int(state["correct"])
