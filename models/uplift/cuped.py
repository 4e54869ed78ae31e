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

from models.uplift import welch
from models.uplift.moments import Floats, Moments


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


def _pooled(a: Pairs, b: Pairs, within_a: float, within_b: float, mean_a: float, mean_b: float) -> float:
    """Pool a (co)variance with the covariate over two arms."""
    n = a.n + b.n
    between = a.n * b.n / n * (mean_a - mean_b) * (a.mean_x - b.mean_x)
    return ((a.n - 1) * within_a + (b.n - 1) * within_b + between) / (n - 1)
