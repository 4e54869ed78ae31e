"""Fits the three components to a window of rows: all of them, or the linear one alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.churn.bins import OTHER, SIZES, SMOOTH, START, TYPICAL, WORDS, Bins, encode_rows, fit_bins
from models.churn.compiled import compiled
from models.churn.fitted import Fitted
from models.churn.linear import HATS, WIDTH, basis_rows, fit, layout
from models.churn.trees import boost
from models.learner import Array

_RIDGE = (16.0, 32.0)
"""Of the linear component with few rows and with many: among few everything counts, later the trees share."""
_FEW, _MANY = 300, 1200
_SHALLOW = (60, 6, 0.08, 4.0)
_DEEP = (100, 31, 0.10, 1.0)
_DEEP_CHEAP = (60, 24, 0.15, 1.0)
"""Trees, leaves, rate, and what is added to a leaf's hessian, which is the least it may have, too: where rows
are nearly decided their hessians are small, and a high bar would keep large trees from the rest."""
_NEWTON, _AGAIN, _INNER = 4, 1, 4
"""Newton steps of a first fit and of one that begins at the last one's weights; conjugate gradients each."""
_ROWS_A_TREE = 5
_COLUMN_SHARE = 0.7
WIDE, _TELLING = 32, 32
"""Columns a small tree of a wide table may use, and those that gained most there, which the large trees get:
their cost grows with the columns offered, and most columns of a wide table tell nothing."""


def fit_window(
    rows: Array, y: Array, words: Array, seed: int, crossed: bool = True, before: Fitted | None = None
) -> Fitted:
    """Fit all components to a window with both labels in it.

    Parameters
    ----------
    rows, y, words
        As in `fit_bins`.
    seed
        Of the forests' column draws.
    crossed
        Whether the large trees get their full size.
    before
        The last fit, whose linear weights this one's begin at: few steps are left to go then.
    """
    m, d = rows.shape
    bins = fit_bins(rows, y, words)
    size = layout(bins.ints)
    mean = (y.sum() + 1.0) / (m + 4.0)
    base = float(np.log(mean / (1.0 - mean)))
    start = np.append(np.zeros(size), base)
    if before is not None:
        _carry(
            before.ints, before.keys, before.codes, before.weights, bins.ints, bins.keys, bins.codes, start
        )
    weights, codes = _fit_linear(rows, y, bins, start, _NEWTON if before is None else _AGAIN)
    offset = np.full(m, base)
    grown = []
    columns, share = np.arange(d), min(_COLUMN_SHARE, WIDE / d)
    for which, (trees, leaves, rate, least) in enumerate((_SHALLOW, _DEEP if crossed else _DEEP_CHEAP)):
        count = trees if which == 0 else min(trees, max(10, m // _ROWS_A_TREE))
        draw = 2 * seed + which
        sizes = bins.ints[SIZES]
        *forest, gained = boost(
            codes, y, offset, count, leaves, rate, least, least, share, columns, sizes, draw
        )
        grown.append(forest)
        if d > WIDE:
            columns, share = np.sort(np.argsort(-gained, kind="stable")[:_TELLING]), _COLUMN_SHARE
    nodes = grown[1][0].shape[1]
    forest = [np.vstack([_padded(a, nodes), b]) for a, b in zip(*grown, strict=True)]
    border = np.array([base, float(len(grown[0][0]))])
    return Fitted(bins.ints, bins.floats, bins.keys, bins.codes, weights, border, *forest)


def refreshed(fitted: Fitted, rows: Array, y: Array) -> Fitted:
    """Return the fit with its linear component fitted anew to a window, bins and trees as they were.

    It costs a tenth of a whole fit, and with few rows this component is most of the score.
    """
    bins = Bins(fitted.ints, fitted.floats.copy(), fitted.keys, fitted.codes)
    known = np.ascontiguousarray(rows[:, : len(fitted.keys)])
    weights, _ = _fit_linear(known, y, bins, fitted.weights, _AGAIN)
    return replace(fitted, floats=bins.floats, weights=weights)


def _fit_linear(rows: Array, y: Array, bins: Bins, start: Array, newton: int) -> tuple[Array, Array]:
    """Return the linear component's weights and the rows' codes; fill in its typical parts."""
    m, d = rows.shape
    codes = np.empty((m, d), np.uint8)
    encode_rows(rows, bins.ints, bins.keys, bins.codes, codes)
    index = np.zeros((m, WIDTH * d), np.int32)
    value = np.zeros((m, WIDTH * d), np.float32)
    counts = np.zeros(m, np.int32)
    basis_rows(codes, rows, bins.ints, bins.floats, index, value, counts)
    ridge = float(np.interp(m, (_FEW, _MANY), _RIDGE))
    weights = fit(index, value, counts, y, np.ones(m), start, ridge, newton, _INNER)
    bins.floats[TYPICAL] = _typical(index, value, counts, weights, bins.ints)
    return weights, codes


@compiled
def _carry(
    ints: Array,
    keys: Array,
    codes: Array,
    weights: Array,
    new_ints: Array,
    new_keys: Array,
    new_codes: Array,
    out: Array,
) -> None:
    """Write what an earlier fit's weights are worth under new bins into `out`; what is new stays at 0."""
    for j in range(ints.shape[1]):
        s, t = ints[START, j], new_ints[START, j]
        out[t] = weights[s]
        if ints[SMOOTH, j] != new_ints[SMOOTH, j]:
            continue
        if ints[SMOOTH, j]:
            for k in range(3 + HATS):
                out[t + k] = weights[s + k]
            continue
        if not ints[WORDS, j]:
            out[t + 1] = weights[s + 1]
        else:
            out[t + 1 + new_ints[OTHER, j]] = weights[s + 1 + ints[OTHER, j]]
        # Both lists are in order; the last code of words and of numbers has no key of its own.
        a = 0
        for b in range(new_ints[SIZES, j] - 1):
            while a < ints[SIZES, j] - 1 and keys[j, a] < new_keys[j, b]:
                a += 1
            if a < ints[SIZES, j] - 1 and keys[j, a] == new_keys[j, b]:
                if ints[WORDS, j]:
                    out[t + 1 + new_codes[j, b]] = weights[s + 1 + codes[j, a]]
                else:
                    out[t + 2 + b] = weights[s + 2 + a]
        if not ints[WORDS, j]:
            out[t + 1 + new_ints[SIZES, j]] = weights[s + 1 + ints[SIZES, j]]
    out[out.shape[0] - 1] = weights[weights.shape[0] - 1]


def _padded(nodes: Array, width: int) -> Array:
    return np.pad(nodes, ((0, 0), (0, width - nodes.shape[1])))


@compiled
def _typical(index: Array, value: Array, counts: Array, weights: Array, ints: Array) -> Array:
    """Return each column's mean linear part over the window."""
    d = ints.shape[1]
    out: Array = np.zeros(d)
    for i in range(counts.shape[0]):
        j = 0
        for k in range(counts[i]):
            while j + 1 < d and index[i, k] >= ints[START, j + 1]:
                j += 1
            out[j] += value[i, k] * weights[index[i, k]]
    out /= max(1, counts.shape[0])
    return out
