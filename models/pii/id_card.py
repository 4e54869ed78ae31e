"""Identity cards: citizen numbers of 18 and 15 characters (GB 11643), Hong Kong, Macau, Taiwan, Singapore."""

from __future__ import annotations

import re

from models.pii.checksum import gb11643, gb_shape, hkid, luhn, nric, taiwan
from models.pii.context import CARD, ID, NATIONAL, ORDER, PASSPORT
from models.pii.digits import GLUE_BEFORE, Window
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "ID_CARD"
COUNTS = range(15, 19)
"""Digits a number has."""
SHAPES = (
    *(
        (6, 8, 4),
        (6, 4, 4, 4),
        (3, 3, 4, 4, 4),
        (6, 4, 2, 2, 4),
        (6, 12),
        (14, 4),
        (4, 4, 4, 4, 2),
        (6, 6, 6),
        (10, 8),
    ),
    *(
        (6, 8, 3),
        (6, 4, 4, 3),
        (3, 3, 4, 4, 3),
        (6, 4, 2, 2, 3),
        (6, 11),
        (14, 3),
        (4, 4, 4, 4, 1),
        (6, 6, 5),
    ),
    *(
        (6, 6, 3),
        (5, 5, 5),
        (6, 2, 2, 2, 3),
        (3, 3, 6, 3),
        (6, 9),
        (3, 3, 8, 4),
        (3, 3, 8, 3),
        (2, 4, 8, 4),
        (2, 4, 8, 3),
    ),
    *((3, 3, 3, 3, 3, 3), (17,), (18,), (15,)),
)
_X = re.compile(r"[ -]?[xX](?![A-Za-z0-9])")
_HKID = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z]{1,2}) ?([0-9]{6}) ?(?:[(（]([0-9Aa])[)）]|([0-9Aa])(?![A-Za-z0-9]))"
)
_TAIWAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][1289][0-9]{8}(?![A-Za-z0-9])")
_NRIC = re.compile(r"(?<![A-Za-z0-9])[STFGMstfgm][0-9]{7}[A-Za-z](?![A-Za-z0-9])")
_MACAU = re.compile(
    r"(?<![A-Za-z0-9/])[157](?:/[0-9]{6}/[0-9]|[0-9]{6} ?[(（][0-9][)）]|[0-9]{6}/[0-9])(?![A-Za-z0-9/])"
)
_MACAU_CONTEXT = re.compile("澳门|澳門|macau|macao|\\bbir\\b", re.IGNORECASE)


def judge(view: View, window: Window) -> Candidate | None:
    """Read a window as a citizen number, or return nothing."""
    digits, end = window.digits, window.end
    count = len(digits)
    if count == 17:
        letter = _X.match(view.text, end)
        if not letter:
            return None
        digits, end = digits + "X", letter.end()
    elif count not in (15, 18):
        return None
    announced = (
        GLUE_BEFORE.search(view.lower, max(0, window.start - 8), window.start)
        or view.glued(window.start) & ID
    )
    if _touches_letter(view.text, window.start, end) and not announced:
        return None
    possible = gb_shape(digits)
    if len(digits) == 18:
        if possible and gb11643(digits):
            return Candidate(window.start, end, TYPE, digits, 98)
        if view.before(window.start) & ID:
            return Candidate(window.start, end, TYPE, digits, 72)
        return None
    label = view.before(window.start)
    if label & ID:
        return Candidate(window.start, end, TYPE, digits, 80)
    if possible and not label & (ORDER | CARD) and not (digits[:2] in ("34", "37") and luhn(digits)):
        return Candidate(window.start, end, TYPE, digits, 52)
    return None


def find(view: View) -> list[Candidate]:
    """Return the cards with letters or a check digit set apart.

    A right check digit is enough where it is written apart, or leaves one chance in ten after a telling
    shape; without either the label decides.
    """
    text = view.text
    found: list[Candidate] = []
    for match in view.each(_HKID):
        letters, digits, apart, beside = match.groups()
        labelled = view.before(match.start()) & ID
        if labelled or (apart and hkid(letters, digits, apart)):
            found.append(_card(match, f"{letters}{digits}{apart or beside}", 85))
    for match in view.each(_TAIWAN):
        label = view.before(match.start())
        if label & ID or (taiwan(match.group()) and not label & (ORDER | PASSPORT | CARD)):
            found.append(_card(match, match.group(), 76))
    for match in view.each(_NRIC):
        label = view.before(match.start())
        if nric(match.group()) and (label & (ID | NATIONAL) or not label & ORDER):
            found.append(_card(match, match.group(), 76))
    for match in view.each(_MACAU):
        if view.before(match.start()) & ID or _MACAU_CONTEXT.search(
            text, max(0, match.start() - 20), match.start()
        ):
            found.append(_card(match, re.sub(r"\D", "", match.group()), 84))
    return found


def _card(match: re.Match[str], value: str, score: int) -> Candidate:
    return Candidate(match.start(), match.end(), TYPE, value.upper(), score)


def _touches_letter(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
