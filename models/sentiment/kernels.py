"""Score and learn over hashed features, compiled.

Two linear learners look at the same binary, L2-normalised features x:

- logistic regression with AdaGrad steps (Duchi, Hazan, Singer 2011), which also weighs two dense
  inputs: the running naive-Bayes log-count ratio (Wang & Manning 2012) and a frozen prior;
- AROW with a diagonal covariance (Crammer, Kulesza, Dredze 2009).

A third, tiny logistic regression mixes their scores and so keeps the probability calibrated. All
parts are linear in x at any moment, which makes the contribution of each feature exact.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.sentiment.compiled import compiled
from models.sentiment.features import U32

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]

WEIGHT, SQUARES, MEAN, PRECISION, POSITIVE, NEGATIVE = 0, 1, 2, 3, 4, 5
COLUMNS = 6
"""Columns of the bucket table; all zero means never seen."""

BIAS, BIAS_SQ, BAYES, BAYES_SQ, PRIOR, PRIOR_SQ = 0, 1, 2, 3, 4, 5
AROW_BIAS, AROW_BIAS_PREC, MIX_LR, MIX_LR_SQ, MIX_AROW, MIX_AROW_SQ = 6, 7, 8, 9, 10, 11
SEEN_POSITIVE, SEEN_NEGATIVE = 12, 13
DENSE = 14
"""Entries of the dense vector: coefficients with their squared-gradient sums, and label mass."""

RATE = 0.3
BIAS_RATE = 0.06
DENSE_RATE = 0.05
MIX_RATE = 0.02
AROW_R = 1.0
SMOOTHING = 0.5
PRIOR_BITS = 18

LR_SCORE, AROW_SCORE, BAYES_SCORE, PRIOR_SCORE, NORM, LOGIT, KNOWN = 0, 1, 2, 3, 4, 5, 6
TERMS = 7
"""Entries of the vector of partial scores."""


@compiled
def log_ratio(row: F32, dense: F64) -> float:
    """Return a bucket's naive-Bayes log-count ratio, 0 for a bucket never seen."""
    positive = float(row[POSITIVE])
    negative = float(row[NEGATIVE])
    if positive + negative <= 0.0:
        return 0.0
    base = (dense[SEEN_POSITIVE] + 1.0) / (dense[SEEN_NEGATIVE] + 1.0)
    return math.log((positive + SMOOTHING) / ((negative + SMOOTHING) * base))


@compiled
def score(
    hashes: U32, count: int, buckets: F32, prior: I8, prior_scale: float, dense: F64, terms: F64
) -> float:
    """Return the logit of "positive" and write its parts to `terms`, shape (TERMS,).

    Parameters
    ----------
    hashes, count
        Distinct 32-bit feature hashes and how many of them count.
    buckets
        Table, shape (2**bits, COLUMNS).
    prior, prior_scale
        Frozen weights, shape (2**PRIOR_BITS,) or (1,) for none, in units of `prior_scale`.
    dense
        Coefficients, shape (DENSE,).
    """
    shift = np.uint32(32 - int(round(math.log2(buckets.shape[0]))))
    norm = 1.0 / math.sqrt(max(count, 1))
    linear = 0.0
    mean = 0.0
    bayes = 0.0
    given = 0
    known = 0
    base = math.log((dense[SEEN_POSITIVE] + 1.0) / (dense[SEEN_NEGATIVE] + 1.0))
    for j in range(count):
        row = buckets[hashes[j] >> shift]
        positive = row[POSITIVE]
        negative = row[NEGATIVE]
        if positive + negative > 0.0:
            known += 1
            linear += row[WEIGHT]
            mean += row[MEAN]
            bayes += math.log((positive + SMOOTHING) / (negative + SMOOTHING)) - base
    if prior.shape[0] > 1:
        for j in range(count):
            given += prior[hashes[j] >> np.uint32(32 - PRIOR_BITS)]
    terms[NORM] = norm
    terms[KNOWN] = known / max(count, 1)
    terms[BAYES_SCORE] = bayes * norm
    terms[PRIOR_SCORE] = given * prior_scale * norm
    terms[LR_SCORE] = (
        linear * norm + dense[BIAS] + dense[BAYES] * terms[BAYES_SCORE] + dense[PRIOR] * terms[PRIOR_SCORE]
    )
    terms[AROW_SCORE] = mean * norm + dense[AROW_BIAS]
    logit = float(dense[MIX_LR] * terms[LR_SCORE] + dense[MIX_AROW] * terms[AROW_SCORE])
    terms[LOGIT] = logit
    return logit


