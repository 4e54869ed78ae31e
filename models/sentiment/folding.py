"""Code points folded to one form, as a table: what reads the same should count as the same.

Full width becomes half width, upper case lower case, traditional characters simplified ones.
A table instead of Unicode functions, because feature extraction runs inside a compiled kernel.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

GAP, WORD, HAN, MARK, SYMBOL = 0, 1, 2, 3, 4
"""Classes of code points: separators, alphabetic and digits, ideographs and kana, punctuation, the rest."""

CLASS_SHIFT = 24
"""Bits below this hold the folded code point, bits above it the class."""

_MARKS = frozenset("$+<=>^`|~")
_INVISIBLE = frozenset({0x200B, 0x200C, 0x200D, 0x2060, 0xFE0E, 0xFE0F, 0xFEFF})


def traditional_to_simplified() -> dict[str, str]:
    """Read the table of characters whose simplified form is unambiguous.

    Source: OpenCC `TSCharacters.txt` (Apache-2.0), first form of each entry.
    """
    text = files("models.sentiment").joinpath("traditional.txt").read_text(encoding="utf-8")
    pairs = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {pair[0]: pair[1] for chunk in pairs for pair in chunk.split()}


def _class(code: int) -> int:
    if code in _INVISIBLE:
        return GAP
    char = chr(code)
    category = unicodedata.category(char)
    if category[0] in "ZC" or char.isspace():
        return GAP
    if 0x3400 <= code <= 0x9FFF or 0x3040 <= code <= 0x30FF or 0xAC00 <= code <= 0xD7A3:
        return HAN
    if category[0] in "LNM":
        return WORD
    return MARK if category[0] == "P" or char in _MARKS else SYMBOL


@cache
def folding_table() -> npt.NDArray[np.uint32]:
    """Return the table for the basic plane, shape (65536,): class << 24 | folded code point."""
    table = np.zeros(0x10000, np.uint32)
    simplified = traditional_to_simplified()
    for code in range(0x10000):
        char = chr(code)
        if 0xFF00 <= code <= 0xFFEF or 0x2460 <= code <= 0x24FF:
            char = unicodedata.normalize("NFKC", char)
        char = simplified.get(char[0], char[0]).lower()[0]
        folded = 0x27 if char in "\u2018\u2019" else ord(char)
        kind = _class(folded)
        table[code] = (kind << CLASS_SHIFT) | (folded if kind != GAP else 0x20)
    table.setflags(write=False)
    return table


@cache
def _translation() -> dict[int, str | None]:
    table = folding_table()
    mask = (1 << CLASS_SHIFT) - 1
    changed: dict[int, str | None] = {0x200B: None, 0x200C: None, 0x200D: None, 0x2060: None, 0xFEFF: None}
    changed.update({0xFE0E: None, 0xFE0F: None})
    for code in range(0x10000):
        folded = int(table[code]) & mask
        if folded != code and code not in changed and not 0xD800 <= code < 0xE000:
            changed[code] = chr(folded)
    return changed


def folded_text(text: str) -> str:
    """Return the text with every code point folded, for code that works on strings.

    Examples
    --------
    >>> folded_text("Ｇｏｏｄ，氣死！")
    'good,气死!'
    """
    return text.translate(_translation())
