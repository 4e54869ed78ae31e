"""Welch's interval of a difference of means, arms of unequal variance.

References
----------
Welch: The generalization of "Student's" problem, Biometrika 34 (1947).
"""

from __future__ import annotations

import math

from models.uplift.distributions import student_quantile, student_tail
from models.uplift.moments import Interval, Moments


def degrees_of_freedom(treated: Moments, control: Moments) -> float:
    """Return Satterthwaite's degrees of freedom; NaN when an arm has fewer than two values."""
    v1, v0 = treated.variance_of_mean, control.variance_of_mean
    if not v1 + v0 > 0:
        return math.nan
    return (v1 + v0) ** 2 / (v1 * v1 / (treated.n - 1) + v0 * v0 / (control.n - 1))


def interval(treated: Moments, control: Moments, level: float = 0.95) -> Interval:
    """Return the interval; limits are NaN when an arm has fewer than two values or nothing varies.

    Examples
    --------
    >>> found = interval(Moments(10, 5.0, 4.0), Moments(8, 3.0, 1.0))
    >>> round(found.delta, 3), round(found.low, 3), round(found.high, 3)
    (2.0, 0.444, 3.556)
    """
    delta = treated.mean - control.mean
    df = degrees_of_freedom(treated, control)
    if math.isnan(df):
        return Interval(delta, math.nan, math.nan)
    radius = student_quantile((1 + level) / 2, df) * math.sqrt(
        treated.variance_of_mean + control.variance_of_mean
    )
    return Interval(delta, delta - radius, delta + radius)


def p_value(treated: Moments, control: Moments) -> float:
    """Return the two-sided p-value of equal means; 1 when it cannot be tested."""
    df = degrees_of_freedom(treated, control)
    if math.isnan(df):
        return 1.0
    t = (treated.mean - control.mean) / math.sqrt(treated.variance_of_mean + control.variance_of_mean)
    return student_tail(t, df)
