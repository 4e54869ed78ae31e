"""Score and explain all texts of a slice in one compiled call.

What a text gets does not depend on its neighbours: the same kernels run, in the same order, as for one text.
"""

from __future__ import annotations

import numpy as np

from models.sentiment.characters import character_grams
from models.sentiment.compiled import compiled
from models.sentiment.hashing import I32, U32, U64
from models.sentiment.kernels import F32, F64, I64, KNOWN, contribute, score
from models.sentiment.words import letter_grams, word_grams

LOGITS, KNOWNS, STRENGTHS = 0, 1, 2
"""Rows of the figures a slice gets."""


@compiled
def read_texts(
    codes: U32,
    ends: I64,
    characters: bool,
    folding: U32,
    work: U32,
    spans: I32,
    seen: U64,
    hashes: U32,
    bounds: I64,
    shift: np.uint32,
    buckets: F32,
    prior: U32,
    dense: F64,
    ratios: F64,
    terms: F64,
    parts: F64,
    figures: F64,
    places: I32,
) -> None:
    """Fill `figures` and `places` for each text.

    Parameters
    ----------
    codes, ends
        Code points of the texts one after the other, and where each ends.
    characters
        Character n-grams (Chinese) instead of words.
    folding, work, spans, seen
        As in `character_grams`.
    hashes, bounds, shift, buckets, prior, dense, ratios, terms, parts
        As in `kernels.score` and `kernels.contribute`.
    figures
        Out, shape (3, texts): logit, share of features known, contribution of the strongest.
    places
        Out, shape (texts, 2): span of the strongest n-gram in its text, (-1, -1) if there is none.
    """
    begin = 0
    for i in range(ends.shape[0]):
        text = codes[begin : ends[i]]
        begin = ends[i]
        if characters:
            bounds[1] = character_grams(text, folding, work, hashes, spans, seen)
            bounds[2] = bounds[1]
        else:
            bounds[1] = word_grams(text, folding, work, hashes, spans, seen)
            bounds[2] = letter_grams(text, folding, work, bounds[1], hashes, spans, seen)
        figures[LOGITS, i] = score(hashes, bounds, shift, buckets, prior, dense, ratios, terms)
        figures[KNOWNS, i] = terms[KNOWN]
        figures[STRENGTHS, i] = 0.0
        places[i] = -1
        at = contribute(hashes, bounds, shift, buckets, prior, dense, ratios, terms, parts)
        if at >= 0:
            figures[STRENGTHS, i] = parts[at]
            places[i] = spans[at]
