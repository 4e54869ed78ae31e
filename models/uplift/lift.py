"""The difference as a share of the control, with Katz's interval on the log scale.

References
----------
Katz, Baptista, Azen, Pike: Obtaining confidence intervals for the risk ratio in cohort studies,
Biometrics 34 (1978); the same delta method serves means.
"""

from __future__ import annotations

import math

from models.uplift.distributions import normal_quantile
from models.uplift.moments import Interval, Moments


def relative(treated: Moments, control: Moments, level: float = 0.95) -> Interval:
    """Return treated / control - 1; NaN where a mean is not above zero.

    Examples
    --------
    >>> found = relative(Moments(1000, 0.12, 0.1057), Moments(1000, 0.10, 0.0901))
    >>> round(found.delta, 2), round(found.low, 2), round(found.high, 2)
    (0.2, -0.07, 0.54)
    """
    if not (control.mean > 0 and treated.mean > 0):
        return Interval(math.nan, math.nan, math.nan)
    ratio = treated.mean / control.mean
    spread = normal_quantile((1 + level) / 2) * math.sqrt(
        treated.variance_of_mean / treated.mean**2 + control.variance_of_mean / control.mean**2
    )
    return Interval(ratio - 1, ratio * math.exp(-spread) - 1, ratio * math.exp(spread) - 1)
