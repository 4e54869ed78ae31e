"""Takes log-odds at their word only as far as labels bear them out, from predictions made before them.

The log-odds of a model that has found nothing still scatter: at a share of .2, a few hundred labels make
trees and weights say .1 here and .3 there. So a line through the newest honest predictions, (mean, slope),
says how much of the scatter to keep. How hard it is pulled towards "as they are" is told in labels, not in
units of the log-odds: a fixed precision that suits a wide scatter needs ten thousand labels to rein in a
narrow one, which is exactly the one that is mostly noise.

Sources: Cox, "Two further applications of a model for binary regression", Biometrika 1958 (mean and slope
of log-odds); Zellner, "On assessing prior distributions …", 1986 (a pull told in observations).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.churn.compiled import compiled
from models.churn.newest import NewestLabels
from models.learner import Array, State

_MEAN, _LESS = 3000.0, 100.0
"""Labels the pull is worth on the mean, and on a slope below 1, which takes claims back."""
_MORE, _MORE_LEAST, _SETTLED = 2000.0, 200.0, 500
"""And on a slope above 1: that adds to claims and mixes badly with scores told earlier, so it is believed
late; beyond `_SETTLED` labels the pull falls as their number grows."""


class Calibration:
    """Offset and slope of log-odds.

    Parameters
    ----------
    window
        Newest labelled predictions looked at.
    every
        Labels between refits.

    Examples
    --------
    >>> calibration = Calibration()
    >>> for i in range(2000):  # scattered log-odds, labels that do not care
    ...     calibration.learn(float(i % 7 - 3) / 3 - 1.4, i % 5 == 0)
    >>> round(calibration.factors[1], 1)
    0.0
    """

    def __init__(self, window: int = 4000, every: int = 100) -> None:
        self._newest = NewestLabels(window, every)
        self._weigh(np.array([0.0, 1.0]))

    def _weigh(self, weights: Array) -> None:
        self.weights = weights
        self.factors: list[float] = weights.tolist()

    def scaled(self, z: float) -> float:
        """Return calibrated log-odds."""
        offset, slope = self.factors
        return offset + slope * z

    def learn(self, z: float, y: bool) -> None:
        """Take the log-odds predicted for an event whose label is now known."""
        if self._newest.add(z, y):
            more = max(_MORE_LEAST, _MORE * min(1.0, _SETTLED / self._newest.n))
            self._weigh(_line(*self._newest.kept(), _MEAN, _LESS, more))

    def state(self) -> State:
        """Return line and window."""
        return {"n": self._newest.n, "weights": self.weights.copy(), **self._newest.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace line and window; raises ValueError when they do not fit."""
        if state["weights"].shape != (2,):
            raise ValueError(f"calibration weights of shape {state['weights'].shape} are not two")
        z = state["z"]
        # An earlier build had a column of ones.
        self._newest.restore({**state, "z": z[:, -1] if z.ndim == 2 else z})
        self._weigh(state["weights"].copy())


@compiled
def _line(z: Array, y: Array, mean: float, less: float, more: float) -> Array:
    """Return offset and slope minimising the logistic loss plus the pull towards (0, 1), by Newton steps.

    The line is fitted about the mean of `z`, where its two numbers hardly depend on each other, and the pull
    is worth `mean` labels of average weight there, `less` or `more` on the slope.
    """
    middle = z.mean()
    spread = max(z.var(), 1e-9)
    at, slope, labels = middle, 1.0, less
    for step in range(10):
        weight = g0 = g1 = h01 = h11 = 0.0
        for i in range(z.shape[0]):
            x = z[i] - middle
            p = 1.0 / (1.0 + np.exp(-(at + slope * x)))
            h = max(p * (1.0 - p), 1e-3)
            weight += h
            g0 += p - y[i]
            g1 += (p - y[i]) * x
            h01 += h * x
            h11 += h * x * x
        if step == 0 and g1 < 0.0:
            labels = more
        average = weight / z.shape[0]
        g0 += mean * average * (at - middle)
        g1 += labels * average * spread * (slope - 1.0)
        h00 = weight + mean * average
        h11 += labels * average * spread
        det = h00 * h11 - h01 * h01
        d0 = (h11 * g0 - h01 * g1) / det
        d1 = (h00 * g1 - h01 * g0) / det
        at -= d0
        slope -= d1
        if abs(d0) < 1e-4 and abs(d1) < 1e-4:
            break
    slope = max(slope, 0.0)
    return np.array([at - slope * middle, slope])
