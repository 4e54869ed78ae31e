"""Small boosted trees over binned columns: histogram gradient boosting for the logistic loss.

Trees grow best leaf first to a handful of leaves. Every node keeps its value, so that a score
splits exactly into one part per column: the sum of the value changes at that column's splits.

Source: Ke et al., "LightGBM", NeurIPS 2017 (histograms, leaf-wise growth); Saabas 2014 (the split by
path); no code of either.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.churn.compiled import compiled, unlocked
from models.learner import Array

_BITS = 30
_HALF = np.int64(32)
_LOW = np.int64(0xFFFFFFFF)
"""A row's gradient stands in the upper half of a whole number, its hessian in the lower, in units of which
2³⁰ rows' worth fit: sums over all rows never reach each other."""


@unlocked
def boost(
    codes: Array,
    y: Array,
    offset: Array,
    trees: int,
    leaves: int,
    rate: float,
    ridge: float,
    min_hessian: float,
    column_share: float,
    columns: Array,
    sizes: Array,
    seed: int,
) -> Any:
    """Fit `trees` trees and return (column, threshold, left, value), each of shape (trees, 2·leaves−1).

    After them comes what the splits at each column gained, float64 (columns,).

    Parameters
    ----------
    codes
        uint8 (rows, columns): bin of every value.
    y
        float64 (rows,): 0 or 1.
    offset
        float64 (rows,): log-odds to start from.
    trees, leaves, rate
        Size of the forest, of a tree, and the step.
    ridge, min_hessian
        Added to a node's hessian sum; least hessian sum of a leaf.
    column_share
        Share of `columns` each tree may use.
    columns
        int (any,): columns the forest may use.
    sizes
        int (columns,): the highest code of each column.
    seed
        Of the column draws.
    """
    m, d = codes.shape
    nodes = 2 * leaves - 1
    column = np.full((trees, nodes), -1, np.int16)
    threshold = np.zeros((trees, nodes), np.uint8)
    left = np.zeros((trees, nodes), np.int16)
    value = np.zeros((trees, nodes), np.float32)
    f = offset.copy()
    gh = np.empty(m, np.int64)
    unit = 2.0 ** (_BITS - np.ceil(np.log2(max(m, 2))))
    first = np.zeros(d + 1, np.int64)
    for j in range(d):
        first[j + 1] = first[j] + sizes[j] + 1
    slots = np.empty((m, d), np.uint16)
    for i in range(m):
        for j in range(d):
            slots[i, j] = first[j] + codes[i, j]
    order = np.empty(m, np.int32)
    spare = np.empty(m, np.int32)
    hist = np.zeros((nodes, first[d]), np.int64)
    begin = np.zeros(nodes, np.int32)
    end = np.zeros(nodes, np.int32)
    gain = np.zeros(nodes)
    best_column = np.zeros(nodes, np.int16)
    best_threshold = np.zeros(nodes, np.uint8)
    total_g = np.zeros(nodes)
    total_h = np.zeros(nodes)
    picked = columns.copy()
    offered = picked.shape[0]
    count = min(offered, max(int(round(column_share * offered)), min(offered, 6)))
    gained = np.zeros(d)
    state = np.uint64(seed * 2 + 1)
    for t in range(trees):
        for k in range(count):
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            r = k + int((state >> np.uint64(33)) % np.uint64(offered - k))
            picked[k], picked[r] = picked[r], picked[k]
        total = np.int64(0)
        for i in range(m):
            p = 1.0 / (1.0 + np.exp(-f[i]))
            g = np.int64(np.floor((p - y[i]) * unit + 0.5))
            h = np.int64(p * (1.0 - p) * unit + 1.0)
            gh[i] = (g << _HALF) + h
            total += gh[i]
            order[i] = i
        total_g[0] = (total >> _HALF) / unit
        total_h[0] = (total & _LOW) / unit
        begin[0] = 0
        end[0] = m
        value[t, 0] = -rate * total_g[0] / (total_h[0] + ridge)
        _histogram(slots, gh, order, 0, m, picked, count, first, hist[0])
        _best(
            hist[0],
            picked,
            count,
            first,
            total_g[0],
            total_h[0],
            ridge,
            min_hessian,
            unit,
            gain,
            best_column,
            best_threshold,
            0,
        )
        used = 1
        while used + 2 <= nodes:
            node = -1
            for k in range(used):
                if column[t, k] < 0 and gain[k] > 1e-6 and (node < 0 or gain[k] > gain[node]):
                    node = k
            if node < 0:
                break
            a = used
            b = used + 1
            c = best_column[node]
            cut = best_threshold[node]
            gained[c] += gain[node]
            column[t, node] = c
            threshold[t, node] = cut
            left[t, node] = a
            middle = begin[node]
            rest = 0
            total = np.int64(0)
            for k in range(begin[node], end[node]):
                i = order[k]
                if codes[i, c] <= cut:
                    order[middle] = i
                    middle += 1
                    total += gh[i]
                else:
                    spare[rest] = i
                    rest += 1
            for k in range(rest):
                order[middle + k] = spare[k]
            begin[a] = begin[node]
            end[a] = middle
            begin[b] = middle
            end[b] = end[node]
            total_g[a] = (total >> _HALF) / unit
            total_h[a] = (total & _LOW) / unit
            total_g[b] = total_g[node] - total_g[a]
            total_h[b] = total_h[node] - total_h[a]
            value[t, a] = -rate * total_g[a] / (total_h[a] + ridge)
            value[t, b] = -rate * total_g[b] / (total_h[b] + ridge)
            used += 2
            gain[a] = 0.0
            gain[b] = 0.0
            # Two children need twice the least hessian: most late nodes cannot split, and need no histogram.
            if used + 2 <= nodes and max(total_h[a], total_h[b]) >= 2.0 * min_hessian:
                small, large = a, b
                if end[a] - begin[a] > end[b] - begin[b]:
                    small, large = b, a
                _histogram(slots, gh, order, begin[small], end[small], picked, count, first, hist[small])
                for q in range(count):
                    j = picked[q]
                    for s in range(first[j], first[j + 1]):
                        hist[large, s] = hist[node, s] - hist[small, s]
                for k in (a, b):
                    if total_h[k] < 2.0 * min_hessian:
                        continue
                    _best(
                        hist[k],
                        picked,
                        count,
                        first,
                        total_g[k],
                        total_h[k],
                        ridge,
                        min_hessian,
                        unit,
                        gain,
                        best_column,
                        best_threshold,
                        k,
                    )
        for k in range(used):
            if column[t, k] < 0:
                for q in range(begin[k], end[k]):
                    f[order[q]] += value[t, k]
    return column, threshold, left, value, gained


