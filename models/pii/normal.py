"""Bring look-alike characters to ASCII, one code point for one, and keep the way back.

Full-width, circled, mathematical and other digits become ASCII one for one; invisible characters
are dropped and remembered; Han digits become ASCII only inside long runs, because 一 and 三 are
ordinary words elsewhere. Offsets of the original text survive through `Normal.origin`.
"""

from __future__ import annotations

import re
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


_EXACT = {
    **dict.fromkeys(_SPACES, 0x20),
    **dict.fromkeys(_DASHES, 0x2D),
    **dict.fromkeys((0x24EA, 0x24FF), 0x30),
    **dict.fromkeys((0x2024, 0xFE52, 0xFF61), 0x2E),
    0xFE6B: 0x40,
    0xFE55: 0x3A,
    **dict.fromkeys((0x301C, 0x223C, 0x02DC), 0x7E),
    **{ord(char): ord(char) for char in "，。；！？、（）："},
}


class _Table(dict[int, int]):
    """The code point each code point becomes, worked out when first met.

    Building the whole table would take most of the time of importing this package.
    """

    def __missing__(self, code: int) -> int:
        """Return what `code` becomes, itself if nothing; remembered within the basic plane and for emoji."""
        plain = _EXACT.get(code)
        if plain is None:
            plain = _plain(code)
        if code < 0x10000 or 0x1F300 <= code < 0x1FB00:
            self[code] = plain
        return plain


def _plain(code: int) -> int:
    char = chr(code)
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return 48 + digit
    if 0xFF01 <= code <= 0xFF5E:
        return code - 0xFEE0
    if 0x24B6 <= code <= 0x24E9:
        return ord("A") + code - 0x24B6 if code < 0x24D0 else ord("a") + code - 0x24D0
    if 0x1D400 <= code <= 0x1D7CB or 0x2100 <= code <= 0x214F:
        plain = unicodedata.normalize("NFKC", char)
        if len(plain) == 1 and plain.isascii() and plain.isalpha():
            return ord(plain)
    return code


_TABLE = _Table()
_INVISIBLE = re.compile("[" + "".join(f"{chr(low)}-{chr(high)}" for low, high in _INVISIBLE_RANGES) + "]+")
_HAN_RUN = re.compile(f"[{_HAN}0-9](?:[ \\-.]?[{_HAN}0-9]){{5,120}}")
_HAN_JOINED = re.compile(f"(?<![{_HAN}])[{_HAN}]{{1,4}}(?:[，,、…|] ?[{_HAN}]{{1,4}}){{2,}}(?![{_HAN}])")
_GROUPS = re.compile("3-4-4|4-4-4-4(?:-[123])?|1(?:-1){10,17}")
"""A number read out group by group or digit by digit, with pauses."""
_HAN_DIGIT = re.compile(f"[{_HAN}]")
_MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9]\d{9}")
_READ_OUT = re.compile("1[3-9][0-9][，,、…|] ?[0-9]{4}[，,、…|] ?[0-9]{4}")
"""A mobile read out in Han digits: unlike those of amounts, its groups need no label."""
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
    text, origin = without_invisible(text)
    text = text.translate(_TABLE)
    if _HAN_DIGIT.search(text):
        text = _HAN_RUN.sub(_han_run, text)
        text = _HAN_JOINED.sub(_han_joined, text)
    return Normal(text, origin)


def without_invisible(text: str) -> Normal:
    """Return the text without its invisible characters."""
    if text.isascii() or not _INVISIBLE.search(text):
        return Normal(text, None)
    origin: list[int] = []
    last = 0
    for match in _INVISIBLE.finditer(text):
        origin += range(last, match.start())
        last = match.end()
    origin += range(last, len(text))
    return Normal(_INVISIBLE.sub("", text), origin)


def _han_run(match: re.Match[str]) -> str:
    """Convert a run unless a number ends, or begins, one Han digit earlier (一直, 三要素)."""
    run = match.group()
    if not _HAN_DIGIT.search(run):
        return run
    if (run[0] in _HAN_VALUE or run[-1] in _HAN_VALUE) and sum(char in _HAN_VALUE for char in run) == 1:
        return run
    plain = "".join(_HAN_VALUE.get(char, char) for char in run)
    digits = re.sub(r"\D", "", plain)
    if len(digits) == 17 and match.string[match.end() : match.end() + 1] in ("X", "x"):
        return plain
    if run[-1] in _HAN_VALUE and not _is_number(digits) and _is_number(digits[:-1]):
        return plain[:-1] + run[-1]
    if run[0] in _HAN_VALUE and not _is_number(digits) and _is_number(digits[1:]):
        return run[0] + plain[1:]
    if len(digits) < 7 and sum(char in _HAN_VALUE for char in run) < len(digits):
        return run
    return plain


def _han_joined(match: re.Match[str]) -> str:
    run = match.group()
    groups = [str(len(group)) for group in re.split("[，,、…| ]+", run)]
    if not _GROUPS.fullmatch("-".join(groups)):
        return run
    plain = "".join([_HAN_VALUE.get(char, char) for char in run])
    return re.sub("[，,、…|]", "-", plain) if _READ_OUT.fullmatch(plain) else plain


def _is_number(digits: str) -> bool:
    if _MOBILE.fullmatch(digits):
        return True
    if len(digits) == 18 and gb11643(digits):
        return True
    return len(digits) in _CARD_LENGTHS and luhn(digits)
