"""How surprising a count is: the tail of the negative binomial distribution."""

from __future__ import annotations

import math

_NEGLIGIBLE = 1e-12
_MOST_TERMS = 10_000


def tail(count: int, expected: float, overdispersion: float) -> float:
    """Return P(X ≥ count) for a count of mean `expected` and variance mean + overdispersion · mean².

    Feedback comes in clumps (one bad evening, one popular thread), so a Poisson tail would cry wolf;
    with `overdispersion` 0 this is the Poisson tail.

    Parameters
    ----------
    count
        ≥ 0.
    expected
        Mean, > 0.
    overdispersion
        ≥ 0.

    Examples
    --------
    >>> round(tail(3, 1.0, 0.0), 6)
    0.080301
    >>> tail(0, 2.0, 0.1), tail(30, 2.0, 0.1) < 1e-12 < tail(12, 2.0, 0.1)
    (1.0, True)
    """
    if count <= 0:
        return 1.0
    if count <= expected:
        below = math.fsum(math.exp(_log_mass(k, expected, overdispersion)) for k in range(count))
        return max(0.0, 1.0 - below)
    total = 0.0
    for k in range(count, count + _MOST_TERMS):
        mass = math.exp(_log_mass(k, expected, overdispersion))
        total += mass
        if mass <= total * _NEGLIGIBLE:
            break
    return min(1.0, total)


def _log_mass(k: int, mean: float, overdispersion: float) -> float:
    if overdispersion < 1e-9:
        return k * math.log(mean) - mean - math.lgamma(k + 1)
    shape = 1.0 / overdispersion
    chance = mean / (shape + mean)
    return (
        math.lgamma(k + shape)
        - math.lgamma(shape)
        - math.lgamma(k + 1)
        + shape * math.log1p(-chance)
        + k * math.log(chance)
    )
