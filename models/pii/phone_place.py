"""Where digits stand that telephone numbers do not: in words, amounts, decimals, addresses, dates."""

from __future__ import annotations

from models.pii.checksum import is_compact_date
from models.pii.context import BARE_WORD, PHONE
from models.pii.digits import GLUE_BEFORE, Window
from models.pii.phone_signs import EXTENSION, GLUE_AFTER, QUAD, UNITS, YEAR_DATE
from models.pii.view import View


def stands_alone(view: View, window: Window) -> bool:
    """Tell whether no letter touches the number, short words such as "tel" apart."""
    text = view.text
    before = text[window.start - 1 : window.start]
    if before and before in "$€£¥_":
        return False
    if before.isascii() and before.isalpha():
        glued = view.lower[max(0, window.start - 12) : window.start]
        if not GLUE_BEFORE.search(glued):
            return False
    after = text[window.end : window.end + 1]
    if after == "@" and not text[window.end + 1 : window.end + 2].isascii():
        return True
    if after and after.isascii() and (after.isalpha() or after in "_@%"):
        return after.isalpha() and (
            GLUE_AFTER.match(text, window.end) is not None or EXTENSION.match(text, window.end) is not None
        )
    return before != "." or not text[window.start - 2 : window.start - 1].isdigit()


def is_amount(view: View, window: Window, label: int) -> bool:
    """Tell whether few digits under a label read as a count, as in "message 1 of 10000000"."""
    shape = window.shape
    if view.text[window.end : window.end + 1] in UNITS or ("." in window.gaps and set(window.gaps) != {"."}):
        return True
    return bool(label & BARE_WORD) and len(window.digits) < 10 and (len(shape) == 1 or max(shape) == 2)


def left_decimal(window: Window) -> bool:
    """Tell whether the digits are the fraction of a decimal number."""
    return window.left == "." and "." not in window.gaps or window.right == "." and "." not in window.gaps


def is_dotted_quad(view: View, window: Window) -> bool:
    """Tell whether the window holds an IP address, perhaps with a port or other numbers beside it."""
    return window.gaps.count(".") > 2 and QUAD.search(view.text, window.start, window.end) is not None


def landline_shape(window: Window) -> bool:
    """Tell whether a Chinese landline is cut after its area code, if at all."""
    area = 3 if window.digits[1] in "12" else 4
    shape = window.shape
    return len(shape) == 1 or shape[0] == area


def is_date(view: View, window: Window) -> bool:
    """Tell whether the digits are a day of the calendar."""
    digits = window.digits
    if len(digits) == 8 and is_compact_date(digits):
        return True
    return len(window.shape) > 1 and YEAR_DATE.match(view.text, window.start) is not None


def han_beside(view: View, window: Window) -> bool:
    """Tell whether a Chinese character touches a number that no label names."""
    near = view.text[max(0, window.start - 1) : window.start] + view.text[window.end : window.end + 1]
    return any("㐀" <= char <= "鿿" for char in near) and not view.before(window.start) & PHONE
