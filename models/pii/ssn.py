"""US social security numbers: 3-2-4 digits with an area that is issued, or any nine under the label."""

from __future__ import annotations

from models.pii.context import ORDER, PASSPORT, PHONE, SSN
from models.pii.digits import Window
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "SSN"
COUNTS = range(9, 10)
"""Digits a number has."""
_ITIN_GROUPS = frozenset((*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)))
SHAPES = ((3, 2, 4), (3, 6), (5, 4), (3, 3, 3))


def judge(view: View, window: Window) -> Candidate | None:
    """Read a window as a social security number, or return nothing.

    An area of 000 or 666, group 00 and serial 0000 are never issued (SSA, randomisation of 2011).
    """
    digits = window.digits
    if len(digits) != 9:
        return None
    text = view.text
    before, after = text[window.start - 1 : window.start], text[window.end : window.end + 1]
    if before and before.isascii() and (before.isalpha() or before in "_+"):
        return None
    if after.isascii() and (after.isalpha() or after == "_"):
        return None
    issued = _issued(digits)
    label = view.before(window.start, 28)
    if label & SSN and issued:
        return Candidate(window.start, window.end, TYPE, digits, 82)
    if window.shape != (3, 2, 4) or not window.isolated or label & (ORDER | PHONE | PASSPORT):
        return None
    if issued and digits[0] != "9" and len({gap.strip() for gap in window.gaps}) == 1:
        return Candidate(window.start, window.end, TYPE, digits, 76)
    return None


def _issued(digits: str) -> bool:
    """Tell whether area, group and serial can occur; from area 900 only tax numbers (ITIN) do."""
    if digits[:3] in ("000", "666") or digits[3:5] == "00" or digits[5:] == "0000":
        return False
    return digits[0] != "9" or int(digits[3:5]) in _ITIN_GROUPS
