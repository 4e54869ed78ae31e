"""Fits the three components to a window of rows: all of them, or the linear one alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.churn.bins import SIZES, START, TYPICAL, Bins, encode_rows, fit_bins
from models.churn.compiled import compiled
from models.churn.fitted import Fitted
from models.churn.linear import WIDTH, basis_rows, fit, layout
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
_NEWTON, _AGAIN, _INNER = 4, 2, 6
"""Newton steps of a first fit and of one that begins at the last one's weights; conjugate gradients each."""
_ROWS_A_TREE = 15
_COLUMN_SHARE = 0.7


def fit_window(rows: Array, y: Array, words: Array, seed: int, crossed: bool = True) -> Fitted:
    """Fit all components to a window with both labels in it.

    Parameters
    ----------
    rows, y, words
        As in `fit_bins`.
    seed
        Of the forests' column draws.
    crossed
        Whether the large trees get their full size.
    """
    m, _ = rows.shape
    bins = fit_bins(rows, y, words)
    size = layout(bins.ints)
    share = (y.sum() + 1.0) / (m + 4.0)
    base = float(np.log(share / (1.0 - share)))
    weights, codes = _fit_linear(rows, y, bins, np.append(np.zeros(size), base), _NEWTON)
    offset = np.full(m, base)
    grown = []
    for which, (trees, leaves, rate, least) in enumerate((_SHALLOW, _DEEP if crossed else _DEEP_CHEAP)):
        count = trees if which == 0 else min(trees, max(10, m // _ROWS_A_TREE))
        draw = 2 * seed + which
        sizes = bins.ints[SIZES]
        grown.append(boost(codes, y, offset, count, leaves, rate, least, least, _COLUMN_SHARE, sizes, draw))
    nodes = grown[1][0].shape[1]
    forest = [np.vstack([_wide(a, nodes), b]) for a, b in zip(*grown, strict=True)]
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


def _wide(nodes: Array, width: int) -> Array:
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
