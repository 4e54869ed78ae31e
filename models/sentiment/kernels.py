"""Score and learn over hashed features, compiled.

Per view of the text (characters; or words and letter stretches) two linear learners look at the same
binary features x, each scaled to n**-0.45:

- logistic regression with AdaGrad steps (Duchi, Hazan, Singer 2011);
- logistic regression on x times the running naive-Bayes log-count ratio (NB-SVM, Wang & Manning 2012),
  with steps that shrink with the feature's count.

Both also weigh a bias, the sum of the ratios, and two frozen inputs (lexicon and corpus prior). A last,
tiny logistic regression mixes their scores and so keeps the probability calibrated. At any moment all
of it is linear in x, which makes the contribution of a feature exact.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.sentiment.compiled import compiled
from models.sentiment.hashing import U32

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

WEIGHT, SCALED, POSITIVE, NEGATIVE = 0, 1, 2, 3
COLUMNS = 4
"""Columns of the bucket table; all zero means never seen. Only what predicting reads, so that 16 bytes never
lie across two cache lines; the squared gradients that learning needs besides are an array of their own."""

VIEWS = 2
LEARNERS = 4
INPUTS = 4
"""Learner 2·view + kind, kind 0 plain and 1 ratio-scaled; inputs bias, ratios, lexicon, corpus."""
COEFFICIENTS, SQUARED, MIX, MIX_SQUARED, MASS = 0, 16, 32, 36, 40
DENSE = 42
"""Offsets in the dense vector: coefficients, their squared gradients, mixing, label mass (+, -)."""

SCORES, BAYES, NORMS, LEXICON_SCORE, CORPUS_SCORE, LOGIT, KNOWN = 0, 4, 6, 8, 9, 10, 11
TERMS = 12
"""Offsets in the vector of partial scores."""

RATE = 0.3
SCALED_RATE = 0.6
BIAS_RATE = 0.05
MIX_RATE = 0.02
SMOOTHING = 0.5
POWER = 0.45
GRID = 4096.0
LIMIT = 7.5
"""Weights lie on a grid of 1/GRID within ±LIMIT, so that a snapshot holds 16 bits of each."""
PRIOR_BITS = 18


@compiled
def _sigmoid(logit: float) -> float:
    if logit >= 0.0:
        return 1.0 / (1.0 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1.0 + power)


_LOGS = np.log(np.arange(512) + SMOOTHING)


@compiled
def _log(count: np.float32) -> float:
    """Return log(count + SMOOTHING), from a table for the small whole counts that most are."""
    whole = int(count)
    if whole < _LOGS.shape[0] and whole == count:
        return float(_LOGS[whole])
    return math.log(count + SMOOTHING)


@compiled
def _gridded(value: float) -> float:
    return max(-LIMIT, min(LIMIT, math.floor(value * GRID + 0.5) / GRID))


@compiled
def frozen(key: np.uint32, prior: U32) -> tuple[int, int]:
    """Return the (lexicon, corpus) weights of a feature in prior units, (0, 0) if it has none.

    An entry packs 16 bits of tag and two signed bytes: without the tag, every twentieth feature
    would hit somebody else's weight, which costs the lexicon half its use.
    """
    entry = prior[key >> np.uint32(32 - PRIOR_BITS)]
    # No branches: whether a feature has an entry cannot be foreseen. An empty one gives 0 anyway.
    own = int((entry >> np.uint32(16)) == (key & np.uint32(0xFFFF)))
    lexicon = int(np.int8((entry >> np.uint32(8)) & np.uint32(0xFF)))
    corpus = int(np.int8(entry & np.uint32(0xFF)))
    return lexicon * own, corpus * own


@compiled
def score(
    hashes: U32, bounds: I64, shift: np.uint32, buckets: F32, prior: U32, dense: F64, ratios: F64, terms: F64
) -> float:
    """Return the logit of "positive" and write its parts to `terms`, shape (TERMS,).

    Parameters
    ----------
    hashes
        Distinct 32-bit feature hashes, views one after the other.
    bounds
        Where each view ends, shape (VIEWS + 1,), first entry 0.
    shift
        32 - log2 of the number of buckets.
    buckets
        Table, shape (2**bits, COLUMNS).
    prior
        Table of `frozen`, shape (2**PRIOR_BITS,), or (1,) for none.
    dense
        Coefficients, shape (DENSE,).
    ratios
        Out: each feature's log-count ratio, 0 where it is new.
    """
    base = math.log((dense[MASS] + 1.0) / (dense[MASS + 1] + 1.0))
    known = 0
    lexicon = 0
    corpus = 0
    if prior.shape[0] > 1:
        for j in range(bounds[1]):
            given = frozen(hashes[j], prior)
            lexicon += given[0]
            corpus += given[1]
    first_norm = max(bounds[1], 1) ** -POWER
    terms[LEXICON_SCORE] = lexicon * first_norm / 16.0
    terms[CORPUS_SCORE] = corpus * first_norm / 16.0
    logit = 0.0
    for view in range(VIEWS):
        start, end = bounds[view], bounds[view + 1]
        norm = max(end - start, 1) ** -POWER
        for j in range(start, end):  # touch first, without a branch: the cache misses overlap
            ratios[j] = buckets[hashes[j] >> shift, POSITIVE]
        plain = 0.0
        scaled = 0.0
        bayes = 0.0
        for j in range(start, end):
            at = hashes[j] >> shift
            positive, negative = np.float32(ratios[j]), buckets[at, NEGATIVE]
            # No branch: which n-grams are known cannot be foreseen, and unseen ones have no weights.
            seen = int(positive + negative > 0.0)
            known += seen
            ratio = (_log(positive) - _log(negative) - base) * seen
            plain += buckets[at, WEIGHT]
            scaled += buckets[at, SCALED] * ratio
            bayes += ratio
            ratios[j] = ratio
        terms[NORMS + view] = norm
        terms[BAYES + view] = bayes * norm
        for kind in range(2):
            learner = 2 * view + kind
            value = 0.0
            if end > start:
                at = COEFFICIENTS + learner * INPUTS
                value = (
                    (scaled if kind == 1 else plain) * norm
                    + dense[at]
                    + dense[at + 1] * terms[BAYES + view]
                    + dense[at + 2] * terms[LEXICON_SCORE]
                    + dense[at + 3] * terms[CORPUS_SCORE]
                )
            terms[SCORES + learner] = value
            logit += dense[MIX + learner] * value
    terms[LOGIT] = logit
    terms[KNOWN] = known / max(bounds[VIEWS], 1)
    return float(logit)


@compiled
def contribute(
    hashes: U32,
    bounds: I64,
    shift: np.uint32,
    buckets: F32,
    prior: U32,
    dense: F64,
    ratios: F64,
    terms: F64,
    out: F64,
) -> int:
    """Write what each feature added to the logit that `score` returned last; its arguments as there.

    Returns
    -------
    The feature that moved the logit most in its own direction, -1 if none did.
    """
    lexicon_trust = 0.0
    corpus_trust = 0.0
    for learner in range(LEARNERS):
        if bounds[learner // 2 + 1] > bounds[learner // 2]:
            at = COEFFICIENTS + learner * INPUTS
            lexicon_trust += dense[MIX + learner] * dense[at + 2]
            corpus_trust += dense[MIX + learner] * dense[at + 3]
    sign = 1.0 if terms[LOGIT] >= 0.0 else -1.0
    strongest = -1
    most = 0.0
    for view in range(VIEWS):
        plain = MIX + 2 * view
        scaled = plain + 1
        at = COEFFICIENTS + 2 * view * INPUTS
        bayes = dense[plain] * dense[at + 1] + dense[scaled] * dense[at + INPUTS + 1]
        for j in range(bounds[view], bounds[view + 1]):
            row = hashes[j] >> shift
            value = (bayes + dense[scaled] * buckets[row, SCALED]) * ratios[j]
            value += dense[plain] * buckets[row, WEIGHT]  # 0 where it was never seen
            value *= terms[NORMS + view]
            if view == 0 and prior.shape[0] > 1:
                given = frozen(hashes[j], prior)
                pull = lexicon_trust * given[0] + corpus_trust * given[1]
                value += pull * terms[NORMS] / 16.0
            out[j] = value
            if value * sign > most:
                most = value * sign
                strongest = j
    return strongest


@compiled
def learn(
    hashes: U32,
    bounds: I64,
    shift: np.uint32,
    buckets: F32,
    squares: F32,
    dense: F64,
    ratios: F64,
    terms: F64,
    label: float,
    weight: float,
) -> None:
    """Learn one label from the features, ratios and partial scores that `score` left behind.

    A bucket seen for the first time only counts: its weights move from the second time on. Six
    in ten n-grams never come back, so this keeps the state small, and costs no accuracy.

    Parameters
    ----------
    squares
        Squared gradients of each bucket, shape (2**bits,).
    label
        1 positive, 0 negative, or between.
    weight
        How much this event counts; 0 changes nothing.
    """
    if bounds[VIEWS] == 0 or weight <= 0.0:
        return
    error = (_sigmoid(terms[LOGIT]) - label) * weight
    for view in range(VIEWS):
        start, end = bounds[view], bounds[view + 1]
        if start == end:
            continue
        norm = terms[NORMS + view]
        plain_slope = 0.0
        scaled_slope = 0.0
        for kind in range(2):
            learner = 2 * view + kind
            gradient = error * terms[SCORES + learner]
            dense[MIX_SQUARED + learner] += gradient * gradient
            dense[MIX + learner] -= MIX_RATE * gradient / math.sqrt(dense[MIX_SQUARED + learner] + 1e-8)
            slope = (_sigmoid(terms[SCORES + learner]) - label) * weight
            for i in range(INPUTS):
                value = 1.0
                if i == 1:
                    value = terms[BAYES + view]
                elif i > 1:
                    value = terms[LEXICON_SCORE + i - 2]
                gradient = slope * value
                at = learner * INPUTS + i
                dense[SQUARED + at] += gradient * gradient
                dense[COEFFICIENTS + at] -= BIAS_RATE * gradient / math.sqrt(dense[SQUARED + at] + 1e-8)
            if kind == 0:
                plain_slope = slope
            else:
                scaled_slope = slope
        step, held = plain_slope * norm, np.empty(end - start, np.float32)
        for j in range(start, end):  # touch first, as `score` does
            held[j - start] = squares[hashes[j] >> shift]
        for j in range(start, end):
            at = hashes[j] >> shift
            count = buckets[at, POSITIVE] + buckets[at, NEGATIVE]
            if count > 0.0:
                total = np.float32(held[j - start] + np.float32(step * step))
                spread = np.float32(total * np.float32(4097.0))
                total = np.float32(spread - np.float32(spread - total))  # 12 bits of mantissa (Veltkamp)
                squares[at] = total
                if total > 0.0:
                    buckets[at, WEIGHT] = _gridded(buckets[at, WEIGHT] - RATE * step / math.sqrt(total))
                ratio = ratios[j]
                pull = ratio / ((0.3 + abs(ratio)) * math.sqrt(count + 1.0))
                buckets[at, SCALED] = _gridded(buckets[at, SCALED] - SCALED_RATE * scaled_slope * pull)
            buckets[at, POSITIVE] += np.float32(weight * label)
            buckets[at, NEGATIVE] += np.float32(weight * (1.0 - label))
    dense[MASS] += weight * label
    dense[MASS + 1] += weight * (1.0 - label)
