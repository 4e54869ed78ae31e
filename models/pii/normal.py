"""Bring look-alike characters to ASCII, one code point for one, and keep the way back.

Full-width, circled, mathematical and other digits become ASCII one for one; invisible characters
are dropped and remembered; Han digits become ASCII only inside long runs, because 一 and 三 are
ordinary words elsewhere. Offsets of the original text survive through `Normal.origin`.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import NamedTuple

from models.pii.checksum import gb11643, luhn

_HAN = "〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两"
_HAN_VALUE = dict(zip(_HAN, "000123456789" + "123456789" + "12", strict=True))
_INVISIBLE_RANGES = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180E),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x2064),
    (0x2066, 0x206F),
    (0x20E3, 0x20E3),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)
_SPACES = (0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_DASHES = (0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2043, 0x2212, 0xFE58, 0xFE63, 0x30FC, 0x2500)


def _one_to_one() -> dict[int, int]:
    table: dict[int, int] = {}
    for code in range(0x80, sys.maxunicode + 1):
        if 0x3400 <= code < 0xA000 or 0xAC00 <= code < 0xF900 or 0x20000 <= code < 0xE0000:
            continue
        char = chr(code)
        digit = unicodedata.digit(char, None)
        if digit is not None:
            table[code] = 48 + digit
            continue
        if 0xFF01 <= code <= 0xFF5E:
            table[code] = code - 0xFEE0
        elif 0x24B6 <= code <= 0x24CF or 0x24D0 <= code <= 0x24E9:
            table[code] = ord("A") + code - 0x24B6 if code < 0x24D0 else ord("a") + code - 0x24D0
        elif 0x1D400 <= code <= 0x1D7CB or 0x2100 <= code <= 0x214F:
            plain = unicodedata.normalize("NFKC", char)
            if len(plain) == 1 and plain.isascii() and plain.isalpha():
                table[code] = ord(plain)
    table.update((code, 0x20) for code in _SPACES)
    table.update((code, 0x2D) for code in _DASHES)
    table[0x24EA] = table[0x24FF] = 0x30
    table[0xFE6B] = 0x40
    table[0x2024] = table[0xFE52] = table[0xFF61] = 0x2E
    table[0xFE55] = 0x3A
    for keep in "，。；！？、（）：":
        table.pop(ord(keep), None)
    return table


TABLE = _one_to_one()
_INVISIBLE = re.compile("[" + "".join(f"{chr(low)}-{chr(high)}" for low, high in _INVISIBLE_RANGES) + "]")
_HAN_RUN = re.compile(f"[{_HAN}0-9](?:[ \\-.]?[{_HAN}0-9]){{5,120}}")
_HAN_DIGIT = re.compile(f"[{_HAN}]")
_MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9]\d{9}")
_CARD_LENGTHS = (16, 17, 18, 19)


class Normal(NamedTuple):
    """Normalised text and the way back.

    Parameters
    ----------
    text
        As long as the original, or shorter by the invisible characters.
    origin
        For every code point of `text`, its offset in the original; `None` when offsets are equal.
    """

    text: str
    origin: list[int] | None


def normalise(text: str) -> Normal:
    """Return the text with look-alikes replaced.

    Examples
    --------
    >>> normalise("１３８①２③").text
    '138123'
    >>> normalise("打一三八一二三四五六七八一直占线").text
    '打13812345678一直占线'
    >>> normalise("1\u200b3").origin
    [0, 2]
    """
    origin: list[int] | None = None
    if _INVISIBLE.search(text):
        kept = [index for index, char in enumerate(text) if not _INVISIBLE.match(char)]
        origin = kept
        text = "".join([text[index] for index in kept])
    text = text.translate(TABLE)
    if _HAN_DIGIT.search(text):
        text = _HAN_RUN.sub(_han_run, text)
    return Normal(text, origin)


def _han_run(match: re.Match[str]) -> str:
    """Convert a run unless a number ends, or begins, one Han digit earlier (一直, 三要素)."""
    run = match.group()
    if not _HAN_DIGIT.search(run):
        return run
    plain = "".join(_HAN_VALUE.get(char, char) for char in run)
    digits = re.sub(r"\D", "", plain)
    if run[-1] in _HAN_VALUE and not _is_number(digits) and _is_number(digits[:-1]):
        return plain[:-1] + run[-1]
    if run[0] in _HAN_VALUE and not _is_number(digits) and _is_number(digits[1:]):
        return run[0] + plain[1:]
    if len(digits) < 7 and sum(char in _HAN_VALUE for char in run) < len(digits):
        return run
    return plain


def _is_number(digits: str) -> bool:
    if _MOBILE.fullmatch(digits):
        return True
    if len(digits) == 18 and gb11643(digits):
        return True
    return len(digits) in _CARD_LENGTHS and luhn(digits)
