"""Blends component log-odds into one calibrated probability, from predictions made before their labels.

A logistic regression over the components' prequential log-odds of the newest events, refitted often
and pulled towards fixed weights: it chooses the better components, and because it only ever sees
honest predictions its probabilities are calibrated, also when the components are overconfident.

Source: MacKay, "Bayesian interpolation", Neural Computation 1992 (how strong a pull the data bear out).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.churn.compiled import compiled
from models.churn.newest import NewestLabels
from models.learner import Array, State

CLIP = 8.0
_HALVINGS = 8
_STILL = 10.0
"""How much harder the bias is pulled: the mean is the calibration's, and the less it moves the better scores
told at different times compare."""
_WEAKER = 4
"""Pulls tried: whole, a quarter, a sixteenth, …"""
_NEWER, _LEAST = 0.6, 300
"""Share of all labels looked at, and the fewest: trees' first predictions are those of few rows, and say
little about what trees are worth now."""


class Blend:
    """Weights of `k` components and a bias.

    Parameters
    ----------
    anchor
        Weights to be pulled towards, (k,).
    ramp
        Labels after which components other than the first may have their anchor's weight: with few
        labels the simplest component is the best.
    window
        Most of the newest labelled predictions looked at.
    every
        Labels between refits.
    precision
        Strength of the pull; beyond `settled` labels it falls as their number grows. Labels that speak
        plainly against it weaken it further, see `_believed`.
    settled
        Labels after which the components may speak for themselves.
    """

    def __init__(
        self,
        anchor: Array,
        ramp: int = 3000,
        window: int = 4000,
        every: int = 100,
        precision: float = 150.0,
        settled: int = 1000,
    ) -> None:
        self.anchor = np.asarray(anchor, np.float64)
        self.ramp = ramp
        self.precision, self.settled = precision, settled
        self._newest = NewestLabels(window, every, len(self.anchor) + 1)
        self._weigh(self._pull())

    def _pull(self) -> Array:
        """Return the anchor at this many labels: bias, first component, others."""
        share = min(1.0, self._newest.n / self.ramp)
        out = np.zeros(len(self.anchor) + 1)
        out[2:] = self.anchor[1:] * share
        out[1] = self.anchor.sum() - out[2:].sum()
        return out

    def _weigh(self, weights: Array) -> None:
        self.weights = weights
        # Three numbers: plain floats take 0.6 µs where arrays take 5.
        self.factors: list[float] = weights.tolist()

    def score(self, z: Array) -> float:
        """Return the blended log-odds of component log-odds `z`, (k,)."""
        total, *factors = self.factors
        for factor, part in zip(factors, z.tolist(), strict=True):
            total += factor * (CLIP if part > CLIP else -CLIP if part < -CLIP else part)
        return total

    def learn(self, z: Array, y: bool) -> None:
        """Take the component log-odds predicted for an event whose label is now known."""
        clipped = (CLIP if p > CLIP else -CLIP if p < -CLIP else p for p in z.tolist())
        if self._newest.add([1.0, *clipped], y):
            pull = max(0.15, min(1.0, self.settled / self._newest.n)) * self.precision
            told, labels = self._newest.latest(max(_LEAST, int(_NEWER * self._newest.n)))
            self._weigh(_believed(told, labels, self._pull(), pull, self.weights))

    def state(self) -> State:
        """Return weights and window."""
        return {"n": self._newest.n, "weights": self.weights.copy(), **self._newest.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace weights and window; raises ValueError when they do not fit."""
        if state["weights"].shape != self.weights.shape:
            raise ValueError(f"blend of shape {state['weights'].shape} does not fit {self.weights.shape}")
        self._newest.restore(state)
        self._weigh(state["weights"].copy())


@compiled
def _believed(z: Array, y: Array, anchor: Array, pull: float, start: Array) -> Array:
    """Return the weights under the pull that makes the labels likeliest, of `pull` and parts of it.

    Where a component is plainly better hundreds of labels say so, and a pull that keeps noise out elsewhere
    would hold it back for thousands. Laplace's approximation of the evidence weighs one against the other.
    """
    k = z.shape[1]
    best = -np.inf
    found = start
    precision = np.empty(k)
    for times in range(_WEAKER):
        precision[:] = pull * 0.25**times
        precision[0] = pull * _STILL
        w = _refit(z, y, anchor, precision, found)
        hessian = np.diag(precision)
        for i in range(z.shape[0]):
            s = 0.0
            for a in range(k):
                s += z[i, a] * w[a]
            p = 1.0 / (1.0 + np.exp(-s))
            h = max(p * (1.0 - p), 1e-3)
            for a in range(k):
                for b in range(k):
                    hessian[a, b] += h * z[i, a] * z[i, b]
        evidence = 0.5 * np.log(precision).sum() - 0.5 * np.log(np.linalg.det(hessian))
        evidence -= _loss(z, y, w, anchor, precision)
        if evidence <= best:
            break
        best = evidence
        found = w
    return found


@compiled
def _refit(z: Array, y: Array, anchor: Array, precision: Array, start: Array) -> Array:
    """Return the weights minimising the logistic loss plus ½ Σ precision·(w − anchor)², by damped Newton."""
    m, k = z.shape
    w = start.copy()
    loss = _loss(z, y, w, anchor, precision)
    for _ in range(5):
        grad = precision * (w - anchor)
        hessian = np.diag(precision)
        for i in range(m):
            s = 0.0
            for a in range(k):
                s += z[i, a] * w[a]
            p = 1.0 / (1.0 + np.exp(-s))
            e = p - y[i]
            h = max(p * (1.0 - p), 1e-3)
            for a in range(k):
                grad[a] += e * z[i, a]
                for b in range(a + 1):
                    hessian[a, b] += h * z[i, a] * z[i, b]
        for a in range(k):
            for b in range(a):
                hessian[b, a] = hessian[a, b]
        step = np.linalg.solve(hessian, grad)
        share = 1.0
        for _ in range(_HALVINGS):
            after = _loss(z, y, w - share * step, anchor, precision)
            if after <= loss:
                break
            share *= 0.5
        else:
            break
        loss = after
        w -= share * step
        if share * np.abs(step).max() < 1e-4:
            break
    return w


@compiled
def _loss(z: Array, y: Array, w: Array, anchor: Array, precision: Array) -> float:
    """Return what `_refit` minimises."""
    total = 0.0
    for i in range(z.shape[0]):
        s = 0.0
        for a in range(z.shape[1]):
            s += z[i, a] * w[a]
        total += max(s, 0.0) - s * y[i] + np.log1p(np.exp(-abs(s)))
    pull = 0.0
    for a in range(w.shape[0]):
        pull += precision[a] * (w[a] - anchor[a]) ** 2
    return float(total + 0.5 * pull)
