"""Does a score say whom to act on: Qini curve, uplift by decile and the value of acting on the top.

References
----------
Radcliffe: Using control groups to target on predicted lift (2007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.uplift import newcombe, welch
from models.uplift.distributions import normal_quantile
from models.uplift.moments import Floats, Interval, Moments

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Decile:
    """Customers whose score is in one tenth, the highest first (number 1).

    Parameters
    ----------
    gain
        What acting on this decile and all above it brings, per customer of the whole trial, with its
        normal interval: tenths are independent, their shares taken as given. The best of ten cuts
        looks better than it is; judge it on the customers met after it was chosen.
    """

    number: int
    n_treated: int
    n_control: int
    uplift: Interval
    gain: Interval


@dataclass(frozen=True, slots=True)
class Tested:
    """The coefficient of a score, with its interval and the p-value of "it is no better than chance"."""

    coefficient: float
    low: float
    high: float
    p: float


def curve(score: Floats, value: Floats, treated: Mask) -> tuple[Floats, Floats]:
    """Return the Qini curve.

    Q(k) = Y1 - Y0 * N1 / N0 over the k customers with the highest scores: treated outcomes above
    what as many controls would have had. Customers with equal scores are taken together, so the
    order of the rows does not matter.

    Parameters
    ----------
    score, value, treated
        Shape (n,); a higher score means acting earlier; no NaN.

    Returns
    -------
    share, q
        Share of customers taken, from 0 to 1, and Q there, shape (distinct scores + 1,).

    Examples
    --------
    >>> share, q = curve(np.array([2.0, 2.0, 1.0, 1.0]), np.array([1.0, 0, 0, 0]), np.array([1, 0, 1, 0]) > 0)
    >>> share.tolist(), q.tolist()
    ([0.0, 0.5, 1.0], [0.0, 1.0, 1.0])
    """
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    t, y = treated[order], value[order]
    n1, n0 = np.cumsum(t)[ends], np.cumsum(~t)[ends]
    y1, y0 = np.cumsum(y * t)[ends], np.cumsum(y * ~t)[ends]
    q = y1 - np.where(n0 > 0, y0 * n1 / np.maximum(n0, 1), 0.0)
    return np.append(0.0, (ends + 1) / len(score)), np.append(0.0, q)


def coefficient(score: Floats, value: Floats, treated: Mask) -> float:
    """Return the area between the curve and its chord, per customer.

    Above zero: acting on the highest scores first brings more than acting at random.
    """
    share, q = curve(score, value, treated)
    area = float(np.sum(np.diff(share) * (q[1:] + q[:-1]) / 2))
    return (area - float(q[-1]) / 2) / len(score)


def tested(score: Floats, value: Floats, treated: Mask, level: float = 0.95) -> Tested:
    """Return the coefficient with its interval: a score that is noise should be seen to be noise.

    The spread is that of the coefficient's influence function: what each customer adds to the area, a
    treated one with the outcome above the mean of the controls ranked as high, a control one against it.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> score, treated = rng.random(4000), rng.random(4000) < 0.5
    >>> good = tested(score, score * treated + rng.normal(size=4000), treated)
    >>> bad = tested(score, score + rng.normal(size=4000), treated)
    >>> good.low > 0, bad.low < 0 < bad.high
    (True, True)
    """
    centre = coefficient(score, value, treated)
    if min(np.count_nonzero(treated), np.count_nonzero(~treated)) < 2:
        return Tested(centre, math.nan, math.nan, 1.0)
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    group = np.searchsorted(ends, np.arange(len(score)))
    y, t = value[order], treated[order]
    n0, y0 = np.cumsum(~t)[ends], np.cumsum(y * ~t)[ends]
    held = np.where(n0 > 0, y0 / np.maximum(n0, 1), 0.0)
    width = np.diff(np.append(0, ends + 1)) / len(score)
    # The curve is joined by straight lines: a customer counts half within the own group of equal scores.
    steps = width * (held + np.append(0.0, held[:-1])) / 2
    above = np.sum(steps) - np.cumsum(steps) + width * held / 2
    left = 1 - np.cumsum(width) + width / 2
    added = y * left[group] - above[group] - (y - held[-1]) / 2
    shares = np.where(t, added, -added * np.count_nonzero(t) / np.count_nonzero(~t))
    spread = float(np.std(shares, ddof=1)) / math.sqrt(len(score))
    if not spread > 0:
        return Tested(centre, math.nan, math.nan, 1.0)
    half = normal_quantile((1 + level) / 2) * spread
    return Tested(centre, centre - half, centre + half, math.erfc(abs(centre) / spread / math.sqrt(2)))


def deciles(
    score: Floats, value: Floats, treated: Mask, *, rate: bool, tenths: int = 10, level: float = 0.95
) -> list[Decile]:
    """Return the uplift in each tenth of the score, highest first.

    Customers with equal scores stay together, so tenths may differ in size.

    Examples
    --------
    >>> score = np.repeat([1.0, 0.0], 200)
    >>> treated = np.tile([True, False], 200)
    >>> value = ((score > 0) & treated).astype(float)
    >>> found = deciles(score, value, treated, rate=True, tenths=2)
    >>> [round(tenth.uplift.delta, 2) for tenth in found], [round(tenth.gain.delta, 2) for tenth in found]
    ([1.0, 0.0], [0.5, 0.5])
    """
    ranks = np.searchsorted(np.sort(-score), -score, side="left") / len(score)
    number = np.minimum((ranks * tenths).astype(int), tenths - 1)
    found, gain, spread, z = [], 0.0, 0.0, normal_quantile((1 + level) / 2)
    for tenth in range(tenths):
        inside = number == tenth
        if not inside.any():
            continue
        m1, m0 = Moments.of(value[inside & treated]), Moments.of(value[inside & ~treated])
        if rate:
            uplift = newcombe.interval(m1.successes, m1.n, m0.successes, m0.n, level)
        else:
            uplift = welch.interval(m1, m0, level)
        if m1.n and m0.n:
            share = float(inside.mean())
            gain += uplift.delta * share
            spread += (m1.variance_of_mean + m0.variance_of_mean) * share**2
        half = z * math.sqrt(spread)
        found.append(Decile(tenth + 1, m1.n, m0.n, uplift, Interval(gain, gain - half, gain + half)))
    return found
