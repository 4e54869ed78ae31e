"""Intervals and p-values that hold at every look, for people who look every day.

An asymptotic confidence sequence covers the truth at all times at once. It leans on normality,
so for rates it must not speak before each arm has five successes and five failures: with 100
looks at a 1 % rate and a 10 % holdout, 30 % of A/A trials raise an alarm without that floor and
2.4 % with it. For means the same floor is one on how many values carry the variance (n over the
kurtosis, which for a rare yes is the number of yeses): with revenue that one customer in a hundred
brings, 12 to 30 % of A/A trials alarm falsely at five, at most 4.5 % at twenty (a test shows both).

References
----------
Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and asymptotic
confidence sequences, arXiv 2103.06476.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from models.uplift.moments import Floats, Moments

FLOOR = 5
"""Successes and failures each arm of a rate must have."""

CARRIERS = 20
"""Values that must carry the variance of a mean in each arm (`Moments.carriers`)."""

PLAN = 5000
"""Customers in both arms at which the interval is tightest."""


@dataclass(frozen=True, slots=True)
class AlwaysValid:
    """Limits and p-value; NaN and 1 for a rate that must not speak yet.

    `steady` tells whether a mean's can be trusted at every look: not while a few values carry the
    variance.
    """

    low: float
    high: float
    p: float
    steady: bool = True


def rho_squared(alpha: float, plan: float = PLAN) -> float:
    """Return the mixture's parameter that makes the sequence tightest at `plan` customers."""
    return (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / plan


def radius(v: ArrayLike, n: ArrayLike, alpha: float = 0.05, plan: float = PLAN) -> Floats:
    """Return the half width.

    Parameters
    ----------
    v
        Variance of the difference, s1^2/n1 + s0^2/n0, any shape.
    n
        Customers in both arms, same shape.
    """
    rho2 = rho_squared(alpha, plan)
    n = np.asarray(n, dtype=np.float64)
    grown = n * rho2 + 1
    inner = 2 * grown * np.log(np.sqrt(grown) / alpha) / (n * n * rho2)
    return np.asarray(np.sqrt(np.asarray(v, dtype=np.float64) * n * inner))


def p_values(delta: ArrayLike, v: ArrayLike, n: ArrayLike, alpha: float = 0.05, plan: float = PLAN) -> Floats:
    """Return the always-valid p-values, elementwise; shapes as in `radius`, v > 0."""
    rho2 = rho_squared(alpha, plan)
    n = np.asarray(n, dtype=np.float64)
    grown = n * rho2 + 1
    z2 = np.square(np.asarray(delta, dtype=np.float64)) / np.asarray(v, dtype=np.float64)
    return np.asarray(np.minimum(1.0, np.exp(0.5 * np.log(grown) - rho2 * n * z2 / (2 * grown))))


def speaks(successes: ArrayLike, n: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Tell whether an arm of a rate has enough of both, elementwise."""
    x = np.asarray(successes, dtype=np.float64)
    return np.minimum(x, np.asarray(n, dtype=np.float64) - x) >= FLOOR - 1e-9


def always_valid(
    treated: Moments, control: Moments, *, rate: bool, alpha: float = 0.05, plan: float = PLAN
) -> AlwaysValid:
    """Return the always-valid interval of a difference.

    Examples
    --------
    >>> found = always_valid(Moments(500, 0.30, 0.21), Moments(500, 0.10, 0.09), rate=True)
    >>> round(found.low, 3), round(found.high, 3), found.p < 1e-6
    (0.118, 0.282, True)
    """
    v = treated.variance_of_mean + control.variance_of_mean
    floor = not rate or all(bool(speaks(arm.successes, arm.n)) for arm in (treated, control))
    if not v > 0 or not floor:
        return AlwaysValid(math.nan, math.nan, 1.0, False)
    steady = rate or min(treated.carriers, control.carriers) >= CARRIERS
    n, delta = treated.n + control.n, treated.mean - control.mean
    half = float(radius(v, n, alpha, plan))
    return AlwaysValid(delta - half, delta + half, float(p_values(delta, v, n, alpha, plan)), steady)
