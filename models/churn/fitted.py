"""The three components fitted to one window of rows, and what each column adds to their log-odds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from models.churn.bins import encode, encode_rows, fit_bins
from models.churn.compiled import compiled
from models.churn.linear import basis, basis_rows, fit, layout
from models.churn.trees import boost, parts, score
from models.learner import Array, State

COMPONENTS = 3
RIDGE = 12.0
SHALLOW = (60, 6, 0.08)
DEEP = (100, 31, 0.10)
_PER_TREE = 15


@dataclass(slots=True)
class Fitted:
    """Plain arrays of a fit: bins, linear weights, a shallow and a deep forest.

    Order and dtypes are those of `_logits`; `drift_step` of the linear weights between refits is their
    curvature, so that each label moves them by a Newton step of its own.
    """

    words: Array
    keys: Array
    codes: Array
    other: Array
    sizes: Array
    center: Array
    scale: Array
    start: Array
    smooth: Array
    weights: Array
    curvature: Array
    typical: Array
    base: Array
    column0: Array
    threshold0: Array
    left0: Array
    value0: Array
    column1: Array
    threshold1: Array
    left1: Array
    value1: Array

    def arrays(self) -> tuple[Array, ...]:
        """Return the arrays in order."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def logits(self, row: Array) -> Array:
        """Return the components' log-odds for one row, float64 (3,)."""
        out = np.empty(COMPONENTS)
        arguments = (_padded(row, len(self.words)), *self.arrays(), out)
        _logits(*arguments)
        return out

    def parts(self, row: Array) -> tuple[Array, Array]:
        """Return each column's part of each component, (3, columns), and the components' rest, (3,).

        A linear part is told against the window's typical row, a forest's against its root; for each
        component the parts and the rest add up to its log-odds.
        """
        d = len(self.words)
        row = _padded(row, d)
        out, rest = np.zeros((COMPONENTS, d)), np.zeros(COMPONENTS)
        code = np.empty(d, np.uint8)
        encode(row, self.words, self.keys, self.codes, self.other, self.sizes, code)
        index, value, owner = np.empty(3 * d + d, np.int64), np.empty(4 * d), np.empty(4 * d, np.int64)
        n = basis(
            code,
            row,
            self.start,
            self.smooth,
            self.words,
            self.sizes,
            self.center,
            self.scale,
            index,
            value,
            owner,
        )
        np.add.at(out[0], owner[:n], value[:n] * self.weights[index[:n]])
        out[0] -= self.typical
        rest[0] = self.weights[-1] + self.typical.sum()
        rest[1] = self.base[0] + parts(code, self.column0, self.threshold0, self.left0, self.value0, out[1])
        rest[2] = self.base[0] + parts(code, self.column1, self.threshold1, self.left1, self.value1, out[2])
        return out, rest

    def state(self) -> State:
        """Return copies of the arrays by name."""
        return {field.name: getattr(self, field.name).copy() for field in fields(self)}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> Fitted:
        """Return the fit given by `state`; raises ValueError when an array is missing."""
        try:
            return Fitted(**{field.name: state[field.name].copy() for field in fields(Fitted)})
        except KeyError as error:
            raise ValueError(f"fitted state lacks {error}") from error


def fit_window(rows: Array, y: Array, words: Array, seed: int) -> Fitted:
    """Fit all components to a window with both labels in it.

    Parameters
    ----------
    rows, y, words
        As in `fit_bins`.
    seed
        Of the forests' column draws.
    """
    m, d = rows.shape
    bins = fit_bins(rows, y, words)
    cells = (bins.words, bins.keys, bins.codes, bins.other, bins.sizes)
    codes = np.empty((m, d), np.uint8)
    encode_rows(rows, *cells, codes)
    start, smooth = layout(words, bins.sizes)
    index = np.zeros((m, 4 * d), np.int32)
    value = np.zeros((m, 4 * d), np.float32)
    counts = np.zeros(m, np.int32)
    basis_rows(
        codes, rows, start, smooth, bins.words, bins.sizes, bins.center, bins.scale, index, value, counts
    )
    share = (y.sum() + 1.0) / (m + 4.0)
    base = float(np.log(share / (1.0 - share)))
    weight = np.ones(m)
    weights, curvature, _ = fit(index, value, counts, y, weight, int(start[-1]), RIDGE, base, 6, 12)
    offset = np.full(m, base)
    forests: list[Array] = []
    for which, (trees, leaves, rate) in enumerate((SHALLOW, DEEP)):
        count = trees if which == 0 else min(trees, max(10, m // _PER_TREE))
        forests += boost(
            codes, y, offset, weight, count, leaves, rate, 4.0, 4.0, 0.7, bins.sizes, 2 * seed + which
        )
    typical = _typical(index, value, counts, weights, start, d)
    return Fitted(
        *cells,
        bins.center,
        bins.scale,
        start,
        smooth,
        weights,
        curvature,
        typical,
        np.array([base]),
        *forests,
    )


def _padded(row: Array, d: int) -> Array:
    """Cut a row to the columns known when the model was fitted."""
    return row[:d] if len(row) >= d else np.append(row, np.full(d - len(row), np.nan, np.float32))


@compiled
def _typical(index: Array, value: Array, counts: Array, weights: Array, start: Array, d: int) -> Array:
    """Return each column's mean linear part over the window."""
    out: Array = np.zeros(d)
    for i in range(counts.shape[0]):
        j = 0
        for k in range(counts[i]):
            while index[i, k] >= start[j + 1]:
                j += 1
            out[j] += value[i, k] * weights[index[i, k]]
    out /= max(1, counts.shape[0])
    return out


@compiled
def _logits(
    row: Array,
    words: Array,
    keys: Array,
    codes: Array,
    other: Array,
    sizes: Array,
    center: Array,
    scale: Array,
    start: Array,
    smooth: Array,
    weights: Array,
    curvature: Array,
    typical: Array,
    base: Array,
    column0: Array,
    threshold0: Array,
    left0: Array,
    value0: Array,
    column1: Array,
    threshold1: Array,
    left1: Array,
    value1: Array,
    out: Array,
) -> None:
    d = words.shape[0]
    code = np.empty(d, np.uint8)
    encode(row, words, keys, codes, other, sizes, code)
    index = np.empty(4 * d, np.int64)
    value = np.empty(4 * d)
    owner = np.empty(4 * d, np.int64)
    n = basis(code, row, start, smooth, words, sizes, center, scale, index, value, owner)
    total = weights[weights.shape[0] - 1]
    for k in range(n):
        total += value[k] * weights[index[k]]
    out[0] = total
    out[1] = base[0] + score(code, column0, threshold0, left0, value0)
    out[2] = base[0] + score(code, column1, threshold1, left1, value1)
