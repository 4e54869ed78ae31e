"""A verdict in words, and what it would take where there is none yet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from models.uplift import sequential
from models.uplift.distributions import normal_quantile
from models.uplift.srm import Srm

POWER = 0.8
"""Chance to see the effect that sample sizes are worked out for."""


class Word(StrEnum):
    """What can be said."""

    HELPS = "helps"
    HURTS = "hurts"
    NO_DIFFERENCE = "no difference big enough to matter"
    NOT_YET = "not yet"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict; `more` is how many customers, both arms together, it would take, None if unknown."""

    word: Word
    text: str
    more: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on.

    Parameters
    ----------
    delta, low, high
        Difference treated minus control with the interval it is judged by; NaN without one.
    p
        Its p-value, corrected for all comparisons made.
    alone
        The same before the correction.
    n
        Customers in both arms.
    v
        Variance of the difference.
    matters
        Smallest difference that matters, in the metric's unit.
    always_valid
        Whether interval and p hold at every look; then the sample size is that of such a test.
    """

    delta: float
    low: float
    high: float
    p: float
    alone: float
    n: int
    v: float
    matters: float
    higher_is_better: bool = True
    always_valid: bool = False


def judge(evidence: Evidence, srm: Srm, alpha: float = 0.05) -> Verdict:
    """Say what the evidence allows, no more.

    A mismatch of the arms' sizes blocks everything. A significant difference helps or hurts; an
    interval inside the difference that matters is none; otherwise it is too early, and the
    nearer of two ends says how many more: seeing a difference as large as now, or narrowing the
    interval to less than what matters.

    Examples
    --------
    >>> judge(Evidence(0.02, 0.01, 0.03, 0.001, 0.001, 9000, 2.6e-5, 0.005), Srm(0.1, 0.75)).text
    'helps'
    >>> judge(Evidence(0.004, -0.006, 0.014, 0.43, 0.43, 9000, 2.6e-5, 0.005), Srm(0.1, 0.75)).text
    'not yet, needs about 110000 more'
    """
    if srm.blocked:
        text = f"{Word.BLOCKED}: the arms' sizes do not fit the planned shares (p = {max(srm.p, 1e-300):.1g})"
        return Verdict(Word.BLOCKED, text)
    if evidence.p < alpha and evidence.delta != 0:
        word = Word.HELPS if (evidence.delta > 0) == evidence.higher_is_better else Word.HURTS
        return Verdict(word, str(word))
    if -evidence.matters < evidence.low and evidence.high < evidence.matters:
        return Verdict(Word.NO_DIFFERENCE, str(Word.NO_DIFFERENCE))
    more = needed(evidence, alpha)
    text = f"{Word.NOT_YET}, needs about {more} more" if more else f"{Word.NOT_YET}, needs more"
    if evidence.alone < alpha:
        text += " (clear alone, not among all comparisons)"
    return Verdict(Word.NOT_YET, text, more)


def needed(evidence: Evidence, alpha: float = 0.05) -> int | None:
    """Return how many more customers end the trial, both arms together at their present shares.

    Returns
    -------
    int or None
        Two significant digits; None when nothing varies or nobody can tell.
    """
    spread = evidence.v * evidence.n
    if not spread > 0:
        return None
    goals = [abs(evidence.delta), evidence.matters - abs(evidence.delta)]
    sizes = [_size(goal, spread, alpha, evidence.always_valid) for goal in goals if goal > 0]
    # A size already passed did not end the trial; then only a longer look will.
    open_ends = [size for size in sizes if size > evidence.n]
    if not open_ends:
        return _rounded(evidence.n) if sizes else None
    return _rounded(min(open_ends) - evidence.n)


def _size(goal: float, spread: float, alpha: float, always_valid: bool) -> float:
    """Return the n at which a difference of `goal` is seen with the usual power."""
    z = normal_quantile(POWER)
    fixed = (normal_quantile(1 - alpha / 2) + z) ** 2 * spread / goal**2
    if not always_valid:
        return fixed
    n = fixed
    while n < 1e15:
        sd = math.sqrt(spread / n)
        if float(sequential.radius(spread / n, n, alpha)) + z * sd <= goal:
            break
        n *= 1.02
    return n


def _rounded(n: float) -> int:
    unit: int = 10 ** max(0, math.floor(math.log10(max(n, 1))) - 1)
    return math.ceil(n / unit) * unit
