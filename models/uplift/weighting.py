"""Inverse-propensity weights, for trials whose shares changed on the way (a ramp).

Pooling such a trial compares early customers, mostly held out, with late ones, mostly treated.
Weights 1/p for the treated and 1/(1-p) for the control put both back on the same population.

References
----------
Hajek: Comment on "An essay on the logical foundations of survey sampling" (1971).
"""

from __future__ import annotations

import math

import numpy as np

from models.uplift.distributions import normal_quantile
from models.uplift.moments import Floats, Interval


def weighted(
    values: Floats, treated: np.ndarray[tuple[int], np.dtype[np.bool_]], share: Floats, level: float = 0.95
) -> Interval:
    """Return the weighted difference with its linearised normal interval.

    Parameters
    ----------
    values, treated
        Metric and arm of each customer, shape (n,), values known.
    share
        Probability of the treated arm when the customer was assigned, shape (n,), in (0, 1).

    Examples
    --------
    >>> values = np.array([1.0, 0.0, 1.0, 0.0] * 50)
    >>> treated = np.array([True, True, False, False] * 50)
    >>> round(weighted(values, treated, np.full(200, 0.5)).delta, 3)
    0.0
    """
    weights = np.where(treated, 1 / share, 1 / (1 - share))
    means, variances = [], []
    for arm in (treated, ~treated):
        w, y = weights[arm], values[arm]
        if len(y) < 2:
            return Interval(math.nan, math.nan, math.nan)
        mean = float(np.sum(w * y) / np.sum(w))
        means.append(mean)
        variances.append(float(np.sum(np.square(w * (y - mean))) / np.sum(w) ** 2) * len(y) / (len(y) - 1))
    delta = means[0] - means[1]
    radius = normal_quantile((1 + level) / 2) * math.sqrt(sum(variances))
    return Interval(delta, delta - radius, delta + radius)
