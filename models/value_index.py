"""What one piece of feedback was worth in the end: V = αS + βT + γR, parts shown."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ValueWeights:
    """Weights of the three parts, each ≥ 0."""

    alpha: float = 0.35
    beta: float = 0.4
    gamma: float = 0.2

    def __post_init__(self) -> None:
        if not all(math.isfinite(weight) and weight >= 0 for weight in (self.alpha, self.beta, self.gamma)):
            raise ValueError("value weights must be finite and >= 0")


@dataclass(frozen=True, slots=True)
class ValueIndex:
    """The index and its three weighted parts, which sum to it."""

    value: float
    improvement: float
    reputation: float
    lifetime: float


def value_index(improvement: float, reputation: float, lifetime: float, weights: ValueWeights) -> ValueIndex:
    """Return V = α·S + β·T + γ·R.

    The parts are on the scales their owners use: the weights need not sum to one and R, a change of
    lifetime value in percent, may pass 100. So V is an index for ranking, not a percentage: 0.35·82 +
    0.4·35 + 0.2·200 is 28.7 + 14 + 40 = 82.7 (a source prints another sum; the arithmetic decides).

    Parameters
    ----------
    improvement
        S, how far the improvement asked for was adopted, 0 to 100.
    reputation
        T, effect on reputation, points.
    lifetime
        R, change of lifetime value, percent of what it was.
    weights
        α, β, γ.

    Raises
    ------
    ValueError
        If a part is not finite.

    Examples
    --------
    >>> value_index(82, 35, 200, ValueWeights())
    ValueIndex(value=82.7, improvement=28.7, reputation=14.0, lifetime=40.0)
    """
    if not all(map(math.isfinite, (improvement, reputation, lifetime))):
        raise ValueError("the parts of the value index must be finite")
    parts = (weights.alpha * improvement, weights.beta * reputation, weights.gamma * lifetime)
    return ValueIndex(round(math.fsum(parts), 4), *(round(part, 4) for part in parts))
