"""One metric of one treated arm against the control: every figure of a comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.uplift import cuped, lift, multiplicity, newcombe, sequential, welch
from models.uplift.cuped import Cuped
from models.uplift.moments import Floats, Interval, Moments
from models.uplift.sequential import AlwaysValid
from models.uplift.srm import Srm
from models.uplift.verdict import Evidence, Verdict, judge

MATTERS = 0.05
"""Smallest difference that matters, as a share of the control's mean, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Treated against control; `p` is the fixed-horizon p-value before any correction."""

    metric: str
    rate: bool
    control: Moments
    treated: Moments
    interval: Interval
    p: float
    lift: Interval
    sequential: AlwaysValid
    cuped: Cuped | None
    verdict: Verdict | None = None

    @property
    def method(self) -> str:
        """Name of the interval."""
        return "newcombe" if self.rate else "welch"


def is_rate(values: Floats) -> bool:
    """Tell whether all known values are 0 or 1.

    Examples
    --------
    >>> is_rate(np.array([0.0, 1.0, np.nan])), is_rate(np.array([0.0, 0.5]))
    (True, False)
    """
    known = values[~np.isnan(values)]
    return bool(np.all((known == 0) | (known == 1)))


def compare(
    metric: str,
    treated: Floats,
    control: Floats,
    *,
    rate: bool,
    covariates: tuple[Floats, Floats] | None = None,
    level: float = 0.95,
) -> Comparison:
    """Compare two arms.

    Parameters
    ----------
    treated, control
        Values of the metric, shapes (n1,) and (n0,), NaN where unknown.
    covariates
        Covariate of treated and control, same shapes; CUPED uses rows where both are known.

    Examples
    --------
    >>> found = compare("visit", np.repeat([1.0, 0.0], [30, 70]), np.repeat([1.0, 0.0], [20, 80]), rate=True)
    >>> found.method, round(found.interval.delta, 2), round(found.interval.low, 3)
    ('newcombe', 0.1, -0.02)
    """
    m1, m0 = (Moments.of(values[~np.isnan(values)]) for values in (treated, control))
    if rate:
        interval = newcombe.interval(m1.successes, m1.n, m0.successes, m0.n, level)
        p = newcombe.p_value(m1.successes, m1.n, m0.successes, m0.n)
    else:
        interval, p = welch.interval(m1, m0, level), welch.p_value(m1, m0)
    adjusted = None
    if covariates is not None:
        both1, both0 = (
            ~np.isnan(values) & ~np.isnan(x) for values, x in zip((treated, control), covariates, strict=True)
        )
        adjusted = cuped.adjust(
            treated[both1], covariates[0][both1], control[both0], covariates[1][both0], level
        )
    valid = sequential.always_valid(m1, m0, rate=rate, alpha=1 - level)
    return Comparison(metric, rate, m0, m1, interval, p, lift.relative(m1, m0, level), valid, adjusted)


def with_verdicts(
    comparisons: Sequence[Comparison],
    srm: Srm,
    *,
    matters: float = MATTERS,
    lower_is_better: Sequence[str] = (),
    alpha: float = 0.05,
) -> list[Comparison]:
    """Add verdicts, p-values corrected by Holm over all `comparisons`.

    Parameters
    ----------
    matters
        Smallest difference that matters, as a share of the control's mean.
    lower_is_better
        Metrics of which less is better.
    """
    adjusted = multiplicity.holm([comparison.p for comparison in comparisons])
    return [
        replace(comparison, verdict=judge(_evidence(comparison, p, matters, lower_is_better), srm, alpha))
        for comparison, p in zip(comparisons, adjusted, strict=True)
    ]


def _evidence(found: Comparison, p: float, matters: float, lower_is_better: Sequence[str]) -> Evidence:
    margin = matters * abs(found.control.mean)
    return Evidence(
        found.interval.delta,
        found.interval.low,
        found.interval.high,
        p,
        found.p,
        found.treated.n + found.control.n,
        found.treated.variance_of_mean + found.control.variance_of_mean,
        0.0 if math.isnan(margin) else margin,
        higher_is_better=found.metric not in lower_is_better,
    )
