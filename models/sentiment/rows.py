"""What a bucket holds, as one number of 64 bits: reading a feature is one load of at most one cache line.

Bits 0 to 15 hold the weight and 16 to 31 the ratio-scaled one, both whole numbers on a grid of 1/GRID;
32 to 47 and 48 to 63 how often the feature was positive and negative, in quarters. Zero: never seen.
Squared gradients, which only learning needs, are numbers of 16 bits in an array of their own.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.sentiment.compiled import compiled

U16 = npt.NDArray[np.uint16]
U64 = npt.NDArray[np.uint64]

GRID = 4096.0
LARGEST = 32767.0
"""Weights lie within ±LARGEST / GRID."""
VOTE = 4.0
"""Parts of a count that is kept: a label between yes and no counts in quarters."""
MOST_VOTES = 0xFFFF
SMOOTHING = 0.5

_HALF = np.uint64(0xFFFF)
_POSITIVE_AT, _NEGATIVE_AT, _SCALED_AT = np.uint64(32), np.uint64(48), np.uint64(16)
_FINE = np.uint64(2048)
_COARSE = np.uint64(5)
_LOGS = np.log(np.concatenate([np.arange(2048), (np.arange(2048) << 5) + 16]) / VOTE + SMOOTHING).astype(
    np.float32
)
"""Of counts below _FINE exactly, of larger ones to within one in a hundred."""
_CUT = np.uint32(12)
_LEAST = np.uint32((127 - 24) << 11)


@compiled
def weight(row: np.uint64) -> int:
    """Return the weight of a bucket, in units of 1/GRID."""
    return int(np.int16(row & _HALF))


@compiled
def scaled(row: np.uint64) -> int:
    """Return the ratio-scaled weight of a bucket, in units of 1/GRID."""
    return int(np.int16((row >> _SCALED_AT) & _HALF))


@compiled
def votes(row: np.uint64) -> float:
    """Return how often a bucket was seen."""
    return float(((row >> _POSITIVE_AT) & _HALF) + (row >> _NEGATIVE_AT)) / VOTE


@compiled
def _log(votes_: np.uint64) -> float:
    """Return log(votes + SMOOTHING) from a table: how large a count is cannot be foreseen, so no branch."""
    return float(_LOGS[votes_ if votes_ < _FINE else _FINE + (votes_ >> _COARSE)])


@compiled
def log_ratio(row: np.uint64) -> float:
    """Return the log of smoothed positive over negative counts."""
    return _log((row >> _POSITIVE_AT) & _HALF) - _log(row >> _NEGATIVE_AT)


@compiled
def gridded(value: float) -> int:
    """Return a weight as whole units of 1/GRID, within its limits."""
    return int(max(-LARGEST, min(LARGEST, math.floor(value * GRID + 0.5))))


@compiled
def packed(weight_: int, scaled_: int, row: np.uint64, positive: int, negative: int) -> np.uint64:
    """Return a bucket with new weights and `positive`, `negative` quarters more than `row` has.

    Where a count is full both are halved, which leaves their ratio and forgets what is long past.
    """
    yes = ((row >> _POSITIVE_AT) & _HALF) + np.uint64(positive)
    no = (row >> _NEGATIVE_AT) + np.uint64(negative)
    while yes > _HALF or no > _HALF:
        yes = (yes + np.uint64(1)) >> np.uint64(1)
        no = (no + np.uint64(1)) >> np.uint64(1)
    low = (np.uint64(scaled_) & _HALF) << _SCALED_AT | (np.uint64(weight_) & _HALF)
    return np.uint64(no << _NEGATIVE_AT | yes << _POSITIVE_AT | low)


@compiled
def squared(code: np.uint16) -> np.float32:
    """Return the squared gradients that `code` stands for."""
    if code == 0:
        return np.float32(0.0)
    return np.uint32((np.uint32(code) + _LEAST) << _CUT).view(np.float32)


@compiled
def squared_code(value: np.float32) -> np.uint16:
    """Return 16 bits for squared gradients: five of exponent (2**-24 to 2**8), eleven of mantissa."""
    bits = (np.float32(value).view(np.uint32) + np.uint32(1 << 11)) >> _CUT
    if bits <= _LEAST:
        return np.uint16(0)
    return np.uint16(min(bits - _LEAST, np.uint32(0xFFFF)))
