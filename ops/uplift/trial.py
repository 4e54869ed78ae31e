"""Any randomised table as a trial: arms against a control, metric by metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.uplift import srm
from models.uplift.srm import Srm
from models.uplift.trial import MATTERS, Comparison, compare, is_rate, with_verdicts
from ops.uplift.table import Table, TableError


@dataclass(frozen=True, slots=True)
class Trial:
    """A whole trial: sizes, their test, and every arm's comparisons by metric."""

    sizes: dict[str, int]
    srm: Srm
    arms: dict[str, dict[str, Comparison]]


def analyse(
    table: Table,
    control: str,
    metrics: Sequence[str],
    *,
    covariate: str | None = None,
    shares: Mapping[str, float] | None = None,
    matters: float = MATTERS,
    lower_is_better: Sequence[str] = (),
    level: float = 0.95,
) -> Trial:
    """Compare every arm of `table` with `control` on every metric.

    Verdicts are corrected by Holm over all arms and metrics.

    Parameters
    ----------
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
            x = table.columns[covariate] if covariate is not None and covariate != metric else None
            found.append(
                compare(
                    metric,
                    values[masks[name]],
                    values[held],
                    rate=is_rate(values),
                    covariates=None if x is None else (x[masks[name]], x[held]),
                    level=level,
                )
            )
    judged = iter(
        with_verdicts(found, sizes_test, matters=matters, lower_is_better=lower_is_better, alpha=1 - level)
    )
    return Trial(sizes, sizes_test, {name: {metric: next(judged) for metric in metrics} for name in treated})


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
        if not one.rate and not one.sequential.steady
    )
    return list(dict.fromkeys(found))


def as_json(trial: Trial) -> dict[str, Any]:
    """Return the trial as plain values; what cannot be computed is null."""
    return {
        "srm": {"chi2": _plain(trial.srm.chi2), "p": _plain(trial.srm.p)},
        "arms": {
            arm: {metric: _comparison(found) for metric, found in metrics.items()}
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


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _weights(names: Sequence[str], shares: Mapping[str, float] | None) -> list[float] | None:
    if shares is None:
        return None
    shares = {arm_named(name, names): share for name, share in shares.items()}
    strangers = set(shares) ^ set(names)
    if strangers:
        raise TableError(f"shares must name every arm and no other: look at {', '.join(sorted(strangers))}")
    if not all(share > 0 for share in shares.values()):
        raise TableError("shares must be above zero")
    return [shares[name] for name in names]
