"""The quantiles and tails that intervals need, so that no statistics package is needed at run time."""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()


def normal_quantile(p: float) -> float:
    """Return z with P(Z <= z) = p.

    Examples
    --------
    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    return _NORMAL.inv_cdf(p)


def chi2_tail(x: float, df: int) -> float:
    """Return P(X >= x) of a chi-square with `df` degrees of freedom.

    By the recurrence Q(a + 1, x) = Q(a, x) + x^a exp(-x) / Gamma(a + 1) from its closed forms at
    one and two degrees of freedom.

    Examples
    --------
    >>> round(chi2_tail(0.2025, 2), 4), round(chi2_tail(3.841459, 1), 4)
    (0.9037, 0.05)
    """
    if df < 1:
        return 1.0
    half = x / 2
    if half <= 0:
        return 1.0
    tail, a = (math.erfc(math.sqrt(half)), 0.5) if df % 2 else (math.exp(-half), 1.0)
    while a < df / 2:
        tail += math.exp(a * math.log(half) - half - math.lgamma(a + 1))
        a += 1
    return min(1.0, tail)


def student_tail(t: float, df: float) -> float:
    """Return P(|T| >= |t|) of Student's distribution, `df` > 0 and not necessarily whole.

    Examples
    --------
    >>> round(student_tail(2.228139, 10), 5)
    0.05
    """
    return _beta(df / (df + t * t), df / 2, 0.5)


def student_quantile(p: float, df: float) -> float:
    """Return t with P(T <= t) = p, for 0.5 <= p < 1.

    From five degrees of freedom on, Newton steps on the exact tail, begun at the expansion in the
    normal quantile (Abramowitz and Stegun 26.7.5); below, where that is poor, halving.

    Examples
    --------
    >>> round(student_quantile(0.975, 10), 6), round(student_quantile(0.975, 1), 4)
    (2.228139, 12.7062)
    """
    z, goal = normal_quantile(p), 2 * (1 - p)
    if not math.isfinite(df) or goal >= 1:
        return max(z, 0.0)
    if df < 5:
        return _halved(goal, df, z + 1)
    t = z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df * df)
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    for _ in range(20):
        density = scale * (1 + t * t / df) ** (-(df + 1) / 2)
        step = (student_tail(t, df) - goal) / (2 * density)
        t += step
        if abs(step) < 1e-12 * t:
            break
    return t


def _halved(goal: float, df: float, high: float) -> float:
    """Return t with a two-sided tail of `goal`, by halving a bracket."""
    low = 0.0
    while student_tail(high, df) > goal:
        low, high = high, high * 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, df) > goal else (low, middle)
    return (low + high) / 2


def _beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function by Lentz's continued fraction."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value / a
