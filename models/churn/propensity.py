"""How likely a customer does something within a horizon, learned one label at a time from any table.

Three components share one set of bins: a smooth ridge logistic regression, good from the first labels;
small boosted trees for bends and simple crosses; larger ones for the rest. They are refitted on a
window of the newest rows at intervals that grow with it, so that the cost an event stays flat; the
regression, which is cheap, more often than the trees. A blend of their honest predictions, calibrated on
the same, gives the probability.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from models.churn.blend import CLIP, Blend
from models.churn.calibration import Calibration
from models.churn.fitted import COMPONENTS, Fitted
from models.churn.fitting import WIDE, fit_window, refreshed
from models.churn.reason import Reason
from models.churn.table import Table
from models.learner import Array, State
from models.snapshot import config_hash

_FORMAT = 1
_FIRST_FIT = 24
_CHEAPER = 3.0
"""How much less a column beyond `WIDE` adds to a fit."""
_ANCHOR = np.array([0.7, 0.22, 0.08])
_PRIOR_POSITIVE, _PRIOR_NEGATIVE = 1.0, 3.0


class Propensity:
    """A learner for one declared target.

    Parameters
    ----------
    target
        Its name: `churn`, `purchase`, `feature_adoption`, …
    seed
        Of the forests' column draws.
    rows
        Newest labelled rows kept for refitting.

    Examples
    --------
    >>> model = Propensity("churn")
    >>> for i in range(400):
    ...     model.learn_one({"logins": float(i % 10), "tier": "ab"[i % 2]}, i % 10 < 3)
    >>> model.predict_proba_one({"logins": 1.0}) > 0.8 > 0.2 > model.predict_proba_one({"logins": 8.0})
    True
    >>> model.explain({"logins": 1.0, "tier": "a"}, 1)[0].feature
    'logins'
    """

    def __init__(self, target: str, seed: int = 7, rows: int = 16_384) -> None:
        self.name = f"propensity:{target}"
        self.target = target
        self.seed = seed
        self.rows = rows
        self._table = Table(rows)
        self._blend = Blend(_ANCHOR)
        self._scale = Calibration()
        self._fitted: Fitted | None = None
        self._positives = 0
        self._next_fit = self._next_refresh = _FIRST_FIT
        self._factors: tuple[list[float], list[float], Array] = ([], [], np.empty(0))
        self._unfitted = (-1, 0.0)

    @property
    def config_hash(self) -> str:
        """Hash of what a state must share with this learner."""
        return config_hash({"format": _FORMAT, "target": self.target, "seed": self.seed, "rows": self.rows})

    @property
    def n(self) -> int:
        """Labels learned."""
        return self._table.n

    def predict_proba_one(self, x: Mapping[str, Any]) -> float:
        """Return the probability in (0, 1) that the target happens; changes nothing."""
        return self.predict_row(self._table.row(x))

    def predict_row(self, row: Array) -> float:
        """Do as `predict_proba_one` with the row of this model's columns."""
        if self._fitted is None:
            return self._share(row)
        return self._chance(self._fitted.score(row, self._mixing()))

    def _share(self, row: Array) -> float:
        """Return what every row gets before the first fit, worked out once a label: .2 µs for 3.5."""
        n, share = self._unfitted
        if n != self._table.n:
            n, share = self._table.n, self._chance(self._scale.scaled(self._blend.score(self._logits(row))))
            self._unfitted = (n, share)
        return share

    def _mixing(self) -> Array:
        """Return blend and calibration as one array, made anew when either was refitted."""
        blend, scale, held = self._factors
        if blend is not self._blend.factors or scale is not self._scale.factors:
            blend, scale = self._blend.factors, self._scale.factors
            held = np.array([*blend, *scale])
            self._factors = (blend, scale, held)
        return held

    def row(self, x: Mapping[str, Any]) -> Array:
        """Return `x` over this model's columns."""
        return self._table.row(x)

    @property
    def columns(self) -> list[str]:
        """Names of the columns; models with equal ones read equal rows."""
        return self._table.names

    @staticmethod
    def _chance(logit: float) -> float:
        return 1.0 / (1.0 + math.exp(-min(max(logit, -13.0), 13.0)))

    def learn_one(self, x: Mapping[str, Any], y: bool) -> None:
        """Take the features as they were at scoring time and the label that came since."""
        self.predict_learn(x, y)

    def predict_learn(self, x: Mapping[str, Any], y: bool) -> float:
        """Predict, then learn, reading the row once; returns the probability before learning."""
        row = self._table.meet(x)
        z = self._logits(row)
        blended = self._blend.score(z)
        chance = self._chance(self._scale.scaled(blended))
        self._scale.learn(blended, bool(y))
        self._blend.learn(z, bool(y))
        self._table.add(row, bool(y))
        self._positives += bool(y)
        n = self._table.n
        if n >= self._next_fit:
            rows, labels = self._table.window()
            if 3 <= labels.sum() <= len(labels) - 3 and rows.shape[1]:
                words, crossed = self._table.words, self._crossed()
                self._fitted = fit_window(rows, labels, words, self.seed + n, crossed, self._fitted)
            self._next_fit = n + self._interval(len(rows), rows.shape[1], self._crossed())
            self._next_refresh = n + self._pause(len(rows), rows.shape[1])
        elif n >= self._next_refresh and self._fitted is not None:
            rows, labels = self._table.window()
            self._fitted = refreshed(self._fitted, rows, labels)
            self._next_refresh = n + self._pause(len(rows), rows.shape[1])
        return chance

    def _crossed(self) -> bool:
        """Tell whether large trees earn their cost on this table."""
        return float(self._blend.weights[COMPONENTS]) > 0.25

    def explain(self, x: Mapping[str, Any], k: int = 3) -> list[Reason]:
        """Return the `k` features that moved this score most, largest first.

        Contributions are exact for the model: those of all features and `baseline(x)` add up to the
        log-odds of `predict_proba_one(x)`.
        """
        found = self._contributions(x)[0]
        ordered = sorted(found.items(), key=lambda item: (-abs(item[1]), item[0]))
        return [Reason(name, x.get(name), part) for name, part in ordered[:k] if part]

    def strongest(self, x: Mapping[str, Any], row: Array) -> Reason | None:
        """Return the feature that did most to make the outcome likelier, None while nothing is learned.

        Parameters
        ----------
        x, row
            The features, and the same as `row` gave them.
        """
        if self._fitted is None:
            return None
        parts, rest = self._fitted.parts(row)
        mixed = self._mixed(parts, parts.sum(axis=1) + rest)
        at = int(mixed.argmax())
        feature = self._table.features[at]
        return Reason(feature, x.get(feature), float(mixed[at])) if mixed[at] > 0.0 else None

    def _mixed(self, parts: Array, totals: Array) -> Array:
        """Return each column's part of the final log-odds from its parts of the components."""
        factors = self._blend.weights[1:] * _shrink(totals) * self._scale.weights[1]
        return np.asarray(factors @ parts)

    def baseline(self, x: Mapping[str, Any]) -> float:
        """Return the log-odds no feature accounts for."""
        return self._contributions(x)[1]

    def _contributions(self, x: Mapping[str, Any]) -> tuple[dict[str, float], float]:
        weights = self._blend.weights
        if self._fitted is None:
            return {}, self._scale.scaled(self._blend.score(self._logits(self._table.row(x))))
        parts, rest = self._fitted.parts(self._table.row(x))
        totals = parts.sum(axis=1) + rest
        mixed = self._mixed(parts, totals)
        out: dict[str, float] = {}
        for feature, part in zip(self._table.features, mixed, strict=False):
            out[feature] = out.get(feature, 0.0) + float(part)
        blended = float(weights[0] + (weights[1:] * _shrink(totals)) @ totals)
        return out, self._scale.scaled(blended) - float(mixed.sum())

    def _logits(self, row: Array) -> Array:
        if self._fitted is not None:
            return self._fitted.logits(row)
        share = (self._positives + _PRIOR_POSITIVE) / (self._table.n + _PRIOR_POSITIVE + _PRIOR_NEGATIVE)
        return np.full(COMPONENTS, math.log(share / (1.0 - share)))

    @staticmethod
    def _interval(rows: int, columns: int, crossed: bool) -> int:
        """Return labels until the next whole fit, so that its cost stays flat an event.

        Early fits are cheap and each row still teaches much, so they come closer together.
        """
        costly = columns if columns <= WIDE else WIDE + (columns - WIDE) / _CHEAPER
        if rows < 1500:
            return max(3, int(rows * max(0.25, costly / 100)))
        return int(rows * max(0.2, costly / 90) * (1.5 if crossed else 1.0))

    @staticmethod
    def _pause(rows: int, columns: int) -> int:
        """Return labels until the linear component is fitted again."""
        least, wide = (0.05, 300) if rows < 500 else (0.08, 250) if rows < 1500 else (0.2, 150)
        if columns > WIDE:  # there the linear component is most of the cost and least of the score
            wide = 100
        return max(3, int(rows * max(least, columns / wide)))

    def state(self) -> State:
        """Return everything learned as arrays and JSON values."""
        return {
            "format": _FORMAT,
            "target": self.target,
            "seed": self.seed,
            "positives": self._positives,
            "next_fit": self._next_fit,
            "next_refresh": self._next_refresh,
            "table": self._table.state(),
            "blend": self._blend.state(),
            "scale": self._scale.state(),
            "fitted": None if self._fitted is None else self._fitted.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace everything learned; raises ValueError when it is of another configuration."""
        if (state.get("format"), state.get("target"), state.get("seed")) != (_FORMAT, self.target, self.seed):
            raise ValueError(
                f"state of target {state.get('target')!r}, seed {state.get('seed')} is not of {self.target!r}"
            )
        fitted = None if state["fitted"] is None else Fitted.from_state(state["fitted"])
        self._unfitted = (-1, 0.0)
        self._table.restore(state["table"])
        self._blend.restore(state["blend"])
        self._scale.restore(state["scale"])
        self._fitted = fitted
        self._positives, self._next_fit = state["positives"], state["next_fit"]
        # A snapshot of the build before has none.
        self._next_refresh = state.get("next_refresh", state["next_fit"])


def _shrink(totals: Array) -> Array:
    """Return what the blend's clipping makes of each component's log-odds, as a factor."""
    return np.asarray(CLIP / np.maximum(np.abs(totals), CLIP))
