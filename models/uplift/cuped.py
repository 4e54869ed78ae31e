"""CUPED: a covariate from before the trial takes out the part of the noise it explains.

References
----------
Deng, Xu, Kohavi, Walker: Improving the sensitivity of online controlled experiments by
utilizing pre-experiment data, WSDM 2013.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.uplift import welch
from models.uplift.moments import Floats, Moments

SMALLEST = 50
"""Customers a group of a covariate in words must have to stand for itself."""


@dataclass(frozen=True, slots=True)
class Cuped:
    """The adjusted difference; `reduction` is the share of the variance taken out, `n` customers used."""

    theta: float
    delta: float
    low: float
    high: float
    reduction: float
    n: int
    p: float


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sufficient statistics of a metric y and a covariate x in one arm; variances with n - 1."""

    n: int
    mean_y: float
    mean_x: float
    var_y: float
    var_x: float
    cov: float

    @classmethod
    def of(cls, y: Floats, x: Floats) -> Pairs:
        """Compute them from at least two values each, shape (n,)."""
        moments = np.cov(y, x)
        return cls(
            len(y),
            float(np.mean(y)),
            float(np.mean(x)),
            *(float(moments[at]) for at in ((0, 0), (1, 1), (0, 1))),
        )

    def adjusted(self, theta: float) -> Moments:
        """Return the moments of y - theta x."""
        var = self.var_y + theta * theta * self.var_x - 2 * theta * self.cov
        return Moments(self.n, self.mean_y - theta * self.mean_x, max(var, 0.0))


def adjust(y1: Floats, x1: Floats, y0: Floats, x0: Floats, level: float = 0.95) -> Cuped | None:
    """Adjust a difference by a covariate.

    Parameters
    ----------
    y1, x1, y0, x0
        Metric and covariate of the treated (1) and the control (0), both known, shapes (n1,) and
        (n0,).

    Returns
    -------
    Cuped or None
        None when the covariate is constant or an arm has fewer than two customers.

    Examples
    --------
    >>> x = np.arange(8.0)
    >>> found = adjust(x + 1 + 0.1 * (x % 2), x, x, x)
    >>> round(found.delta, 2), found.reduction > 0.99
    (1.05, True)
    """
    if min(len(y1), len(y0)) < 2:
        return None
    return from_pairs(Pairs.of(y1, x1), Pairs.of(y0, x0), level)


def from_pairs(treated: Pairs, control: Pairs, level: float = 0.95) -> Cuped | None:
    """Do the same from sufficient statistics; `theta` is that of both arms pooled."""
    spread = _pooled(treated, control, treated.var_x, control.var_x, treated.mean_x, control.mean_x)
    if not spread > 0:
        return None
    theta = _pooled(treated, control, treated.cov, control.cov, treated.mean_y, control.mean_y) / spread
    m1, m0 = treated.adjusted(theta), control.adjusted(theta)
    found = welch.interval(m1, m0, level)
    before = treated.var_y / treated.n + control.var_y / control.n
    after = m1.variance_of_mean + m0.variance_of_mean
    reduction = 1 - after / before if before > 0 else math.nan
    return Cuped(theta, found.delta, found.low, found.high, reduction, m1.n + m0.n, welch.p_value(m1, m0))


def means_by_group(
    y1: Floats, g1: NDArray[np.intp], y0: Floats, g0: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Return a covariate out of words: the mean of the metric in each group, over both arms.

    With it `adjust` is a regression on the groups. Groups below `SMALLEST` customers are taken together,
    lest a group's mean be the customer's own outcome.

    Parameters
    ----------
    y1, g1, y0, g0
        Metric, NaN where unknown, and number of the group, from 0, of the treated (1) and the control (0).

    Examples
    --------
    >>> groups = np.repeat([0, 1, 2], [60, 60, 3])
    >>> values = np.where(groups == 1, 5.0, 1.0)
    >>> x1, _ = means_by_group(values, groups, np.ones(0), np.zeros(0, dtype=np.intp))
    >>> x1[[0, 60, 120]].tolist()
    [1.0, 5.0, 1.0]
    """
    y, g = np.concatenate([y1, y0]), np.concatenate([g1, g0])
    known = ~np.isnan(y)
    sizes = np.bincount(g[known], minlength=int(g.max(initial=0)) + 1)
    merged = np.append(np.where(sizes < SMALLEST, len(sizes), np.arange(len(sizes))), len(sizes))[g]
    counts = np.bincount(merged[known], minlength=len(sizes) + 1)
    sums = np.bincount(merged[known], weights=y[known], minlength=len(sizes) + 1)
    x = (sums / np.maximum(counts, 1))[merged]
    return x[: len(y1)], x[len(y1) :]


def _pooled(a: Pairs, b: Pairs, within_a: float, within_b: float, mean_a: float, mean_b: float) -> float:
    """Pool a (co)variance with the covariate over two arms."""
    n = a.n + b.n
    between = a.n * b.n / n * (mean_a - mean_b) * (a.mean_x - b.mean_x)
    return ((a.n - 1) * within_a + (b.n - 1) * within_b + between) / (n - 1)
