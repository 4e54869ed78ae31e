"""Scores a row with grown trees, and splits the score into one part a column."""

from __future__ import annotations

import numpy as np

from models.churn.compiled import compiled
from models.learner import Array


def packed(column: Array, threshold: Array, left: Array) -> Array:
    """Return each node as one number, int32 (trees, nodes): column, threshold and left child; a leaf is -1.

    One load a node instead of three: the forests are most of what a score costs.
    """
    nodes = column.astype(np.int32) << 16 | threshold.astype(np.int32) << 8 | left.astype(np.int32)
    return np.where(column < 0, np.int32(-1), nodes)


@compiled
def score(code: Array, nodes: Array, value: Array, begin: int, end: int) -> float:
    """Return the sum of the values of trees `begin` to `end` for one row of codes; `nodes` as `packed`."""
    total = 0.0
    for t in range(begin, end):
        at = 0
        node = nodes[t, 0]
        while node >= 0:
            at = node & 0xFF
            if code[node >> 16] > (node >> 8) & 0xFF:
                at += 1
            node = nodes[t, at]
        total += value[t, at]
    return total


@compiled
def parts(code: Array, nodes: Array, column: Array, value: Array, begin: int, end: int, out: Array) -> float:
    """Add each column's part of the row's score to `out`; return the rest, the same for every row."""
    rest = 0.0
    for t in range(begin, end):
        at = 0
        node = nodes[t, 0]
        rest += value[t, 0]
        while node >= 0:
            j = column[t, at]
            child = node & 0xFF
            if code[j] > (node >> 8) & 0xFF:
                child += 1
            out[j] += value[t, child] - value[t, at]
            at = child
            node = nodes[t, at]
    return rest
