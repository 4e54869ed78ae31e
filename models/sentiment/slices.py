"""The doors to compiled code: cut a text, say what it means, learn its label, read a slice of texts.

Each is one call for as much as possible, with the scratch as one record: a call costs .15 µs, every array it
is handed .05. What a text gets does not depend on its neighbours: the same kernels run, in the same order, as
for one text.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.sentiment.characters import character_grams
from models.sentiment.compiled import compiled
from models.sentiment.hashing import U32, VIEWS
from models.sentiment.kernels import F64, I64, KNOWN, contribute, learn, score
from models.sentiment.rows import U16, U64
from models.sentiment.sparse import reserve
from models.sentiment.words import letter_grams, word_grams

I32 = npt.NDArray[np.int32]
Scratch = npt.NDArray[Any]
"""One record of `hashing.SCRATCH`."""

POLARITY, PROBABILITY, CONFIDENCE, STRENGTH = 0, 1, 2, 3
FIGURES = 4
"""Rows of the figures a slice gets."""


@compiled
def _grams(codes: U32, characters: bool, folding: U32, own: Any) -> None:
    bounds = own.bounds
    if characters:
        bounds[1] = character_grams(codes, folding, own.work, own.hashes, own.spans, own.seen)
        bounds[2] = bounds[1]
    else:
        bounds[1] = word_grams(codes, folding, own.work, own.hashes, own.spans, own.seen)
        bounds[2] = letter_grams(codes, folding, own.work, bounds[1], own.hashes, own.spans, own.seen)


@compiled
def _said(logit: float, known: float) -> tuple[float, float, float]:
    """Return polarity, probability and confidence."""
    probability = 1.0 / (1.0 + math.exp(-logit)) if logit > -700.0 else 0.0
    polarity = 2.0 * probability - 1.0
    return polarity, probability, 0.5 + 0.5 * abs(polarity) * (0.5 + 0.5 * known)


@compiled
def cut(text: bytes, characters: bool, folding: U32, scratch: Scratch) -> None:
    """Write the features of a text to the scratch: `hashes`, `spans`, and in `bounds` where each view ends.

    Parameters
    ----------
    text
        In UTF-32, little endian, at most TEXT_CAP code points.
    characters
        Character n-grams (Chinese) instead of words.
    folding
        Table of `folding_table`.
    """
    _grams(np.frombuffer(text, np.uint32), characters, folding, scratch[0])


@compiled
def say(
    text: bytes,
    characters: bool,
    folding: U32,
    scratch: Scratch,
    shift: int,
    groups: U64,
    pool: U64,
    prior: U32,
    dense: F64,
) -> tuple[float, float, float]:
    """Return polarity, probability and confidence of a text; what `teach` needs stays in the scratch.

    Parameters
    ----------
    text, characters, folding, scratch
        As in `cut`.
    shift, groups, pool, prior, dense
        As in `kernels.score`.
    """
    own = scratch[0]
    _grams(np.frombuffer(text, np.uint32), characters, folding, own)
    given = (np.uint32(shift), groups, pool, prior, dense, own.places)
    logit = score(own.hashes, own.bounds, *given, own.rows, own.ratios, own.terms)
    return _said(logit, own.terms[KNOWN])


@compiled
def teach(
    scratch: Scratch,
    shift: int,
    groups: U64,
    pool: U64,
    squares: U16,
    used: I64,
    dense: F64,
    label: float,
    worth: float,
) -> bool:
    """Learn the label of the text read last; returns False when the table has no room for it.

    Parameters
    ----------
    scratch
        As `say` left it.
    shift, groups, pool, squares, used
        As in `sparse.reserve`.
    dense, label, worth
        As in `kernels.learn`.
    """
    own = scratch[0]
    if worth <= 0.0:
        return True
    kept = np.uint32(shift)
    if not reserve(own.hashes[: own.bounds[VIEWS]], own.places, kept, groups, pool, squares, used):
        return False
    given = (kept, groups, pool, squares, dense, own.places)
    learn(own.hashes, own.bounds, *given, own.ratios, own.terms, label, worth)
    return True


@compiled
def weigh(scratch: Scratch, prior: U32, dense: F64) -> int:
    """Write to `parts` what each feature of the text read last added; returns the strongest, -1 for none."""
    own = scratch[0]
    return contribute(own.hashes, own.bounds, prior, dense, own.rows, own.ratios, own.terms, own.parts)


@compiled
def _stretch(own: Any, at: int, sign: float) -> int:
    """Add up at one feature what all of the same stretch of text added, and return it; -1 for none.

    A word under a negation is a feature beside the word: of both together one may say the contrary. So
    stretches are looked at from the strongest feature on, until none left is stronger than what was found.
    """
    parts, spans, count = own.parts, own.spans, own.bounds[VIEWS]
    found, best = -1, 0.0
    while at >= 0:
        begin, end, total = spans[at, 0], spans[at, 1], 0.0
        for j in range(count):
            if spans[j, 0] == begin and spans[j, 1] == end:
                total += parts[j]
                parts[j] = 0.0
        if total * sign > best:
            found, best = at, total * sign
        at, most = -1, best
        for j in range(count):
            if parts[j] * sign > most:
                at, most = j, parts[j] * sign
    if found >= 0:
        parts[found] = best * sign
    return found


@compiled
def read_texts(
    texts: bytes,
    ends: I64,
    characters: bool,
    folding: U32,
    scratch: Scratch,
    shift: int,
    groups: U64,
    pool: U64,
    prior: U32,
    dense: F64,
    figures: F64,
    places: I32,
) -> None:
    """Fill `figures` and `places` for each text.

    Parameters
    ----------
    texts, ends
        The texts one after the other, as in `cut`, and where each ends in code points.
    characters, folding, scratch, shift, groups, pool, prior, dense
        As in `say`.
    figures
        Out, shape (FIGURES, texts): what `say` returns, and what the stretch of the strongest n-gram added.
    places
        Out, shape (texts, 2): span of that stretch in its text, (-1, -1) if there is none.
    """
    own = scratch[0]
    codes = np.frombuffer(texts, np.uint32)
    begin = 0
    for i in range(ends.shape[0]):
        _grams(codes[begin : ends[i]], characters, folding, own)
        begin = ends[i]
        given = (np.uint32(shift), groups, pool, prior, dense, own.places)
        logit = score(own.hashes, own.bounds, *given, own.rows, own.ratios, own.terms)
        said = _said(logit, own.terms[KNOWN])
        figures[POLARITY, i], figures[PROBABILITY, i], figures[CONFIDENCE, i] = said
        figures[STRENGTH, i] = 0.0
        places[i] = -1
        at = _stretch(own, weigh(scratch, prior, dense), 1.0 if logit >= 0.0 else -1.0)
        if at >= 0:
            figures[STRENGTH, i] = own.parts[at]
            places[i] = own.spans[at]
