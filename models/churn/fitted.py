"""Three fitted components as plain arrays: their log-odds of a row, and what each column adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from models.churn.bins import TYPICAL, encode
from models.churn.blend import CLIP
from models.churn.calibration import bent
from models.churn.compiled import compiled
from models.churn.forest import packed, parts, score
from models.churn.linear import WIDTH, basis
from models.learner import Array, State

COMPONENTS = 3


@dataclass(slots=True)
class Fitted:
    """Plain arrays of a fit: bins, linear weights, a shallow and a deep forest.

    Parameters
    ----------
    ints, floats, keys, codes
        As in `bins.Bins`.
    weights
        Of the linear component, the last the bias.
    base
        float64 (2,): log-odds the forests start from, and how many trees are the shallow forest's.
    column, threshold, left, value
        Both forests' nodes, (trees, nodes); see `trees.boost`.
    nodes
        The same nodes as `forest.score` reads them; made from the others.
    """

    ints: Array
    floats: Array
    keys: Array
    codes: Array
    weights: Array
    base: Array
    column: Array
    threshold: Array
    left: Array
    value: Array
    nodes: Array = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = packed(self.column, self.threshold, self.left)

    def logits(self, row: Array) -> Array:
        """Return the components' log-odds for one row, float64 (3,)."""
        out = np.empty(COMPONENTS)
        _logits(
            _padded(row, len(self.keys)),
            self.ints,
            self.floats,
            self.keys,
            self.codes,
            self.weights,
            self.base,
            self.nodes,
            self.value,
            out,
        )
        return out

    def score(self, row: Array, mixing: Array) -> float:
        """Return the calibrated log-odds of one row: `logits` blended and scaled in the same call.

        Parameters
        ----------
        mixing
            float64 (15,): bias and factor of each component, then offset, slope and bend of the calibration.
        """
        return float(
            _score(
                _padded(row, len(self.keys)),
                self.ints,
                self.floats,
                self.keys,
                self.codes,
                self.weights,
                self.base,
                self.nodes,
                self.value,
                mixing,
            )
        )

    def parts(self, row: Array) -> tuple[Array, Array]:
        """Return each column's part of each component, (3, columns), and the components' rest, (3,).

        A linear part is told against the window's mean, a forest's against its root; for each
        component the parts and the rest add up to its log-odds.
        """
        d = len(self.keys)
        out, rest = np.zeros((COMPONENTS, d)), np.zeros(COMPONENTS)
        _parts(
            _padded(row, d),
            self.ints,
            self.floats,
            self.keys,
            self.codes,
            self.weights,
            self.base,
            self.nodes,
            self.column,
            self.value,
            out,
            rest,
        )
        return out, rest

    def state(self) -> State:
        """Return copies of the arrays by name."""
        return {stored.name: getattr(self, stored.name).copy() for stored in fields(self) if stored.init}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> Fitted:
        """Return the fit given by `state`; raises ValueError when an array is missing."""
        try:
            return Fitted(**{kept.name: state[kept.name].copy() for kept in fields(Fitted) if kept.init})
        except KeyError as error:
            raise ValueError(f"fitted state lacks {error}") from error


def _padded(row: Array, d: int) -> Array:
    """Cut a row to the columns known when the model was fitted."""
    return row[:d] if len(row) >= d else np.append(row, np.full(d - len(row), np.nan, np.float32))


@compiled
def _logits(
    row: Array,
    ints: Array,
    floats: Array,
    keys: Array,
    codes: Array,
    weights: Array,
    base: Array,
    nodes: Array,
    value: Array,
    out: Array,
) -> None:
    d = ints.shape[1]
    code = np.empty(d, np.uint8)
    encode(row, ints, keys, codes, code)
    index = np.empty(WIDTH * d, np.int64)
    values = np.empty(WIDTH * d)
    owner = np.empty(WIDTH * d, np.int64)
    n = basis(code, row, ints, floats, index, values, owner)
    total = weights[weights.shape[0] - 1]
    for k in range(n):
        total += values[k] * weights[index[k]]
    border = int(base[1])
    out[0] = total
    out[1] = base[0] + score(code, nodes, value, 0, border)
    out[2] = base[0] + score(code, nodes, value, border, nodes.shape[0])


@compiled
def _score(
    row: Array,
    ints: Array,
    floats: Array,
    keys: Array,
    codes: Array,
    weights: Array,
    base: Array,
    nodes: Array,
    value: Array,
    mixing: Array,
) -> float:
    out = np.empty(COMPONENTS)
    _logits(row, ints, floats, keys, codes, weights, base, nodes, value, out)
    total = mixing[0]
    for k in range(COMPONENTS):
        total += mixing[1 + k] * min(max(out[k], -CLIP), CLIP)
    line = mixing[COMPONENTS + 1] + mixing[COMPONENTS + 2] * total
    return bent(line, mixing[COMPONENTS + 3 :])


@compiled
def _parts(
    row: Array,
    ints: Array,
    floats: Array,
    keys: Array,
    codes: Array,
    weights: Array,
    base: Array,
    nodes: Array,
    column: Array,
    value: Array,
    out: Array,
    rest: Array,
) -> None:
    d = ints.shape[1]
    code = np.empty(d, np.uint8)
    encode(row, ints, keys, codes, code)
    index = np.empty(WIDTH * d, np.int64)
    values = np.empty(WIDTH * d)
    owner = np.empty(WIDTH * d, np.int64)
    rest[0] = weights[weights.shape[0] - 1]
    for k in range(basis(code, row, ints, floats, index, values, owner)):
        out[0, owner[k]] += values[k] * weights[index[k]]
    for j in range(d):
        out[0, j] -= floats[TYPICAL, j]
        rest[0] += floats[TYPICAL, j]
    border = int(base[1])
    rest[1] = base[0] + parts(code, nodes, column, value, 0, border, out[1])
    rest[2] = base[0] + parts(code, nodes, column, value, border, nodes.shape[0], out[2])
