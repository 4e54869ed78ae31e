"""Any randomised table as a trial: arms against a control, metric by metric."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.uplift import qini, srm
from models.uplift.cuped import means_by_group
from models.uplift.moments import Floats
from models.uplift.qini import Decile, Tested
from models.uplift.srm import Srm
from models.uplift.trial import MATTERS, Comparison, compare, is_rate, with_verdicts
from ops.uplift.table import Table, TableError


@dataclass(frozen=True, slots=True)
class Scored:
    """What a score is worth for one arm and metric: its Qini coefficient and its tenths, highest first."""

    qini: Tested
    tenths: list[Decile]


@dataclass(frozen=True, slots=True)
class Trial:
    """A whole trial: sizes, their test, and by arm and metric the comparison and what a score is worth."""

    sizes: dict[str, int]
    srm: Srm
    arms: dict[str, dict[str, Comparison]]
    scored: dict[str, dict[str, Scored]] = field(default_factory=dict)


def analyse(
    table: Table,
    control: str,
    metrics: Sequence[str],
    *,
    covariate: str | None = None,
    score: str | None = None,
    shares: Mapping[str, float] | None = None,
    matters: float = MATTERS,
    lower_is_better: Sequence[str] = (),
    level: float = 0.95,
) -> Trial:
    """Compare every arm of `table` with `control` on every metric.

    Verdicts are corrected by Holm over all arms and metrics.

    Parameters
    ----------
    covariate
        A column from before, of numbers or words.
    score
        A column of numbers that says whom to act on first.
    shares
        Planned weight of each arm, any scale; equal when None.

    Raises
    ------
    TableError
        When the control is no arm, there is only one arm, or shares do not fit the arms.
    """
    names = sorted({str(name) for name in table.arms})
    control = arm_named(control, names)
    if control not in names:
        raise TableError(f"there is no arm {control}; there are {', '.join(names)}")
    if len(names) < 2:
        raise TableError(f"there is only one arm, {control}; a comparison needs two")
    sizes = {name: int((table.arms == name).sum()) for name in names}
    sizes_test = srm.check(list(sizes.values()), _weights(names, shares))
    masks = {name: table.arms == name for name in names}
    held = masks[control]
    found: list[Comparison] = []
    treated = [name for name in names if name != control]
    for name in treated:
        for metric in metrics:
            values = table.columns[metric]
            found.append(
                compare(
                    metric,
                    values[masks[name]],
                    values[held],
                    rate=is_rate(values),
                    covariates=_covariates(table, covariate, metric, masks[name], held),
                    level=level,
                )
            )
    judged = iter(
        with_verdicts(found, sizes_test, matters=matters, lower_is_better=lower_is_better, alpha=1 - level)
    )
    arms = {name: {metric: next(judged) for metric in metrics} for name in treated}
    if score is None:
        return Trial(sizes, sizes_test, arms)
    scored = {
        name: {metric: _scored(table, score, metric, masks[name], held, level) for metric in metrics}
        for name in treated
    }
    return Trial(sizes, sizes_test, arms, scored)


def _scored(
    table: Table, score: str, metric: str, treated: qini.Mask, held: qini.Mask, level: float
) -> Scored:
    scores, values = table.columns[score], table.columns[metric]
    asked = (treated | held) & ~np.isnan(scores) & ~np.isnan(values)
    if not (asked & treated).any() or not (asked & held).any():
        return Scored(Tested(math.nan, math.nan, math.nan, 1.0), [])
    columns = scores[asked], values[asked], treated[asked]
    return Scored(
        qini.tested(*columns, level=level), qini.deciles(*columns, rate=is_rate(values), level=level)
    )


def _covariates(
    table: Table, covariate: str | None, metric: str, treated: qini.Mask, held: qini.Mask
) -> tuple[Floats, Floats] | None:
    if covariate is None or covariate == metric:
        return None
    if covariate in table.groups:
        values, words = table.columns[metric], table.groups[covariate]
        return means_by_group(values[treated], words[treated], values[held], words[held])
    return table.columns[covariate][treated], table.columns[covariate][held]


def arm_named(name: str, arms: Sequence[str]) -> str:
    """Return the arm meant: itself, else the only one that differs in case or in how its number is written.

    Examples
    --------
    >>> arm_named("0", ["0.0", "1.0"]), arm_named("Control", ["control", "treated"])
    ('0.0', 'control')
    """
    if name in arms:
        return name
    alike = [arm for arm in arms if arm.casefold() == name.casefold() or _same_number(arm, name)]
    return alike[0] if len(alike) == 1 else name


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def unsteady(trial: Trial) -> list[str]:
    """Return the means whose always-valid figures do not hold at every look yet, each once."""
    found = (
        metric
        for metrics in trial.arms.values()
        for metric, one in metrics.items()
        if not one.rate and not one.sequential.steady and not math.isnan(one.sequential.low)
    )
    return list(dict.fromkeys(found))


def doubtful(trial: Trial, covariate: str | None) -> Iterator[str]:
    """Say in one sentence each what a reader of the figures should know besides."""
    alike = Counter(name.casefold() for name in trial.sizes)
    for name in sorted(name for name, times in alike.items() if times > 1):
        yield f"arms that differ in case alone are taken as different: look at {name}"
    if covariate is not None and not any(
        one.cuped for metrics in trial.arms.values() for one in metrics.values()
    ):
        yield f"covariate {covariate} adjusts nothing: it never varies, or is known for too few"
    for metric in unsteady(trial):
        yield f"{metric}: a few values carry the variance; do not read its always-valid interval daily yet"


def as_json(trial: Trial) -> dict[str, Any]:
    """Return the trial as plain values; what cannot be computed is null."""
    return {
        "srm": {"chi2": _plain(trial.srm.chi2), "p": _plain(trial.srm.p)},
        "arms": {
            arm: {
                metric: _comparison(found)
                | ({"score": _score(trial.scored[arm][metric])} if trial.scored else {})
                for metric, found in metrics.items()
            }
            for arm, metrics in trial.arms.items()
        },
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    adjusted = found.cuped
    return {
        "control": _plain(found.control.mean),
        "treated": _plain(found.treated.mean),
        "delta": _plain(found.interval.delta),
        "low": _plain(found.interval.low),
        "high": _plain(found.interval.high),
        "method": found.method,
        "sequential": {
            "low": _plain(found.sequential.low),
            "high": _plain(found.sequential.high),
            "p": _plain(found.sequential.p),
        },
        "cuped": None
        if adjusted is None
        else {
            "theta": _plain(adjusted.theta),
            "delta": _plain(adjusted.delta),
            "low": _plain(adjusted.low),
            "high": _plain(adjusted.high),
            "reduction": _plain(adjusted.reduction),
        },
        "verdict": found.verdict.text if found.verdict is not None else None,
    }


def _score(found: Scored) -> dict[str, Any]:
    return {
        "qini": {name: _plain(getattr(found.qini, name)) for name in ("coefficient", "low", "high", "p")},
        "tenths": [
            {
                "tenth": tenth.number,
                "n_treated": tenth.n_treated,
                "n_control": tenth.n_control,
                "delta": _plain(tenth.uplift.delta),
                "low": _plain(tenth.uplift.low),
                "high": _plain(tenth.uplift.high),
                "gain": _plain(tenth.gain.delta),
                "gain_low": _plain(tenth.gain.low),
                "gain_high": _plain(tenth.gain.high),
            }
            for tenth in found.tenths
        ],
    }


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _weights(names: Sequence[str], shares: Mapping[str, float] | None) -> list[float] | None:
    if shares is None:
        return None
    shares = {arm_named(name, names): share for name, share in shares.items()}
    strangers = set(shares) ^ set(names)
    if strangers:
        raise TableError(f"shares must name every arm and no other: look at {', '.join(sorted(strangers))}")
    if not all(0 < share < math.inf for share in shares.values()):
        raise TableError("shares must be above zero and finite")
    return [shares[name] for name in names]
