"""How a long text is cut into pieces, and which of them are nothing but digits."""

from __future__ import annotations

import re

_DIGIT = re.compile("[0-9０-９〇零一二三四五六七八九幺两]+")
_LETTER = re.compile("[^\\W\\d_〇零一二三四五六七八九幺两]+")
_LEAST_BLOCK = 1000
_LINE = 150
"""Characters a line of a table has at most; no block is a table."""


def is_block(part: str) -> bool:
    """Tell whether thousands of characters are for the most part digits, or digits and separators.

    No feedback without line breaks reads like this. To judge all ways to group such digits costs more than
    the text is worth, so all of it is one finding.
    """
    if len(part) < _LEAST_BLOCK or part.count("\n") * _LINE > len(part):
        return False
    digits = sum(map(len, _DIGIT.findall(part)))
    if digits * 5 > len(part) * 3:
        return True
    return digits * 3 > len(part) and sum(map(len, _LETTER.findall(part))) * 10 < len(part)


def cut(text: str, start: int, size: int) -> int:
    """Return where the piece that begins at `start` and has about `size` characters ends.

    After a line or word, if one ends nearby.
    """
    end = start + size
    if end >= len(text):
        return len(text)
    near = text.rfind("\n", start + size // 2, end)
    if near < 0:
        near = max(text.rfind(mark, end - size // 3, end) for mark in "。！？ ")
    return near + 1 if near > start else end
