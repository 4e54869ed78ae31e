"""One compiled pass over a text that is not ASCII, to say which searches of the gate could find anything.

Most Chinese feedback holds neither what looks like a number, an address or a role before a name, nor
enough Latin letters for anything else. This pass reads it once, for a fraction of what a search costs. It
may say "search" too often, never too seldom: whatever a search finds fulfils one of its conditions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

import numba
import numpy as np
from numpy.typing import NDArray

from models.pii import name_signs as names
from models.pii.address_chinese import PLACE_ENDS
from models.pii.triggers import HAN_DIGITS, LOOK_ALIKE

WIDE, MIXED, PAIR = 1, 2, 4
"""What to search: signs in Han characters, those in Latin letters and digits, names by their characters."""

_LOOK, _HAN_DIGIT, _DIGIT, _LETTER, _SPECIAL, _DASH = 1, 2, 4, 8, 16, 32
_ROAD, _NUMBERED, _UNIT, _ADMIN, _PLACE, _HOUSE = 64, 128, 256, 512, 1024, 2048
_SURNAME, _STRICT, _WEAK, _GIVEN, _AFTER, _FOREIGN, _RARE = (1 << bit for bit in range(12, 19))
_LINK, _DOT, _SEPARATOR, _IDS, _CARS = (1 << bit for bit in range(19, 24))
_NOTABLE, _FIRST, _SECOND, _NUMERAL, _MEASURE = (1 << bit for bit in range(24, 29))
_LATIN = _DIGIT | _LETTER
_ADDRESS = _NUMBERED | _LATIN | _UNIT | _PLACE | _ADMIN | _HOUSE
_ROLE, _DOUBLE, _STOP, _ENDING = 1, 2, 4, 8
_PLANE, _SLOTS = 65536, 4096
_REACH = 15
"""Characters an address sign reaches; the longest expression of the gate spans fourteen."""

_CHARACTERS = (
    (_HAN_DIGIT, HAN_DIGITS),
    (_SPECIAL, "@"),
    (_DASH, "\u3000\u2013\u2014\u301c\u223c\u02dc\uff0d－＂＃＄％＆＇＊．／＜＝＞｛｜｝～"),
    (_ROAD, "".join(kind[-1] for kind in PLACE_ENDS)),
    (_NUMBERED, "第一二三四五六七八九十百甲乙丙丁东西南北-"),
    (_UNIT, "号弄栋幢座单室楼层房院区门#"),
    (_ADMIN, "市区县州旗省"),
    (_PLACE, "路道街镇乡巷同区园寓苑村厦场地"),
    (_HOUSE, "栋幢座弄楼"),
    (_LINK, ":： \u3000为是叫"),
    (_DOT, "·•・‧"),
    (_SEPARATOR, " -."),
    (_IDS, "微薇威徽維维卫唯葳溦嶶伪泡绿❤♥➕"),
    (_CARS, "车車牌"),
    (_NOTABLE, "@:点點特我微薇威徽維维卫唯葳溦嶶伪泡绿❤♥➕车車牌"),
    (_NUMERAL, names.COUNTS),
    (_MEASURE, names.MEASURES),
)


def _table() -> NDArray[np.uint32]:
    """Return the classes of the characters of the basic plane, then keys and values of the known pairs."""
    table = np.zeros(_PLANE + 2 * _SLOTS, dtype=np.uint32)

    def add(flag: int, characters: Iterable[str]) -> None:
        for char in characters:
            table[ord(char)] |= flag

    for low, high in re.findall(r"\\x\{(\w+)\}(?:-\\x\{(\w+)\})?", LOOK_ALIKE):
        table[int(low, 16) : min(_PLANE, int(high or low, 16) + 1)] |= _LOOK
    add(_LOOK, "\ufe0f\u200d\u20e3")
    for flag, characters in _CHARACTERS:
        add(flag, characters)
    for low, high, flag in (
        ("0", "9", _DIGIT),
        ("A", "Z", _LETTER),
        ("a", "z", _LETTER),
        ("À", "ԯ", _LETTER),
    ):
        table[ord(low) : ord(high) + 1] |= flag
    add(_SURNAME, names.STRICT | names.WEAK | {name[0] for name in names.DOUBLE})
    add(_STRICT, names.STRICT)
    add(_WEAK, names.WEAK)
    add(_GIVEN, names.GIVEN)
    add(_AFTER, {word[0] for word in names.AFTER})
    add(_FOREIGN, names.FOREIGN)
    add(_RARE, names.FOREIGN - names.ORDINARY)
    pairs: dict[str, int] = {}
    for flag, words in (
        (_ROLE, (word[-2:] for word in names.BEFORE)),
        (_DOUBLE, names.DOUBLE),
        (_STOP, names.STOP),
        (_ENDING, names.ENDINGS),
    ):
        for word in words:
            pairs[word] = pairs.get(word, 0) | flag
            if flag & (_ROLE | _DOUBLE):
                add(_FIRST, word[0])
                add(_SECOND, word[-1])
    for word, flag in pairs.items():
        if len(word) != 2:
            continue
        first, second = map(ord, word)
        slot = (first * 31 + second * 7) % _SLOTS
        while table[_PLANE + slot]:
            slot = (slot + 1) % _SLOTS
        table[_PLANE + slot] = first << 16 | second
        table[_PLANE + _SLOTS + slot] = flag
    return table


def _compiled(function: Callable[..., int]) -> Callable[..., int]:
    return cast("Callable[..., int]", numba.njit(cache=True)(function))


@_compiled
def _pair(table: NDArray[np.uint32], first: int, second: int) -> int:
    """Return what is known of two neighbouring characters."""
    key = first * 65536 + second
    slot = (first * 31 + second * 7) % _SLOTS
    while table[_PLANE + slot]:
        if table[_PLANE + slot] == key:
            return int(table[_PLANE + _SLOTS + slot])
        slot = (slot + 1) % _SLOTS
    return 0


@_compiled
def _read(table: NDArray[np.uint32], data: bytes) -> int:
    found = 0
    size = len(data)
    at = place = 0
    code1 = code2 = code3 = 0
    class1 = class2 = class3 = 0
    chain = han_in_chain = han = joints = 0
    admin = older = road = -100
    role = -1
    length = 0
    # the chain of Latin words and numbers at hand: its letters and digits, how many of them are digits,
    # its words, and how many other characters came since the last of them
    joined = numbers = words = gap = 0
    lettered = numbered = follows = False
    special = handle = vehicle = long = short = False
    while at < size:
        byte = int(data[at])
        if byte < 0x80:
            code = byte
            at += 1
        elif byte < 0xE0:
            code = (byte & 31) << 6 | (int(data[at + 1]) & 63)
            at += 2
        elif byte < 0xF0:
            code = (byte & 15) << 12 | (int(data[at + 1]) & 63) << 6 | (int(data[at + 2]) & 63)
            at += 3
        else:
            code = 0x10000
            if byte != 0xF0 or data[at + 1] != 0x9F or (data[at + 2] & 63) < 5 or data[at + 2] == 0xAF:
                found |= WIDE
            at += 4
        place += 1
        kind = int(table[code]) if code < _PLANE else 0
        if (kind & (_LOOK | _DASH)) or class1 & _DASH:
            beside = (kind & _DASH and class1 & _LATIN) or (class1 & _DASH and kind & _LATIN)
            if kind & _LOOK or beside or (class1 & _DASH and code == 35):
                found |= WIDE
        # Latin words and numbers: a number of four digits, several words, one too long to be everyday,
        # one of letters and digits; and the Han characters that divide a mail address or an IP address
        if kind & _LATIN:
            if length == 0:
                lettered = numbered = False
                follows = words > 0 and gap < 7
                if gap > 6:
                    joined = numbers = words = 0
                words += 1
            length += 1
            joined += 1
            if kind & _DIGIT:
                numbers += 1
                numbered = True
            else:
                lettered = True
            if numbers > 3 or length > 9 or (words > 1 and joined > 5):
                special = True
            if (length > 3 and lettered and numbered) or (joined > 3 and follows and numbers == 0):
                special = True
            short = short or joined > 2
            long = long or length > 5
            gap = 0
            if code1 == 0x5728 or (code1 == 0x5708 and kind & _LETTER) or code1 == 0x7279 or code1 == 0x9F20:
                special = True
            if code1 == 0x3002 and class2 & _LETTER and kind & _LETTER:
                special = True
        else:
            length = 0
            gap += 1 if code < 0x3400 or code > 0x9FFF else 7
            if kind & _NOTABLE:
                if code == 0x70B9 or code == 0x9EDE:
                    gap -= 6
                    special = special or class1 & _LETTER > 0
                if kind & _SPECIAL or (code == 58 and code1 == 58):
                    special = True
                if code == 0x7279 and (code1 == 0x827E or code1 == 0x7231):
                    special = True
                handle = handle or kind & _IDS > 0 or (code == 0x6211 and code1 == 0x52A0)
                vehicle = vehicle or kind & _CARS > 0
        # digits in Han characters: chains of three, or many with pauses between
        if kind & (_HAN_DIGIT | _DIGIT):
            chain += 1
            if kind & _HAN_DIGIT:
                han += 1
                han_in_chain += 1
            if chain >= 3 and han_in_chain:
                found |= WIDE
            joints = 0
        elif chain:
            if kind & _SEPARATOR and not joints:
                joints = 1
            else:
                chain = han_in_chain = joints = 0
        if kind & _ADDRESS:
            after_road = class1 & _ROAD or (class2 & _ROAD and code1 == 32)
            if after_road and kind & (_NUMBERED | _LATIN):
                road = place
            if kind & (_UNIT | _DIGIT) and place - road < _REACH:
                found |= WIDE
            if kind & _PLACE and (1 < place - admin < _REACH or place - older < _REACH):
                found |= WIDE
            if kind & _ADMIN:
                older, admin = admin, place
            if kind & _HOUSE and (class1 & _DIGIT or code1 == 0x53F7):
                found |= WIDE
        if code == 0x5143 and code1 == 0x5355:
            found |= WIDE
        if kind & _DOT and code1 >= 0x3400:
            found |= WIDE
        if role >= 0:
            if kind & _SURNAME:
                found |= WIDE
            role = role - 1 if kind & _LINK and role else -1
        # names: a double surname, a role, a surname and a given name, a transliteration, one before a title
        if class1 & _FIRST and kind & _SECOND:
            known = _pair(table, code1, code)
            if known & _DOUBLE:
                found |= WIDE
            if known & _ROLE:
                role = 3
        if kind & _GIVEN and class1 & _STRICT and not found & PAIR:
            stops = _pair(table, code1, code) & _STOP or (class2 & _NUMERAL and class1 & _MEASURE)
            if not stops and not (code2 < _PLANE and _pair(table, code2, code1) & _ENDING):
                found |= PAIR
        if class2 & class1 & kind & _FOREIGN and not found & PAIR:
            rare = int(class2 & _RARE > 0) + int(class1 & _RARE > 0) + int(kind & _RARE > 0)
            if rare > 1 and not (code3 < _PLANE and _pair(table, code3, code2) & _ENDING):
                found |= PAIR
        if kind & _AFTER and class1 & _GIVEN and (class2 & _WEAK or (class2 & _GIVEN and class3 & _WEAK)):
            found |= PAIR
        code3, code2, code1 = code2, code1, code
        class3, class2, class1 = class2, class1, kind
    if han >= 10:
        found |= WIDE
    if special or (handle and long) or (vehicle and short):
        found |= MIXED
    return found


class Prefilter:
    """Says which searches a text could need.

    Examples
    --------
    >>> Prefilter().read("物流很快，很满意".encode())
    0
    >>> Prefilter().read("客户张伟说不好，电话13812345678".encode()) == WIDE | MIXED | PAIR
    True
    """

    def __init__(self) -> None:
        self.read: Callable[[bytes], int] = partial(_read, _table())
        """Return `WIDE`, `MIXED` and `PAIR`, as bits, of a text in UTF-8."""
        self.read(b"")
