"""In what order to take feedback up: urgency times customer value times reach, parts shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_URGENCY: Mapping[str, float] = {"urgent": 1.0, "normal": 0.5, "low": 0.2}


@dataclass(frozen=True, slots=True)
class PriorityWeights:
    """How strongly each factor counts.

    Parameters
    ----------
    urgency
        Level → share in (0, 1].
    value
        Exponent of the customer value, ≥ 0; 0 leaves it out.
    reach
        Exponent of the reach, ≥ 0.
    reach_full
        Voices at which an issue has full reach, > 1.
    floor
        Least value a factor takes, in (0, 1]: an unknown customer never falls to zero.
    """

    urgency: Mapping[str, float] = field(default_factory=lambda: dict(_URGENCY))
    value: float = 0.5
    reach: float = 0.5
    reach_full: int = 100
    floor: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.floor <= 1 or self.reach_full <= 1 or self.value < 0 or self.reach < 0:
            raise ValueError("priority weights: 0 < floor <= 1, reach_full > 1, exponents >= 0")


_FULL_VALUE = math.log1p(20_000.0)


class Priority(NamedTuple):
    """Score in [0, 100] and the three factors in (0, 1] whose product it is."""

    score: float
    urgency: float
    value: float
    reach: float


def standing(lifetime_value: float) -> float:
    """Return a customer's standing in [0, 1]: the logarithm of the lifetime value, full at 20,000.

    Examples
    --------
    >>> standing(0.0), round(standing(1000.0), 2), standing(1e9)
    (0.0, 0.7, 1.0)
    """
    return min(1.0, math.log1p(max(0.0, lifetime_value)) / _FULL_VALUE)


def priority(level: str, customer_value: float, voices: int, weights: PriorityWeights) -> Priority:
    """Return the priority of one feedback.

    Parameters
    ----------
    level
        Of `judge_urgency`.
    customer_value
        Standing of the customer in [0, 1] (say, rank of lifetime value); outside it is cut.
    voices
        Customers that raise the same issue (distinct members of its cluster), ≥ 1.
    weights
        From settings.

    Raises
    ------
    KeyError
        For a level the weights do not know.

    Examples
    --------
    >>> priority("urgent", 1.0, 100, PriorityWeights())
    Priority(score=100.0, urgency=1.0, value=1.0, reach=1.0)
    >>> priority("normal", 0.25, 10, PriorityWeights())
    Priority(score=18.02, urgency=0.5, value=0.5, reach=0.7208)
    """
    urgency = weights.urgency[level]
    share = min(1.0, max(0.0, customer_value)) if math.isfinite(customer_value) else 0.0
    spread = min(1.0, math.log1p(max(1, voices)) / math.log1p(weights.reach_full))
    value = max(weights.floor, share) ** weights.value
    reach = max(weights.floor, spread) ** weights.reach
    score = 100 * urgency * value * reach
    return Priority(round(score, 2), round(urgency, 4), round(value, 4), round(reach, 4))
