"""Character n-grams of a text, cut inside compiled code: the features of Chinese.

Runs of one to three characters; those under a negation (不没无别未, up to the end of the clause) and
those at either end of the text count once more, apart. Binary: a feature counts once a text. Every
feature keeps the span it came from, so that a reason code quotes the writer's own words.
"""

from __future__ import annotations

import numpy as np

from models.sentiment.compiled import compiled
from models.sentiment.folding import GAP
from models.sentiment.hashing import (
    CODE_MASK,
    GOLD,
    I32,
    KIND_SHIFT,
    LONGEST_RUN,
    SPACE,
    U32,
    folded,
    put,
    slots_for,
)

_UNDER_NEGATION = np.uint64(0x333333333)
_AT_START = np.uint64(0x222222222)
_AT_END = np.uint64(0x111111111)
_SCOPE = 6


@compiled
def _denies(char: int) -> bool:
    """Tell 不, 没, 无, 别, 未."""
    return char in (0x4E0D, 0x6CA1, 0x65E0, 0x522B, 0x672A)


@compiled
def _pauses(char: int) -> bool:
    """Tell what ends a clause, and with it the reach of a negation."""
    return char in (0x20, 0x21, 0x2C, 0x2E, 0x3B, 0x3F, 0x7E, 0x3001, 0x3002)


@compiled
def character_grams(codes: U32, folding: U32, work: U32, hashes: U32, spans: I32, seen: U32) -> int:
    """Write the character n-grams of a text; returns how many there are.

    Parameters
    ----------
    codes
        Code points, shape (n,), n at most TEXT_CAP.
    folding
        Table of `folding_table`.
    work
        Scratch, shape (2, TEXT_CAP + 2): folded sequence and where each stood.
    hashes, spans
        Out: 32-bit hash and [start, end) of each distinct feature.
    seen
        Scratch of SEEN_CAP entries.
    """
    count = 0
    length = 0
    last = np.uint32(0)
    run = 0
    for i in range(codes.shape[0]):
        entry = folded(codes[i], folding)
        char = entry & CODE_MASK
        if entry >> KIND_SHIFT == GAP:
            char = SPACE
            if length == 0 or last == SPACE:
                continue
        run = run + 1 if char == last else 1
        last = char
        if run > LONGEST_RUN:
            continue
        work[0, length] = char
        work[1, length] = i
        length += 1
    if length > 0 and work[0, length - 1] == SPACE:
        length -= 1
    slots = slots_for(5 * length + 4)
    seen[:slots] = 0
    scope = 0
    for i in range(length):
        start = int(work[1, i])
        value = np.uint64(0)
        for k in range(min(3, length - i)):
            end = int(work[1, i + k]) + 1
            value = value * GOLD + np.uint64(work[0, i + k]) + np.uint64((k + 1) * 0x1000003)
            count = put(value, start, end, count, slots, hashes, spans, seen)
            if k < 2:
                if scope > 0:
                    count = put(value + _UNDER_NEGATION, start, end, count, slots, hashes, spans, seen)
                if i == 0:
                    count = put(value + _AT_START, start, end, count, slots, hashes, spans, seen)
                if i + k == length - 1:
                    count = put(value + _AT_END, start, end, count, slots, hashes, spans, seen)
        here = int(work[0, i])
        if scope > 0:
            scope -= 1
        if _pauses(here):
            scope = 0
        if _denies(here):
            scope = _SCOPE
    return count
