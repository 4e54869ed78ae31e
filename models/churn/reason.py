"""Reasons of a score, in words an operator reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature's share in one score.

    Parameters
    ----------
    feature
        Name as given to the model.
    value
        Its value then; None when missing.
    contribution
        What it adds to the log-odds: positive makes the outcome likelier.

    Examples
    --------
    >>> Reason("negatives_7d", 3.0, 0.8).words
    '3 negative feedbacks in 7 days'
    >>> Reason("Contract", "Two year", -0.9).words
    'Contract is Two year'
    """

    feature: str
    value: float | str | None
    contribution: float

    @property
    def words(self) -> str:
        """The reason as a phrase."""
        say = _WORDS.get(self.feature)
        if say is not None and isinstance(self.value, int | float):
            return say(float(self.value))
        if self.feature.startswith("topic:"):
            return f"mentions {self.feature[6:].replace('_', ' ')}"
        name = self.feature.replace("_", " ")
        if self.value is None:
            return f"{name} unknown"
        if isinstance(self.value, int | float):
            return f"{name} is {self.value:.4g}"
        return f"{name} is {self.value}"


def _count(one: str, tail: str = "") -> Callable[[float], str]:
    def say(value: float) -> str:
        shown = f"{value:.0f}" if value >= 0.95 or value < 0.05 else f"{value:.1f}"
        return f"{shown} {one}{'' if shown == '1' else 's'}{tail}"

    return say


def _trend(of: str) -> Callable[[float], str]:
    def say(value: float) -> str:
        if abs(value) < 0.1:
            return f"{of} steady"
        return f"{of} {'rising' if value > 0 else 'falling'}, {2.0**value:.2g} times its usual rate"

    return say


_WORDS: dict[str, Callable[[float], str]] = {
    "negatives_7d": _count("negative feedback", " in 7 days"),
    "open_tickets": _count("unresolved ticket"),
    "recency_days": _count("day", " since last activity"),
    "tenure_days": _count("day", " as a customer"),
    "purchases": _count("recent purchase"),
    "purchases_total": _count("purchase", " ever"),
    "refunds": _count("recent refund"),
    "cancellations": _count("recent cancellation"),
    "feedbacks": _count("recent feedback"),
    "actions": _count("recent action", " received"),
    "action_days": _count("day", " since the last action"),
    "spend": lambda value: f"recent spend {value:.0f}",
    "usage": lambda value: f"recent usage {value:.1f}",
    "usage_trend": _trend("usage"),
    "feedback_trend": _trend("feedback"),
    "negative_share": lambda value: f"{value:.0%} of recent feedback negative",
    "negative_trend": lambda value: (
        f"share of negative feedback {'up' if value > 0 else 'down'} {abs(value):.0%}"
    ),
}
