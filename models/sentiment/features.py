"""Hashed n-grams cut from a text inside compiled code: the hot half of sentiment.

Chinese: runs of one to three characters. Other scripts: words, pairs of words, and words under a
negation ("not good" counts "good" apart). Binary: a feature counts once a text. Every feature keeps
the span it came from, so that a reason code can quote the reader's own words.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.sentiment.compiled import compiled
from models.sentiment.folding import CLASS_SHIFT, GAP, HAN, MARK, SYMBOL, WORD

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]

TEXT_CAP = 2000
"""Code points read of a text; a longer one is read at its head and its tail."""
FEATURE_CAP = 16384
"""Upper bound of features before repeats are removed."""
SEEN_CAP = 32768
HASH_BITS = 32

_MASK = np.uint32((1 << CLASS_SHIFT) - 1)
_GOLD = np.uint64(0x9E3779B97F4A7C15)
_FNV = np.uint64(1099511628211)
_BASIS = np.uint64(14695981039346656037)
_NEGATED = np.uint64(0xA0761D6478BD642F)
_SHIFT = np.uint32(CLASS_SHIFT)
_SPACE = np.uint32(0x20)
_APOSTROPHE = np.uint32(0x27)
_NEGATION_SCOPE = 3
_LONGEST_RUN = 2


@compiled
def _mix(value: np.uint64) -> np.uint64:
    value ^= value >> np.uint64(29)
    value *= _GOLD
    return value ^ (value >> np.uint64(32))


@compiled
def _fold(code: np.uint32, folding: U32) -> np.uint32:
    if code < 0x10000:
        return np.uint32(folding[code])
    kind = HAN if 0x20000 <= code < 0x30000 else SYMBOL
    if code >= 0xE0000 or 0x1F3FB <= code <= 0x1F3FF:  # tags and skin tones change no meaning
        kind = GAP
    return np.uint32(code | (np.uint32(kind) << _SHIFT))


@compiled
def _put(
    value: np.uint64, start: int, end: int, count: int, slots: int, hashes: U32, spans: I32, seen: U64
) -> int:
    """Add one feature unless the text had it already; returns the new count.

    `seen[0]` is the stamp of this text; the table after it is open addressing on stamped keys, so
    that nothing needs clearing between texts.
    """
    key = np.uint32(_mix(value) >> np.uint64(32))
    wanted = (seen[0] << np.uint64(32)) | np.uint64(key)
    at = np.int64(key) & (slots - 1)
    while True:
        held = seen[1 + at]
        if held == wanted:
            return count
        if held >> np.uint64(32) != seen[0]:
            break
        at = (at + 1) & (slots - 1)
    seen[1 + at] = wanted
    hashes[count] = key
    spans[count, 0] = start
    spans[count, 1] = end
    return count + 1


@compiled
def _slots(bound: int) -> int:
    slots = 256
    while slots < 2 * bound:
        slots *= 2
    return slots


@compiled
def character_grams(codes: U32, folding: U32, work: U32, hashes: U32, spans: I32, seen: U64) -> int:
    """Write the character 1- to 3-grams of a text; returns how many there are.

    Parameters
    ----------
    codes
        Code points, shape (n,), n at most TEXT_CAP.
    folding
        Table of `folding_table`.
    work
        Scratch, shape (2, TEXT_CAP): folded sequence and where each stood.
    hashes, spans
        Out: 32-bit hash and [start, end) of each distinct feature.
    seen
        Scratch of SEEN_CAP + 1 entries, zero at first.
    """
    seen[0] += np.uint64(1)
    count = 0
    length = 0
    last = np.uint32(0)
    run = 0
    for i in range(codes.shape[0]):
        entry = _fold(codes[i], folding)
        char = entry & _MASK
        if entry >> _SHIFT == GAP:
            char = _SPACE
            if length == 0 or last == _SPACE:
                continue
        run = run + 1 if char == last else 1
        last = char
        if run > _LONGEST_RUN:
            continue
        work[0, length] = char
        work[1, length] = i
        length += 1
    if length > 0 and work[0, length - 1] == _SPACE:
        length -= 1
    slots = _slots(3 * length)
    for i in range(length):
        start = int(work[1, i])
        value = np.uint64(0)
        for k in range(min(3, length - i)):
            value = value * _GOLD + np.uint64(work[0, i + k]) + np.uint64((k + 1) * 0x1000003)
            count = _put(value, start, int(work[1, i + k]) + 1, count, slots, hashes, spans, seen)
    return count


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
def word_grams(codes: U32, folding: U32, work: U32, hashes: U32, spans: I32, seen: U64) -> int:
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
    seen[0] += np.uint64(1)
    length = codes.shape[0]
    slots = _slots(3 * length)
    count = 0
    i = 0
    scope = 0
    previous = np.uint64(0)
    previous_start = -1
    while i < length:
        kind = _fold(codes[i], folding) >> _SHIFT
        if kind == GAP:
            i += 1
            continue
        start = i
        value = _BASIS
        tail = np.uint64(0)
        letters = 0
        last = np.uint32(0)
        run = 0
        while i < length:
            entry = _fold(codes[i], folding)
            char = entry & _MASK
            inside = entry >> _SHIFT == kind
            if kind == WORD and char == _APOSTROPHE and i > start and i + 1 < length:
                follows = _fold(codes[i + 1], folding) >> _SHIFT
                if follows == WORD:
                    i += 1
                    continue
            if not inside:
                break
            i += 1
            run = run + 1 if char == last else 1
            last = char
            if run > _LONGEST_RUN:
                continue
            value = (value ^ np.uint64(char)) * _FNV
            tail = (tail << np.uint64(8)) | np.uint64(char & np.uint32(0xFF))
            letters += 1
            if kind in (HAN, SYMBOL):
                break
        token = _mix(value)
        count = _put(token, start, i, count, slots, hashes, spans, seen)
        if previous_start >= 0:
            pair = previous * np.uint64(3) + token
            count = _put(pair, previous_start, i, count, slots, hashes, spans, seen)
        previous = token
        previous_start = start
        if kind == MARK:
            scope = 0
        elif kind == WORD and _negates(tail, letters):
            scope = _NEGATION_SCOPE
        elif scope > 0:
            scope -= 1
            turned = token * _NEGATED + np.uint64(77)
            count = _put(turned, start, i, count, slots, hashes, spans, seen)
    return count