@compiled
def _sigmoid(logit: float) -> float:
    if logit >= 0.0:
        return 1.0 / (1.0 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1.0 + power)


@compiled
def _step(dense: F64, at: int, gradient: float, rate: float) -> None:
    """Take one AdaGrad step on a dense coefficient; its squared sum stands beside it."""
    dense[at + 1] += gradient * gradient
    dense[at] -= rate * gradient / math.sqrt(dense[at + 1] + 1e-8)


@compiled
def learn(hashes: U32, count: int, buckets: F32, dense: F64, terms: F64, label: float, weight: float) -> None:
    """Learn one label from the features and the partial scores that `score` left in `terms`.

    A bucket seen for the first time only counts: its weights move from the second time on. Six
    in ten n-grams never come back, so this keeps the state small, and costs no accuracy.
    """
    if count == 0 or weight <= 0.0:
        return
    shift = np.uint32(32 - int(round(math.log2(buckets.shape[0]))))
    norm = terms[NORM]
    error = (_sigmoid(terms[LOGIT]) - label) * weight
    _step(dense, MIX_LR, error * terms[LR_SCORE], MIX_RATE)
    _step(dense, MIX_AROW, error * terms[AROW_SCORE], MIX_RATE)
    slope = (_sigmoid(terms[LR_SCORE]) - label) * weight
    _step(dense, BIAS, slope, BIAS_RATE)
    _step(dense, BAYES, slope * terms[BAYES_SCORE], DENSE_RATE)
    _step(dense, PRIOR, slope * terms[PRIOR_SCORE], DENSE_RATE)
    side = 1.0 if label >= 0.5 else -1.0
    certainty = weight * abs(2.0 * label - 1.0)
    alpha = 0.0
    if side * terms[AROW_SCORE] < 1.0 and certainty > 0.0:
        spread = 1.0 / (1.0 + dense[AROW_BIAS_PREC])
        for j in range(count):
            spread += norm * norm / (1.0 + buckets[hashes[j] >> shift, PRECISION])
        alpha = side * (1.0 - side * terms[AROW_SCORE]) * certainty / (spread + AROW_R)
        dense[AROW_BIAS] += alpha / (1.0 + dense[AROW_BIAS_PREC])
        dense[AROW_BIAS_PREC] += certainty / AROW_R
    square = slope * slope * norm * norm
    move = RATE * slope * norm
    shrink = np.float32(certainty * norm * norm / AROW_R)
    for j in range(count):
        row = buckets[hashes[j] >> shift]
        if row[POSITIVE] + row[NEGATIVE] > 0.0:
            row[SQUARES] += np.float32(square)
            if row[SQUARES] > 0.0:
                row[WEIGHT] -= np.float32(move / math.sqrt(row[SQUARES]))
            if alpha != 0.0:
                row[MEAN] += np.float32(alpha * norm / (1.0 + row[PRECISION]))
                row[PRECISION] += shrink
        row[POSITIVE] += np.float32(weight * label)
        row[NEGATIVE] += np.float32(weight * (1.0 - label))
    dense[SEEN_POSITIVE] += weight * label
    dense[SEEN_NEGATIVE] += weight * (1.0 - label)
