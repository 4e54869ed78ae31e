"""Takes log-odds at their word only as far as labels bear them out, from predictions made before them.

The log-odds of a model that has found nothing still scatter: at a share of .2, a few hundred labels make
trees and weights say .1 here and .3 there. So a line through the newest honest predictions, (mean, slope),
says how much of the scatter to keep. How hard it is pulled towards "as they are" is told in labels, not in
units of the log-odds: a fixed precision that suits a wide scatter needs ten thousand labels to rein in a
narrow one, which is exactly the one that is mostly noise.

A line cannot follow a share that flattens out, as where some labels are wrong whatever is known: what it
leaves over is told by a bend, a few steps of the log-odds joined by straight pieces, which is believed as far
as it explains more of the newest labels than chance would let it.

Sources: Cox, "Two further applications of a model for binary regression", Biometrika 1958 (mean and slope
of log-odds); Zellner, "On assessing prior distributions …", 1986 (a pull told in observations);
James and Stein, "Estimation with quadratic loss", 1961 (how far to believe several numbers at once).
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
_STEPS = 4
"""The bend has a knot at every whole number of log-odds from -4 to 4, and is flat beyond."""
KNOTS = 2 * _STEPS + 1
_STIFF, _DOUBT = 10.0, 2.0
"""Pull of each knot towards 0, and how many times the gain that chance would give is taken off."""
_STEEPEST = 0.8
"""Most a bend may fall from knot to knot: less than the line rises, so that order stays."""


class Calibration:
    """Offset, slope and bend of log-odds.

    Parameters
    ----------
    window
        Newest labelled predictions looked at.
    every
        Labels between refits; a quarter of it at first, half of it later.

    Examples
    --------
    >>> calibration = Calibration()
    >>> for i in range(2000):  # scattered log-odds, labels that do not care
    ...     calibration.learn(float(i % 7 - 3) / 3 - 1.4, i % 5 == 0)
    >>> round(calibration.factors[1], 1)
    0.0
    """

    def __init__(self, window: int = 4000, every: int = 100) -> None:
        self._newest = NewestLabels(window, every, early=True)
        self._weigh(np.array([0.0, 1.0]), np.zeros(KNOTS))

    def _weigh(self, weights: Array, bend: Array) -> None:
        self.weights, self.bend = weights, bend
        self.factors: list[float] = [*weights.tolist(), *bend.tolist()]

    def scaled(self, z: float) -> float:
        """Return calibrated log-odds."""
        offset, slope, *bend = self.factors
        line = offset + slope * z
        at = min(max(line, -4.0), 4.0) + _STEPS
        k = min(int(at), KNOTS - 2)
        return line + bend[k] * (1.0 - (at - k)) + bend[k + 1] * (at - k)

    def learn(self, z: float, y: bool) -> None:
        """Take the log-odds predicted for an event whose label is now known."""
        if self._newest.add(z, y):
            more = max(_MORE_LEAST, _MORE * min(1.0, _SETTLED / self._newest.n))
            told, labels = self._newest.kept()
            line = _line(told, labels, _MEAN, _LESS, more)
            self._weigh(line, _bend(line[0] + line[1] * told, labels, _STIFF, _DOUBT))

    def state(self) -> State:
        """Return line and window."""
        return {
            "n": self._newest.n,
            "weights": self.weights.copy(),
            "bend": self.bend.copy(),
            **self._newest.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace line and window; raises ValueError when they do not fit."""
        if state["weights"].shape != (2,):
            raise ValueError(f"calibration weights of shape {state['weights'].shape} are not two")
        # An earlier build had no bend.
        bend = state.get("bend", np.zeros(KNOTS))
        if bend.shape != (KNOTS,):
            raise ValueError(f"a bend of shape {bend.shape} has not {KNOTS} knots")
        z = state["z"]
        # An earlier build had a column of ones.
        self._newest.restore({**state, "z": z[:, -1] if z.ndim == 2 else z})
        self._weigh(state["weights"].copy(), bend.copy())


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


@compiled
def bent(z: float, bend: Array) -> float:
    """Return log-odds `z` with the bend added."""
    at = min(max(z, -4.0), 4.0) + _STEPS
    k = min(int(at), KNOTS - 2)
    share = at - k
    return float(z + bend[k] * (1.0 - share) + bend[k + 1] * share)


@compiled
def _bend(z: Array, y: Array, stiff: float, doubt: float) -> Array:
    """Return the knots' values that lower the logistic loss, by Newton steps, as far as they are believed."""
    bend = np.zeros(KNOTS)
    seen = np.zeros(KNOTS)
    gain = 0.0
    for _ in range(4):
        grad = stiff * bend
        hessian = np.eye(KNOTS) * stiff
        seen[:] = 0.0
        for i in range(z.shape[0]):
            at = min(max(z[i], -4.0), 4.0) + _STEPS
            k = min(int(at), KNOTS - 2)
            right = at - k
            left = 1.0 - right
            p = 1.0 / (1.0 + np.exp(-(z[i] + bend[k] * left + bend[k + 1] * right)))
            e = p - y[i]
            h = max(p * (1.0 - p), 1e-3)
            grad[k] += e * left
            grad[k + 1] += e * right
            seen[k] += h * left
            seen[k + 1] += h * right
            hessian[k, k] += h * left * left
            hessian[k + 1, k + 1] += h * right * right
            hessian[k, k + 1] += h * left * right
            hessian[k + 1, k] += h * left * right
        step = np.minimum(np.maximum(np.linalg.solve(hessian, grad), -1.0), 1.0)
        bend -= step
        if np.abs(step).max() < 1e-2:
            break
    for i in range(z.shape[0]):
        a, b = z[i], bent(z[i], bend)
        gain += max(a, 0.0) - max(b, 0.0) + (b - a) * y[i]
        gain += np.log1p(np.exp(-abs(a))) - np.log1p(np.exp(-abs(b)))
    free = 0.0
    for k in range(KNOTS):
        free += seen[k] / (seen[k] + stiff)
    # Knots that mean nothing gain half a nat each on the labels they were fitted to.
    bend *= max(0.0, 1.0 - doubt * 0.5 * free / max(gain, 1e-9))
    for k in range(1, KNOTS):
        bend[k] = max(bend[k], bend[k - 1] - _STEEPEST)
    return bend
