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
    y, x = np.concatenate((y1, y0)), np.concatenate((x1, x0))
    spread = float(np.var(x, ddof=1))
    if not spread > 0:
        return None
    theta = float(np.cov(y, x)[0, 1]) / spread
    plain1, plain0 = Moments.of(y1), Moments.of(y0)
    m1, m0 = _arm(y1, x1, theta), _arm(y0, x0, theta)
    found = welch.interval(m1, m0, level)
    before = plain1.variance_of_mean + plain0.variance_of_mean
    after = m1.variance_of_mean + m0.variance_of_mean
    reduction = 1 - after / before if before > 0 else math.nan
    p = welch.p_value(m1, m0)
    return Cuped(theta, found.delta, found.low, found.high, reduction, m1.n + m0.n, p)


def _arm(y: Floats, x: Floats, theta: float) -> Moments:
    return Moments.of(y - theta * x)
