"""Weights of priority and of the value index as the settings give them."""

from __future__ import annotations

from models.topics.priority import PriorityWeights
from models.value_index import ValueWeights
from streams.settings import Settings


def priority_weights(settings: Settings) -> PriorityWeights:
    """Return how strongly urgency, customer value and reach count.

    Examples
    --------
    >>> dict(priority_weights(Settings(priority_low=0.3)).urgency)
    {'urgent': 1.0, 'normal': 0.5, 'low': 0.3}
    """
    return PriorityWeights(
        urgency={"urgent": 1.0, "normal": settings.priority_normal, "low": settings.priority_low},
        value=settings.priority_value,
        reach=settings.priority_reach,
        reach_full=settings.priority_reach_full,
        floor=settings.priority_floor,
    )


def value_weights(settings: Settings) -> ValueWeights:
    """Return α, β and γ of the value index.

    Examples
    --------
    >>> value_weights(Settings())
    ValueWeights(alpha=0.35, beta=0.4, gamma=0.2)
    """
    return ValueWeights(settings.value_improvement, settings.value_reputation, settings.value_lifetime)
