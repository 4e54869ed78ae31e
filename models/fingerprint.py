"""Near-identical texts share a cluster: twelve complaints about one broken batch are one issue.

A text is folded (case, width, traditional characters, punctuation, numbers, masked values) and cut into
pairs of neighbouring words, a Chinese character being a word. MinHash keeps 64 numbers whose agreement
between two texts estimates the share of pairs they have in common, also for texts of ten words, where
the Hamming distance of a SimHash says little.

Sources: Broder, "On the resemblance and containment of documents", 1997; banded lookup: Leskovec,
Rajaraman, Ullman, "Mining of Massive Datasets", 3.4; eight bits of each minimum: Li and König, "b-bit
minwise hashing", 2010.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.sentiment.compiled import compiled
from models.sentiment.folding import CLASS_SHIFT, GAP, HAN, MARK, SYMBOL, folding_table
from models.units import I64, U8, Units, encoded

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

LANES = 64
"""Minima kept of a text."""

_SHIFT = np.uint32(CLASS_SHIFT)
_CODE = np.uint32((1 << CLASS_SHIFT) - 1)
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_BASIS = np.uint64(0xCBF29CE484222325)
_FNV = np.uint64(0x100000001B3)
_NUMBER = np.uint64(0x6E756D626572)


@compiled
def _mixed(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> np.uint64(33))) * _PRIME
    value = (value ^ (value >> np.uint64(29))) * _FNV
    return value ^ (value >> np.uint64(32))


@compiled
def _fingerprint(data: U8, folding: U32, factors: U32, minima: U32) -> np.uint64:
    """Fill `minima` (shape (64,)) from UTF-16 `data`; returns a hash of the words in their order."""
    minima[:] = np.uint32(0xFFFFFFFF)
    length = min(data.shape[0] >> 1, 4096)
    words = _BASIS
    previous = _BASIS
    tokens = 0
    i = 0
    while i <= length:
        token = np.uint64(0)
        if i < length:
            unit = np.uint32(data[2 * i]) | (np.uint32(data[2 * i + 1]) << np.uint32(8))
            entry = folding[unit]
            kind = entry >> _SHIFT
            i += 1
            # A masked value counts by its type: <PHONE:k3:…> is one word whoever's number it is.
            if unit == 0x3C and i < length and 0x41 <= data[2 * i] <= 0x5A and data[2 * i + 1] == 0:
                close = i
                while (
                    close < length
                    and close - i < 96
                    and not (data[2 * close] == 0x3E and data[2 * close + 1] == 0)
                ):
                    close += 1
                if close < length and data[2 * close] == 0x3E:
                    token = _BASIS
                    while i < close and data[2 * i] != 0x3A:
                        token = (token ^ np.uint64(data[2 * i])) * _FNV
                        i += 1
                    i = close + 1
                    kind = np.uint32(0xFF)
            if kind in (GAP, MARK):
                continue
            if kind in (HAN, SYMBOL):
                token = _BASIS ^ np.uint64(entry & _CODE)
            elif kind != 0xFF:
                token = _BASIS
                digits = True
                while True:
                    code = entry & _CODE
                    digits = digits and 0x30 <= code <= 0x39
                    token = (token ^ np.uint64(code)) * _FNV
                    if i >= length:
                        break
                    entry = folding[np.uint32(data[2 * i]) | (np.uint32(data[2 * i + 1]) << np.uint32(8))]
                    if entry >> _SHIFT != kind:
                        break
                    i += 1
                if digits:
                    token = _NUMBER
            token = _mixed(token)
            words = _mixed(words * _FNV + token)
            tokens += 1
        else:
            i += 1
            if tokens != 1:
                continue
        gram = np.uint32(_mixed(previous * np.uint64(3) + token) >> np.uint64(16))
        previous = token
        if tokens == 1 and token != 0:
            continue
        for lane in range(64):
            value = np.uint32(np.uint32(gram ^ factors[0, lane]) * factors[1, lane])
            if value < minima[lane]:
                minima[lane] = value
    return words


@compiled
def _fingerprints(data: U8, ends: I64, folding: U32, factors: U32, minima: U32, words: U64) -> None:
    """Fill a row of `minima` (shape (texts, 64)) and an entry of `words` for each text."""
    begin = 0
    for i in range(ends.shape[0]):
        words[i] = _fingerprint(data[begin : ends[i]], folding, factors, minima[i])
        begin = ends[i]


@cache
def _factors() -> U32:
    """Return the constants of the 64 hash functions: one xor and one odd factor each, shape (2, 64)."""
    generator = np.random.Generator(np.random.PCG64(0x48_61_72_6B))
    factors = generator.integers(0, 1 << 32, size=(2, LANES), dtype=np.uint32)
    factors[1] |= np.uint32(1)
    return factors


class Fingerprint(NamedTuple):
    """What stands for a text.

    Parameters
    ----------
    words
        Hash of the folded words in their order, 16 hex digits: equal for the same words whatever their
        punctuation, case, width or numbers.
    minima
        MinHash, shape (64,).
    """

    words: str
    minima: U32


def fingerprint(text: str) -> Fingerprint:
    """Return the fingerprint of a text (its first 4,096 UTF-16 units).

    Examples
    --------
    >>> fingerprint("杯子裂了！！").words == fingerprint("杯子，裂了").words
    True
    >>> one = fingerprint("the cup from the new batch is cracked and leaks")
    >>> two = fingerprint("The cup from the new batch is cracked, it leaks!")
    >>> similarity(one, two) > 0.5, similarity(one, fingerprint("delivery was late again, very slow")) < 0.1
    (True, True)
    """
    return fingerprints(encoded([text]))[0]


def fingerprints(units: Units) -> list[Fingerprint]:
    """Return the fingerprint of each text of a slice."""
    count = len(units.ends)
    minima, words = np.empty((count, LANES), dtype=np.uint32), np.empty(count, dtype=np.uint64)
    _fingerprints(units.data, units.ends, folding_table(), _factors(), minima, words)
    return [Fingerprint(f"{word:016x}", row) for word, row in zip(words.tolist(), minima, strict=True)]


def similarity(left: Fingerprint, right: Fingerprint) -> float:
    """Return the estimated Jaccard similarity in [0, 1]; standard error at most 0.0625."""
    return float((left.minima == right.minima).mean())
