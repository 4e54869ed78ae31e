"""US social security numbers: 3-2-4 digits with an area that is issued, or any nine under the label."""

from __future__ import annotations

from models.pii.context import ORDER, PASSPORT, PHONE, SSN
from models.pii.digits import Window
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "SSN"
SHAPES = ((3, 2, 4), (3, 6), (5, 4), (3, 3, 3))


def judge(view: View, window: Window) -> Candidate | None:
    """Read a window as a social security number, or return nothing.

    An area of 000, 666 or from 900, group 00 and serial 0000 are never issued (SSA, randomisation
    of 2011); under a label they are masked all the same.
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
    label = view.before(window.start, 28)
    if label & SSN:
        return Candidate(window.start, window.end, TYPE, digits, 82)
    if window.shape != (3, 2, 4) or not window.isolated or label & (ORDER | PHONE | PASSPORT):
        return None
    issued = digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"
    if issued and len({gap.strip() for gap in window.gaps}) == 1:
        return Candidate(window.start, window.end, TYPE, digits, 76)
    if not label and view.after(window.end, 16) & SSN:
        return Candidate(window.start, window.end, TYPE, digits, 70)
    return None
