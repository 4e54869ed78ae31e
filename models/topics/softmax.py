"""Multinomial logistic regression over hashed features with AdaGrad steps, compiled.

Source: Duchi, Hazan, Singer, "Adaptive subgradient methods", JMLR 12, 2011.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.sentiment.compiled import compiled

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U32 = npt.NDArray[np.uint32]

VIEW_CAP = 176
"""Features kept of each view of one text (words, letters, signals)."""
ROW = 2 * VIEW_CAP + 32
_VIEWS = (0.7, 0.6)
_SIGNALS = 0.5
_EPSILON = 1e-8
_NEGLIGIBLE = 1e-3


@compiled
def gather(hashes: U32, words: int, letters: int, signals: U32, shift: int, at: I32, value: F32) -> int:
    """Lay one text's features out as buckets `at` and values; each view has its own length 1.

    Parameters
    ----------
    hashes
        Words in [0, words), letters in [words, letters).
    signals
        Hashes of signal names.
    shift
        32 minus log2 of the number of buckets.

    Returns
    -------
    Number of features, at most ROW.
    """
    count = 0
    for view in range(2):
        low = 0 if view == 0 else words
        size = min(VIEW_CAP, (words if view == 0 else letters) - low)
        weight = np.float32(_VIEWS[view] / math.sqrt(max(1, size)))
        for i in range(size):
            at[count] = np.int32(hashes[low + i] >> np.uint32(shift))
            value[count] = weight
            count += 1
    size = min(32, signals.shape[0])
    weight = np.float32(_SIGNALS / math.sqrt(max(1, size)))
    for i in range(size):
        at[count] = np.int32(signals[i] >> np.uint32(shift))
        value[count] = weight
        count += 1
    return count


@compiled
def probabilities(at: I32, value: F32, count: int, weights: F32, bonus: F64, out: F64) -> None:
    """Fill `out` with the probability of each topic; `bonus` is added to the scores."""
    topics = out.shape[0]
    most = -1e300
    for k in range(topics):
        score = bonus[k]
        for i in range(count):
            score += weights[at[i], k] * value[i]
        out[k] = score
        most = max(most, score)
    total = 0.0
    for k in range(topics):
        out[k] = math.exp(out[k] - most)
        total += out[k]
    for k in range(topics):
        out[k] /= total


@compiled
def descend(
    at: I32,
    value: F32,
    count: int,
    topic: int,
    weight: float,
    rate: float,
    weights: F32,
    squares: F32,
    out: F64,
) -> None:
    """Take one step towards `topic`; `out` holds the probabilities before it."""
    for k in range(out.shape[0]):
        slope = (out[k] - (1.0 if k == topic else 0.0)) * weight
        if abs(slope) < _NEGLIGIBLE:
            continue
        for i in range(count):
            gradient = np.float32(slope * value[i])
            squares[at[i], k] += gradient * gradient
            step = rate * gradient / math.sqrt(squares[at[i], k] + _EPSILON)
            weights[at[i], k] -= np.float32(step)
