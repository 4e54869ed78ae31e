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
from models.sentiment.hashing import U32, VIEWS
from models.sentiment.rows import (
    GRID,
    U16,
    U64,
    VOTE,
    gridded,
    log_ratio,
    packed,
    scaled,
    squared,
    squared_code,
    votes,
    weight,
)
from models.sentiment.sparse import place

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

LEARNERS = 4
INPUTS = 4
"""Learner 2·view + kind, kind 0 plain and 1 ratio-scaled; inputs bias, ratios, lexicon, corpus."""
COEFFICIENTS, SQUARED, MIX, MIX_SQUARED, MASS = 0, 16, 32, 36, 40
DENSE = 42
"""Offsets in the dense vector: coefficients, their squared gradients, mixing, label mass (+, -)."""

SCORES, BAYES, NORMS, LEXICON_SCORE, CORPUS_SCORE, LOGIT, KNOWN = 0, 4, 6, 8, 9, 10, 11
"""Offsets in the vector of partial scores, TERMS of them."""

RATE = 0.3
SCALED_RATE = 0.6
BIAS_RATE = 0.05
MIX_RATE = 0.02
POWER = 0.45
PRIOR_BITS = 18
_MOST_WORTH = 4096.0


@compiled
def _sigmoid(logit: float) -> float:
    if logit >= 0.0:
        return 1.0 / (1.0 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1.0 + power)


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
    hashes: U32,
    bounds: I64,
    shift: np.uint32,
    groups: U64,
    pool: U64,
    prior: U32,
    dense: F64,
    places: U32,
    rows: U64,
    ratios: F64,
    terms: F64,
) -> float:
    """Return the logit of "positive" and write its parts to `terms`, shape (TERMS,).

    Parameters
    ----------
    hashes
        Distinct 32-bit feature hashes, views one after the other.
    bounds
        Where each view ends, shape (VIEWS + 1,), first entry 0.
    shift, groups, pool
        The table, see `sparse.place`.
    prior
        Table of `frozen`, shape (2**PRIOR_BITS,), or (1,) for none.
    dense
        Coefficients, shape (DENSE,).
    places, rows, ratios
        Out: where each feature's bucket is, what it holds and its log-count ratio, 0 where it is new.
    """
    base = math.log((dense[MASS] + 1.0) / (dense[MASS + 1] + 1.0))
    known = 0
    lexicon = 0
    corpus = 0
    logit = 0.0
    for view in range(VIEWS):
        start, end = bounds[view], bounds[view + 1]
        norm = max(end - start, 1) ** -POWER
        for j in range(start, end):  # fetch first, without a branch: the cache misses overlap
            places[j] = place(hashes[j], shift, groups)
        for j in range(start, end):
            rows[j] = pool[places[j]]
        if view == 0:
            if prior.shape[0] > 1:
                for j in range(end):
                    given = frozen(hashes[j], prior)
                    lexicon += given[0]
                    corpus += given[1]
            terms[LEXICON_SCORE] = lexicon * norm / 16.0
            terms[CORPUS_SCORE] = corpus * norm / 16.0
        plain = 0
        pull = 0.0
        bayes = 0.0
        for j in range(start, end):
            row = rows[j]
            # No branch: which n-grams are known cannot be foreseen, and unseen ones have no weights.
            seen = int(row != 0)
            known += seen
            ratio = (log_ratio(row) - base) * seen
            plain += weight(row)
            pull += scaled(row) * ratio
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
                    (pull if kind == 1 else plain) / GRID * norm
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
    prior: U32,
    dense: F64,
    rows: U64,
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
        pulled = plain + 1
        at = COEFFICIENTS + 2 * view * INPUTS
        bayes = dense[plain] * dense[at + 1] + dense[pulled] * dense[at + INPUTS + 1]
        for j in range(bounds[view], bounds[view + 1]):
            row = rows[j]
            value = (bayes + dense[pulled] * (scaled(row) / GRID)) * ratios[j]
            value += dense[plain] * (weight(row) / GRID)  # 0 where it was never seen
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
    groups: U64,
    pool: U64,
    squares: U16,
    dense: F64,
    places: U32,
    ratios: F64,
    terms: F64,
    label: float,
    worth: float,
) -> None:
    """Learn one label from the features, ratios and partial scores that `score` left behind.

    A bucket seen for the first time only counts: its weights move from the second time on. Six
    in ten n-grams never come back, so this keeps the state small, and costs no accuracy.

    Parameters
    ----------
    groups, pool, squares
        The table with a row for every feature; squared gradients as `rows.squared` reads them.
    places
        Scratch.
    label
        1 positive, 0 negative, or between.
    worth
        How much this event counts; 0 changes nothing.
    """
    if bounds[VIEWS] == 0 or worth <= 0.0:
        return
    quarters = max(1, int(min(worth, _MOST_WORTH) * VOTE + 0.5))
    positive = int(quarters * label + 0.5)
    error = (_sigmoid(terms[LOGIT]) - label) * worth
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
            slope = (_sigmoid(terms[SCORES + learner]) - label) * worth
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
        step, held = plain_slope * norm, np.empty(end - start, np.uint16)
        for j in range(start, end):  # fetch first, as `score` does
            places[j] = place(hashes[j], shift, groups)
            held[j - start] = squares[places[j]]
        for j in range(start, end):
            at = places[j]
            row = pool[at]  # not what was scored: another feature of the text may share the bucket
            plain, pull = 0, 0
            if row != 0:
                plain = weight(row)
                code = squared_code(squared(held[j - start]) + np.float32(step * step))
                squares[at] = code
                if code:
                    plain = gridded(plain / GRID - RATE * step / math.sqrt(squared(code)))
                ratio = ratios[j]
                slope = ratio / ((0.3 + abs(ratio)) * math.sqrt(votes(row) + 1.0))
                pull = gridded(scaled(row) / GRID - SCALED_RATE * scaled_slope * slope)
            pool[at] = packed(plain, pull, row, positive, quarters - positive)
    dense[MASS] += worth * label
    dense[MASS + 1] += worth * (1.0 - label)
