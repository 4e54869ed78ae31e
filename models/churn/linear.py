"""A ridge logistic regression over smooth and one-hot bases of binned columns.

Each number enters as its rank, its standardised value and a few overlapping hats over its rank, so
that a straight effect is cheap and a bent one possible; categories and numbers of few values enter
one-hot; a missing value is a slot of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.churn.bins import CENTER, SCALE, SIZES, SMOOTH, START, WORDS
from models.churn.compiled import compiled, unlocked
from models.learner import Array

HATS = 6
FEW = 12
WIDTH = 4
_HALVINGS = 12
_SAFE = 1.0
"""Log-odds a Newton step may move any row by without a look at the loss: its curvature holds so far."""


def layout(ints: Array) -> int:
    """Fill in each column's first weight and whether it is smooth; return the number of weights."""
    smooth = (ints[WORDS] == 0) & (ints[SIZES] > FEW)
    width = np.where(smooth, 3 + HATS, ints[SIZES] + 2)
    ints[SMOOTH] = smooth
    ints[START] = np.cumsum(width) - width
    return int(width.sum())


@compiled
def basis(
    code: Array, row: Array, ints: Array, floats: Array, index: Array, value: Array, owner: Array
) -> int:
    """Write one row's active weights, their values and their columns; return how many, at most 4 a column."""
    n = 0
    for j in range(ints.shape[1]):
        s = ints[START, j]
        c = code[j]
        if c == 0:
            index[n] = s
            value[n] = 1.0
            owner[n] = j
            n += 1
            continue
        if ints[WORDS, j] == 0:
            z = (row[j] - floats[CENTER, j]) / floats[SCALE, j]
            index[n] = s + 1
            value[n] = min(max(z, -3.0), 3.0)
            owner[n] = j
            n += 1
        if ints[SMOOTH, j] == 1:
            u = (c - 0.5) / ints[SIZES, j]
            index[n] = s + 2
            value[n] = 2.0 * u - 1.0
            owner[n] = j
            n += 1
            p = u * (HATS - 1)
            k = int(p)
            index[n] = s + 3 + k
            value[n] = 1.0 - (p - k)
            owner[n] = j
            n += 1
            index[n] = s + 4 + k
            value[n] = p - k
            owner[n] = j
            n += 1
        else:
            index[n] = s + 1 + c
            value[n] = 1.0
            owner[n] = j
            n += 1
    return n


@unlocked
def basis_rows(
    codes: Array, rows: Array, ints: Array, floats: Array, index: Array, value: Array, counts: Array
) -> None:
    """Write the bases of all rows."""
    owner = np.empty(index.shape[1], np.int64)
    for i in range(codes.shape[0]):
        counts[i] = basis(codes[i], rows[i], ints, floats, index[i], value[i], owner)


@unlocked
def fit(
    index: Array,
    value: Array,
    counts: Array,
    y: Array,
    weight: Array,
    start: Array,
    ridge: float,
    newton: int,
    inner: int,
) -> Any:
    """Return the weights, (size + 1,), the last the bias, by Newton steps solved with conjugate gradients.

    `start` are weights to begin from, so that a fit to nearly the same rows takes few steps.
    """
    m = counts.shape[0]
    size = start.shape[0] - 1
    w = start.copy()
    f = np.full(m, w[size])
    for i in range(m):
        for k in range(counts[i]):
            f[i] += value[i, k] * w[index[i, k]]
    h = np.empty(m)
    moved = np.empty(m)
    grad = np.empty(size + 1)
    diagonal = np.empty(size + 1)
    step = np.empty(size + 1)
    residual = np.empty(size + 1)
    direction = np.empty(size + 1)
    product = np.empty(size + 1)
    for _ in range(newton):
        grad[:] = ridge * w
        grad[size] = 0.0
        diagonal[:] = ridge
        diagonal[size] = 1e-6
        for i in range(m):
            p = 1.0 / (1.0 + np.exp(-f[i]))
            e = (p - y[i]) * weight[i]
            h[i] = max(p * (1.0 - p), 1e-4) * weight[i]
            for k in range(counts[i]):
                grad[index[i, k]] += e * value[i, k]
                diagonal[index[i, k]] += h[i] * value[i, k] * value[i, k]
            grad[size] += e
            diagonal[size] += h[i]
        step[:] = 0.0
        residual[:] = -grad
        direction[:] = residual / diagonal
        rz = np.dot(residual, direction)
        first = rz
        for _ in range(inner):
            if rz <= 1e-3 * first or rz <= 1e-12:
                break
            product[:] = ridge * direction
            product[size] = 1e-6 * direction[size]
            for i in range(m):
                s = direction[size]
                for k in range(counts[i]):
                    s += value[i, k] * direction[index[i, k]]
                s *= h[i]
                for k in range(counts[i]):
                    product[index[i, k]] += s * value[i, k]
                product[size] += s
            alpha = rz / np.dot(direction, product)
            step += alpha * direction
            residual -= alpha * product
            fresh = np.dot(residual, residual / diagonal)
            direction[:] = residual / diagonal + (fresh / rz) * direction
            rz = fresh
        for i in range(m):
            s = step[size]
            for k in range(counts[i]):
                s += value[i, k] * step[index[i, k]]
            moved[i] = s
        # Where columns say nearly the same, a whole step leaps far beyond what the curvature at its start
        # foresaw, and from there the next one leaps further.
        share = 1.0
        if np.abs(moved).max() > _SAFE:
            before = _loss(f, y, weight) + 0.5 * ridge * _squared(w)
            for _ in range(_HALVINGS):
                if _loss(f + share * moved, y, weight) + 0.5 * ridge * _squared(w + share * step) <= before:
                    break
                share *= 0.5
            else:
                break
        w += share * step
        f += share * moved
        biggest = 0.0
        for k in range(size + 1):
            biggest = max(biggest, abs(share * step[k]))
        if biggest < 0.01:
            break
    return w


@compiled
def _loss(f: Array, y: Array, weight: Array) -> float:
    """Return the logistic loss of log-odds `f`."""
    total = 0.0
    for i in range(f.shape[0]):
        a = f[i]
        total += weight[i] * (max(a, 0.0) - a * y[i] + np.log1p(np.exp(-abs(a))))
    return total


@compiled
def _squared(w: Array) -> float:
    """Return the sum of squares of all weights but the bias, which is the last."""
    total = 0.0
    for k in range(w.shape[0] - 1):
        total += w[k] * w[k]
    return total
