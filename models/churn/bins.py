"""Turns any table's values into small codes: quantile bins for numbers, ranked categories for words.

Code 0 is a missing value. Numbers get the quantile bin they fall in; categories are ranked by their
smoothed share of positives, so that a tree can split them like numbers (Fisher 1958), the rare ones
share one code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.churn.compiled import compiled, unlocked
from models.learner import Array

BINS = 64
_MOST_WORDS = 253
"""Words with a code of their own: what fits a byte, as shops, towns and tariffs often tell a lot. Giving the
words beyond these the code of words of nearly their share was worse: few labels each, told to themselves."""
_RARE = 5
_SMOOTHING = 10.0
_SAMPLE = 4096
_FEWEST, _ROWS_A_BIN, _MOST_BINS = 16, 24, 2500
"""Of numbers: fewer bins among few rows, where trees would spend their time on empty ones."""


WORDS, OTHER, SIZES, START, SMOOTH = range(5)
CENTER, SCALE, TYPICAL = range(3)


@dataclass(slots=True)
class Bins:
    """Borders of every column's codes, packed into few arrays, for calls into compiled code cost by array.

    Parameters
    ----------
    ints
        int64 (5, columns). `WORDS`: whether the column holds word hashes; `OTHER`: code of a word not
        listed; `SIZES`: the highest code; `START`, `SMOOTH`: for the linear part, see `linear.layout`.
    floats
        float64 (3, columns). `CENTER`, `SCALE`: of the numbers; `TYPICAL`: mean linear part.
    keys
        float32 (columns, any): borders of numbers or sorted word hashes, padded with +inf; 62 wide, and up to
        253 where a column has so many words.
    codes
        uint8, as `keys`: code of each word.
    """

    ints: Array
    floats: Array
    keys: Array
    codes: Array


def fit_bins(rows: Array, y: Array, words: Array) -> Bins:
    """Choose bins from a window of rows.

    Parameters
    ----------
    rows
        float32 (rows, columns), NaN where missing.
    y
        float64 (rows,): 0 or 1.
    words
        bool (columns,).
    """
    m, d = rows.shape
    tallies = {int(j): _tally(np.ascontiguousarray(rows[:, j]), y) for j in np.flatnonzero(words)}
    frequent = max((int((counts >= _RARE).sum()) for _, counts, _ in tallies.values()), default=0)
    width = max(BINS - 2, min(frequent, _MOST_WORDS))
    bins = Bins(
        ints=np.zeros((5, d), np.int64),
        floats=np.zeros((3, d)),
        keys=np.full((d, width), np.inf, np.float32),
        codes=np.zeros((d, width), np.uint8),
    )
    bins.ints[WORDS] = words
    bins.ints[[OTHER, SIZES]] = 1
    bins.floats[SCALE] = 1.0
    for j, tally in tallies.items():
        _fit_words(bins, j, float(y.mean()), *tally)
    most = min(BINS - 2, max(_FEWEST, min(m // _ROWS_A_BIN, _MOST_BINS // max(1, d))))
    _fit_numbers(rows, max(1, m // _SAMPLE), most, bins.ints, bins.floats, bins.keys)
    return bins


def _fit_words(bins: Bins, j: int, mean: float, keys: Array, counts: Array, positive: Array) -> None:
    if not len(keys):
        return
    frequent = np.flatnonzero(counts >= _RARE)
    if len(frequent) > _MOST_WORDS:
        frequent = np.sort(frequent[np.argsort(-counts[frequent], kind="stable")[:_MOST_WORDS]])
    rest_count = counts.sum() - counts[frequent].sum()
    rest_positive = positive.sum() - positive[frequent].sum()
    tally = np.append(counts[frequent], rest_count)
    share = (np.append(positive[frequent], rest_positive) + _SMOOTHING * mean) / (tally + _SMOOTHING)
    n = len(frequent)
    rank = np.empty(n + 1, np.uint8)
    rank[np.argsort(share, kind="stable")] = np.arange(1, n + 2)
    bins.keys[j, :n] = keys[frequent]
    bins.codes[j, :n] = rank[:n]
    bins.ints[OTHER, j] = rank[n]
    bins.ints[SIZES, j] = n + 1


@compiled
def _tally(column: Array, y: Array) -> Any:
    """Return the distinct values of a column in order, how often each occurs and its positives."""
    order = np.argsort(column)
    keys = np.empty(len(order), np.float32)
    counts = np.zeros(len(order), np.int64)
    positive = np.zeros(len(order))
    n = 0
    for i in order:
        x = column[i]
        if np.isnan(x):
            continue
        if n == 0 or x != keys[n - 1]:
            keys[n] = x
            n += 1
        counts[n - 1] += 1
        positive[n - 1] += y[i]
    return keys[:n], counts[:n], positive[:n]


@unlocked
def _fit_numbers(rows: Array, every: int, most: int, ints: Array, floats: Array, keys: Array) -> None:
    """Choose at most `most` borders, centre and scale of all columns of numbers from every `every`-th row."""
    held = np.empty((rows.shape[0] + every - 1) // every, np.float32)
    for j in range(rows.shape[1]):
        if ints[WORDS, j]:
            continue
        n = 0
        for i in range(0, rows.shape[0], every):
            if not np.isnan(rows[i, j]):
                held[n] = rows[i, j]
                n += 1
        if n == 0:
            continue
        values = np.sort(held[:n])
        distinct = 1
        for i in range(1, n):
            distinct += values[i] > values[i - 1]
        count = 0
        if distinct > most:
            for k in range(1, most):
                border = values[int(k * ((n - 1) / most))]
                if count == 0 or border > keys[j, count - 1]:
                    keys[j, count] = border
                    count += 1
        else:
            for i in range(1, n):
                border = (values[i] + values[i - 1]) / np.float32(2.0)
                if values[i] > values[i - 1] and (count == 0 or border > keys[j, count - 1]):
                    keys[j, count] = border
                    count += 1
        ints[SIZES, j] = count + 1
        low, high = float(values[int(0.01 * (n - 1))]), float(values[int(np.ceil(0.99 * (n - 1)))])
        total = 0.0
        for i in range(n):
            total += min(max(float(values[i]), low), high)
        mean = total / n
        spread = 0.0
        for i in range(n):
            spread += (min(max(float(values[i]), low), high) - mean) ** 2
        floats[CENTER, j] = mean
        floats[SCALE, j] = max(np.sqrt(spread / n), 1e-12 + 1e-6 * abs(mean))


@compiled
def encode(row: Array, ints: Array, keys: Array, codes: Array, out: Array) -> None:
    """Write the code of every value of one row into `out`."""
    for j in range(ints.shape[1]):
        x = row[j]
        if np.isnan(x):
            out[j] = 0
            continue
        last = ints[SIZES, j] - 1
        lo = 0
        hi = last
        while lo < hi:
            mid = (lo + hi) // 2
            if keys[j, mid] < x:
                lo = mid + 1
            else:
                hi = mid
        if ints[WORDS, j] == 0:
            out[j] = lo + 1
        elif lo < last and keys[j, lo] == x:
            out[j] = codes[j, lo]
        else:
            out[j] = ints[OTHER, j]


@unlocked
def encode_rows(rows: Array, ints: Array, keys: Array, codes: Array, out: Array) -> None:
    """Write the codes of all rows into `out`, uint8 (rows, columns)."""
    for i in range(rows.shape[0]):
        encode(rows[i], ints, keys, codes, out[i])
