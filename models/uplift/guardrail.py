"""Guardrails: a rule that does harm past its bound is paused by itself, and never un-paused by itself.

The test is always valid, so it may run at every outcome. It asks two things of the harm,
(control - treated) for a metric where more is better: is it proven to exist, and is it likely
past the bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.uplift.moments import Moments
from models.uplift.sequential import always_valid

State = Literal["holds", "too early", "pause"]


@dataclass(frozen=True, slots=True)
class Watch:
    """What a guardrail says now.

    Parameters
    ----------
    harm
        Estimated harm, in the metric's unit; above zero is bad.
    low, high
        Always-valid limits of the harm, NaN while the floor of five successes and failures an arm, or
        of twenty values that carry a mean's variance, is not met.
    """

    state: State
    harm: float
    low: float
    high: float
    reason: str


def watch(
    treated: Moments,
    control: Moments,
    *,
    worse_by: float,
    rate: bool,
    higher_is_better: bool = True,
    alpha: float = 0.05,
    plan: float = 500,
) -> Watch:
    """Judge a guardrail metric.

    Pauses when the whole always-valid interval shows harm and the estimate is past the bound; a proven
    harm below the bound is what the rule's author accepted.

    Parameters
    ----------
    worse_by
        Largest accepted harm, in the metric's unit, above zero.
    alpha
        Chance that a harmless rule is ever paused; one-sided, since only harm pauses.
    plan
        Customers at which the interval is tightest; smaller than for verdicts, because harm
        should be found early.

    Examples
    --------
    >>> harmful = watch(Moments(400, 0.55, 0.25), Moments(400, 0.75, 0.19), worse_by=0.03, rate=True)
    >>> harmful.state, harmful.reason
    ('pause', 'worse than held out by 0.2 (0.11 to 0.29), bound 0.03')
    >>> watch(Moments(4, 0.0, 0.0), Moments(4, 1.0, 0.0), worse_by=0.03, rate=True).state
    'too early'
    """
    sign = -1.0 if higher_is_better else 1.0
    found = always_valid(treated, control, rate=rate, alpha=2 * alpha, plan=plan)
    harm = sign * (treated.mean - control.mean)
    low, high = sorted((sign * found.low, sign * found.high))
    if not found.steady:
        return Watch("too early", harm, math.nan, math.nan, "too few outcomes in an arm")
    words = f"worse than held out by {harm:.2g} ({low:.2g} to {high:.2g}), bound {worse_by:g}"
    if low > 0 and harm > worse_by:
        return Watch("pause", harm, low, high, words)
    return Watch("holds", harm, low, high, words)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A ramp in steps: the share treated grows while every guardrail holds, not while it is too early.

    Parameters
    ----------
    shares
        Growing shares, each in (0, 1).
    step_ms
        Least time at a share, milliseconds.
    least
        Customers with a known outcome each arm must have.

    Examples
    --------
    >>> ramp = Schedule()
    >>> ramp.next(0.01, at_since_ms=86_400_000, treated=80, control=900, states=["holds"])
    0.05
    >>> ramp.next(0.25, at_since_ms=86_400_000, treated=800, control=900, states=["holds", "pause"])
    0.0
    >>> ramp.next(0.0, at_since_ms=10**12, treated=800, control=900, states=["holds"])
    0.0
    """

    shares: tuple[float, ...] = (0.01, 0.05, 0.10, 0.25, 0.50)
    step_ms: int = 86_400_000
    least: int = 50

    def next(
        self, share: float, *, at_since_ms: int, treated: int, control: int, states: Sequence[State]
    ) -> float:
        """Return the share from now on: the same, the next step, or 0 once a guardrail says pause.

        Parameters
        ----------
        share
            Share treated now; 0 is paused and stays so until a person starts the ramp again.
        at_since_ms
            Time since the last change.
        """
        if share <= 0 or "pause" in states:
            return 0.0
        if set(states) != {"holds"} or at_since_ms < self.step_ms or min(treated, control) < self.least:
            return share
        return next((step for step in self.shares if step > share + 1e-12), share)
