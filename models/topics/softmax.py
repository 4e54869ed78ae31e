"""Multinomial logistic regression with AdaGrad steps and naive Bayes over hashed features, compiled.

The one needs many examples and then knows which features matter, the other is nearly right after few; two
learned factors mix their scores.

Sources: Duchi, Hazan, Singer, "Adaptive subgradient methods", JMLR 12, 2011; Rennie, Shih, Teevan, Karger,
"Tackling the poor assumptions of naive Bayes text classifiers", ICML 2003 (a topic against all others).
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
_SMOOTHING = 0.3
_MIX_RATE = 0.05
_LOGS = np.log(np.arange(1024) + _SMOOTHING)


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
def scores(at: I32, value: F32, count: int, weights: F32, bonus: F64, out: F64) -> None:
    """Fill `out` with the linear score of each topic; `bonus` is added."""
    for k in range(out.shape[0]):
        score = bonus[k]
        for i in range(count):
            score += weights[at[i], k] * value[i]
        out[k] = score


@compiled
def softmax(out: F64) -> None:
    """Turn scores into probabilities."""
    most = -1e300
    for k in range(out.shape[0]):
        most = max(most, out[k])
    total = 0.0
    for k in range(out.shape[0]):
        out[k] = math.exp(out[k] - most)
        total += out[k]
    for k in range(out.shape[0]):
        out[k] /= total


@compiled
def probabilities(at: I32, value: F32, count: int, weights: F32, bonus: F64, out: F64) -> None:
    """Fill `out` with the probability of each topic; `bonus` is added to the scores."""
    scores(at, value, count, weights, bonus, out)
    softmax(out)


@compiled
def _log(count: float) -> float:
    """Return log(count + smoothing); counts are whole, and most of them small."""
    if count < 1024.0:
        return float(_LOGS[int(count)])
    return math.log(count + _SMOOTHING)


@compiled
def bayes(at: I32, value: F32, count: int, counts: F32, totals: F64, out: F64) -> None:
    """Fill `out` with how much better each topic than the others explains the features, on average 0.

    Parameters
    ----------
    counts
        Texts of each topic that had a feature, shape (buckets, topics or more).
    totals
        Texts of each topic, shape (topics,).
    """
    topics = out.shape[0]
    whole = 0.0
    for k in range(topics):
        out[k] = 0.0
        whole += totals[k]
    known = 0.0
    for i in range(count):
        row = counts[at[i]]
        seen = 0.0
        for k in range(topics):
            seen += row[k]
        if seen == 0.0:
            continue
        known += value[i]
        for k in range(topics):
            own = row[k]
            if own == 0.0 and seen < 1024.0:
                out[k] += value[i] * (_LOGS[0] - _LOGS[int(seen)])
            else:
                out[k] += value[i] * (_log(own) - _log(seen - own))
    mean = 0.0
    for k in range(topics):
        out[k] += known * (math.log(whole - totals[k] + 1.0) - math.log(totals[k] + 1.0))
        mean += out[k] / topics
    for k in range(topics):
        out[k] -= mean


@compiled
def mixed(linear: F64, naive: F64, mix: F64, out: F64) -> None:
    """Fill `out` with the probability of each topic from both scores and their factors `mix[0]`, `mix[1]`."""
    for k in range(out.shape[0]):
        out[k] = mix[0] * linear[k] + mix[1] * naive[k]
    softmax(out)


@compiled
def weigh(linear: F64, naive: F64, topic: int, weight: float, mix: F64, out: F64) -> None:
    """Learn the factors from one example; `mix[2]`, `mix[3]` hold their squared gradients."""
    mixed(linear, naive, mix, out)
    first = 0.0
    second = 0.0
    for k in range(out.shape[0]):
        error = (out[k] - (1.0 if k == topic else 0.0)) * weight
        first += error * linear[k]
        second += error * naive[k]
    mix[2] += first * first
    mix[3] += second * second
    mix[0] -= _MIX_RATE * first / math.sqrt(mix[2])
    mix[1] -= _MIX_RATE * second / math.sqrt(mix[3])


@compiled
def count_features(at: I32, count: int, topic: int, counts: F32) -> None:
    """Note that a text of `topic` had these features."""
    for i in range(count):
        counts[at[i], topic] += np.float32(1.0)


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
