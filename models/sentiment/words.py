"""Words of a text and stretches of their letters, cut inside compiled code: the features of English.

One view is words, pairs of words and, once more apart, words under a negation; punctuation runs ("!!",
":)") and single emoji or ideographs are words too. The other is stretches of four letters within words,
which survive misspelling and share what endings share. Binary, with spans, as in `characters`.
"""

from __future__ import annotations

import numpy as np

from models.sentiment.compiled import compiled
from models.sentiment.folding import GAP, HAN, MARK, SYMBOL, WORD
from models.sentiment.hashing import (
    APOSTROPHE,
    BASIS,
    CODE_MASK,
    FNV,
    I32,
    KIND_SHIFT,
    LONGEST_RUN,
    SPACE,
    U32,
    folded,
    mixed,
    put,
    slots_for,
)

_NEGATED = np.uint64(0xA0761D6478BD642F)
_STRETCH = np.uint64(0x5851F42D4C957F2D)
_SCOPE = 3


@compiled
def _negates(tail: np.uint64, length: int) -> bool:
    """Tell whether the word whose last eight letters are packed in `tail` turns what follows."""
    if length == 2:
        return bool(tail == np.uint64(0x6E6F))  # no
    if length == 3:
        return bool(tail == np.uint64(0x6E6F74))  # not
    if length == 5 and tail == np.uint64(0x6E65766572):  # never
        return True
    return 3 < length < 8 and (tail & np.uint64(0xFFFF)) == np.uint64(0x6E74) and _contraction(tail)


@compiled
def _contraction(tail: np.uint64) -> bool:
    """Tell can't, won't, don't, ain't, isn't… (written with or without the apostrophe) from "want"."""
    stem = (tail >> np.uint64(16)) & np.uint64(0xFFFF)
    for good in (
        0x646F,
        0x6361,
        0x776F,
        0x6169,
        0x6573,
        0x6973,
        0x6964,
        0x7365,
        0x7265,
        0x6C64,
        0x6164,
        0x7665,
    ):
        if stem == np.uint64(good):
            return True
    return False


@compiled
def word_grams(codes: U32, folding: U32, work: U32, hashes: U32, spans: I32, seen: U32) -> int:
    """Write words, word pairs and negated words of a text; returns how many there are.

    Punctuation runs ("!!", ":)") and single emoji or ideographs are words too.

    Parameters
    ----------
    codes
        Code points, shape (n,), n at most TEXT_CAP.
    folding
        Table of `folding_table`.
    work
        Scratch of at least one entry.
    hashes, spans, seen
        As in `character_grams`.
    """
    length = codes.shape[0]
    slots = slots_for(4 * length + 4)
    seen[:slots] = 0
    count = 0
    i = 0
    scope = 0
    previous = np.uint64(0)
    previous_start = -1
    while i < length:
        kind = folded(codes[i], folding) >> KIND_SHIFT
        if kind == GAP:
            i += 1
            continue
        start = i
        value = BASIS
        tail = np.uint64(0)
        letters = 0
        last = np.uint32(0)
        run = 0
        while i < length:
            entry = folded(codes[i], folding)
            char = entry & CODE_MASK
            inside = entry >> KIND_SHIFT == kind
            if kind == WORD and char == APOSTROPHE and i > start and i + 1 < length:
                follows = folded(codes[i + 1], folding) >> KIND_SHIFT
                if follows == WORD:
                    i += 1
                    continue
            if not inside:
                break
            i += 1
            run = run + 1 if char == last else 1
            last = char
            if run > LONGEST_RUN:
                continue
            value = (value ^ np.uint64(char)) * FNV
            tail = (tail << np.uint64(8)) | np.uint64(char & np.uint32(0xFF))
            letters += 1
            if kind in (HAN, SYMBOL):
                break
        token = mixed(value)
        count = put(token, start, i, count, slots, hashes, spans, seen)
        if previous_start >= 0:
            pair = previous * np.uint64(3) + token
            count = put(pair, previous_start, i, count, slots, hashes, spans, seen)
        previous = token
        previous_start = start
        if kind == MARK:
            scope = 0
        elif kind == WORD and _negates(tail, letters):
            scope = _SCOPE
        elif scope > 0:
            scope -= 1
            turned = token * _NEGATED + np.uint64(77)
            count = put(turned, start, i, count, slots, hashes, spans, seen)
    return count


@compiled
def letter_grams(codes: U32, folding: U32, work: U32, count: int, hashes: U32, spans: I32, seen: U32) -> int:
    """Add the four-letter stretches within words, their edges marked; returns the new count.

    Called after `word_grams` on the same text: keeps its stamp and its features.
    """
    length = 1
    last = SPACE
    run = 0
    work[0, 0] = SPACE
    work[1, 0] = 0
    for i in range(codes.shape[0]):
        entry = folded(codes[i], folding)
        kind = entry >> KIND_SHIFT
        char = SPACE if kind in (GAP, MARK) else entry & CODE_MASK
        if char == SPACE and last == SPACE:
            continue
        run = run + 1 if char == last else 1
        last = char
        if run > LONGEST_RUN:
            continue
        work[0, length] = char
        work[1, length] = i
        length += 1
    work[0, length] = SPACE
    work[1, length] = codes.shape[0] - 1
    length += 1
    slots = slots_for(4 * codes.shape[0] + 4)
    for i in range(length - 3):
        value = _STRETCH
        whole = True
        for k in range(4):
            char = work[0, i + k]
            if char == SPACE and 0 < k < 3:
                whole = False
                break
            value = (value ^ np.uint64(char)) * FNV
        if whole:
            start, end = int(work[1, i]), int(work[1, i + 3]) + 1
            count = put(value, start, end, count, slots, hashes, spans, seen)
    return count