@compiled
def _histogram(
    slots: Array,
    gh: Array,
    order: Array,
    begin: int,
    end: int,
    picked: Array,
    count: int,
    first: Array,
    out: Array,
) -> None:
    """Sum gradients and hessians of rows `order[begin:end]` by picked column and bin.

    Both stand in one whole number: a sum costs one load and one store, and differences are exact, so that an
    empty bin holds 0 (Shi et al., "Quantized training of gradient boosting decision trees", NeurIPS 2022).
    """
    for q in range(count):
        j = picked[q]
        out[first[j] : first[j + 1]] = 0
    for k in range(begin, end):
        i = order[k]
        both = gh[i]
        for q in range(count):
            out[slots[i, picked[q]]] += both


@compiled
def _best(
    hist: Array,
    picked: Array,
    count: int,
    first: Array,
    total_g: float,
    total_h: float,
    ridge: float,
    min_hessian: float,
    unit: float,
    gain: Array,
    column: Array,
    threshold: Array,
    node: int,
) -> None:
    """Write the node's best split into `gain`, `column` and `threshold`; gain 0 means none."""
    gain[node] = 0.0
    base = total_g * total_g / (total_h + ridge)
    most = base
    # A power of two: multiplying is exact, and dividing costs several times as much.
    scale = 1.0 / unit
    for q in range(count):
        j = picked[q]
        both = np.int64(0)
        for s in range(first[j], first[j + 1] - 1):
            if hist[s] == 0:
                continue
            both += hist[s]
            hl = (both & _LOW) * scale
            if hl < min_hessian:
                continue
            hr = total_h - hl
            if hr < min_hessian:
                break
            gl = (both >> _HALF) * scale
            gr = total_g - gl
            # Compared before it is divided: few splits beat the best so far, and a division costs ten sums.
            above = gl * gl * (hr + ridge) + gr * gr * (hl + ridge)
            below = (hl + ridge) * (hr + ridge)
            if above > most * below:
                most = above / below
                gain[node] = most - base
                column[node] = j
                threshold[node] = s - first[j]
