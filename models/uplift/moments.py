"""What intervals need to know of an arm: counts, means and second moments, never the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference treated minus control with its confidence limits; NaN where there is none."""

    delta: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Moments:
    """Sufficient statistics of one metric in one arm.

    Parameters
    ----------
    n
        Customers with a known value.
    mean, var
        Mean and sample variance (n - 1); NaN where n is too small.
    carriers
        How many values carry the variance, n over the kurtosis: n / 3 for a normal distribution, a
        handful where a few large orders are nearly all of it; infinite where it was not worked out.
    """

    n: int
    mean: float
    var: float
    carriers: float = math.inf

    @classmethod
    def of(cls, values: Floats) -> Moments:
        """Compute them from the values, shape (n,), in two stable passes.

        Examples
        --------
        >>> Moments.of(np.array([1.0, 2.0, 3.0]))
        Moments(n=3, mean=2.0, var=1.0, carriers=2.0)
        """
        n = len(values)
        mean = float(np.mean(values)) if n else float("nan")
        var = float(np.var(values, ddof=1)) if n > 1 else float("nan")
        squares = np.square(values - mean)
        fourth = float(np.sum(squares * squares))
        return cls(n, mean, var, float(np.sum(squares)) ** 2 / fourth if fourth > 0 else 0.0)

    @property
    def successes(self) -> float:
        """Sum of the values: how many ones, for a rate."""
        return self.n * self.mean if self.n else 0.0

    @property
    def variance_of_mean(self) -> float:
        """Variance of the mean; NaN for fewer than two values."""
        return self.var / self.n if self.n > 1 else float("nan")
