"""Telephone numbers: Chinese mobile and landline, international, North American, other national forms.

Personal numbers of other countries that have no type of their own (Aadhaar, NHS, Steuer-ID…) are
masked here too when their label names them: they share the shapes of telephone numbers.
"""

from __future__ import annotations

import json
import re
from importlib import resources

from models.pii.context import CARD, CARRIER, HOTLINE, ID, NATIONAL, ORDER, PASSPORT, PHONE, SSN
from models.pii.digits import Window
from models.pii.phone_place import (
    han_beside,
    is_amount,
    is_date,
    is_dotted_quad,
    landline_shape,
    left_decimal,
    stands_alone,
)
from models.pii.phone_signs import (
    CALLED,
    COURIER,
    EXTENSION,
    GOODS,
    HAN,
    HOTLINE_PREFIX,
    HYPHEN_EXTENSION,
    INVOICE,
    MEETING,
    NEXT,
    PART_OF_LINK,
    SENT,
    TEXTED,
    WAYBILL,
    abroad,
)
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "PHONE"
COUNTS = range(7, 18)
"""Digits a number has."""
SHAPES = tuple(
    tuple(map(int, shape.split("-")))
    for shape in resources.files("models.pii").joinpath("phone_shapes.txt").read_text("utf-8").split()
)
"""Usual ways to group the digits of a number, of any country."""
_TOLL_FREE = ("800", "888", "877", "866", "855", "844", "833", "822")
_MOBILE = re.compile(r"(?:86|0086|0)?(1[3-9][0-9]{9})")
_MOBILE_SHAPES = frozenset(((3, 4, 4), (4, 4, 3), (4, 3, 4), (3, 8), (2, 3, 4, 4), (2, 11), (4, 3, 4, 4)))
_LANDLINE = re.compile(r"(0(?:10|2[0-57-9])[2-9][0-9]{7}|0[3-9][1-9][0-9][2-9][0-9]{6,7})")
_NANP = re.compile("[2-9][0-9]{2}[2-9]|555")
_FOREIGN_MOBILE = re.compile("0[5-9][0-9]{8}|0(?:7[0-9]|[89]0|9[0-9])[0-9]{8}")
"""Mobiles with their trunk "0" in one run: Taiwan, France, Israel, Vietnam; Britain, Japan, Manila."""


def _plans() -> dict[str, tuple[int, int]]:
    raw = json.loads(resources.files("models.pii").joinpath("numbering.json").read_text("utf-8"))
    return {code: (low, high) for code, (low, high) in raw.items()}


PLANS = _plans()
"""Country calling codes (ITU-T E.164) and least and most digits of a national number."""


def judge(view: View, window: Window) -> Candidate | None:
    """Read a window as a telephone number, or return nothing.

    Parameters
    ----------
    view
        The text around it: a "+", labels before and after, an extension.
    window
        Groups of digits.
    """
    count = len(window.digits)
    if count > 17 or is_dotted_quad(view, window) or not stands_alone(view, window):
        return None
    digits = window.digits
    text, start = view.text, window.start
    plus = text[start - 1 : start] == "+" or text[max(0, start - 2) : start] in ("+(", "+ ")
    if plus:
        value = _international(digits, window)
        if value:
            return _candidate(view, window, value, 96, plus=True)
        return None
    if digits[:2] == "00" and count >= 10 and window.isolated:
        value = _international(digits[2:], window)
        if value and (len(window.shape) > 1 or digits[2:4] == "86" or view.before(start) & PHONE):
            return _candidate(view, window, value, 96)
    mobile = _MOBILE.fullmatch(digits)
    if mobile and window.shape != (1, 3, 3, 4):
        if left_decimal(window):
            return None
        label = view.before(start, 8)
        named = bool(
            (label & ORDER or (label & CARRIER and count == 13 and len(window.shape) == 1))
            and not label & (PHONE | HOTLINE)
            and (len(window.shape) == 1 or not window.isolated or window.shape not in _MOBILE_SHAPES)
        )
        sent = (
            SENT.search(text, max(0, start - 8), start)
            or view.after(window.end, 6) & PHONE
            or (named and COURIER.search(text, max(0, start - 12), start))
        )
        named |= (
            window.gaps[:1] == ("-",)
            and window.shape in ((3, 8), (3, 4, 4))
            and not label & PHONE
            and WAYBILL.search(view.lower, max(0, start - 24), start) is not None
        )
        named |= (
            window.shape == (3, 4, 4)
            and not label & PHONE
            and MEETING.search(view.lower, max(0, start - 24), start) is not None
        )
        fraction = window.gaps == ("/",) and not label & PHONE
        if (named or fraction) and not sent:
            return None
        return _candidate(view, window, "86" + mobile.group(1), 95 if window.isolated else 70)
    if count == 10 and (digits[:3] == "400" or (digits[:3] == "800" and HAN.search(text))):
        return None
    extended = window.right == "-" and window.left != "-" and HYPHEN_EXTENSION.match(text, window.end)
    if (
        digits[0] == "0"
        and (window.isolated or extended)
        and _LANDLINE.fullmatch(digits)
        and landline_shape(window)
    ):
        label = view.before(start)
        if not label & ORDER or label & PHONE:
            return _candidate(view, window, "86" + digits[1:], 80, landline=True)
    if (
        digits[:2] == "86"
        and len(window.shape) > 1
        and window.isolated
        and 1 < window.shape[0] < 5
        and _LANDLINE.fullmatch("0" + digits[2:])
    ):
        return _candidate(view, window, digits, 80, landline=True)
    if window.shape == (3, 8) and digits[:3] in ("852", "853") and digits[3] in "235689" and window.isolated:
        return _candidate(view, window, digits, 65)
    return _national(view, window)


def _national(view: View, window: Window) -> Candidate | None:
    """Read a number without country code: by grouping if it is telling, else by its label."""
    digits, shape = window.digits, window.shape
    count = len(digits)
    if count > 15 or is_date(view, window) or left_decimal(window):
        return None
    if HOTLINE_PREFIX.search(view.text, max(0, window.start - 6), window.start):
        return None
    if len(shape) > 1 and window.isolated and abroad(view.lower, window.start, digits, shape[0]):
        return _candidate(view, window, digits, 79)
    label = view.before(window.start)
    if shape == (8,) and label & PHONE and INVOICE.search(view.text, max(0, window.start - 32), window.start):
        return None
    toll_free = digits.removeprefix("1")[:3] in _TOLL_FREE
    if toll_free and (
        (label | view.after(window.end, 14)) & HOTLINE
        or (digits[0] == "1" and not label & PHONE)
        or CALLED.search(view.lower, max(0, window.start - 16), window.start)
    ):
        return None
    texted = TEXTED.search(view.lower, max(0, window.start - 40), window.start)
    if texted:
        label &= ~ORDER
    labelled = (
        bool(label & PHONE)
        or bool(texted)
        or view.text[window.start - 1 : window.start] == "打"
        or bool(label & NATIONAL and not label & (ID | SSN))
    )
    if not labelled and label & (ORDER | CARRIER | CARD | ID | SSN | PASSPORT):
        written_apart = shape == (3, 3, 4) and window.gaps[1] == "-" and window.isolated
        if not (written_apart and label == CARRIER and _NANP.match(digits)):
            return None  # no parcel's number is cut as North American telephone numbers are
    value = digits
    score = 0
    if count == 10 and digits[0] in "23456789" or count == 11 and digits[0] == "1":
        value = digits if count == 11 else "1" + digits
        if shape in ((3, 3, 4), (1, 3, 3, 4)) and window.isolated:
            score = 70
        elif (
            shape == (10,)
            and len(set(digits)) > 2
            and _NANP.match(digits)
            and not han_beside(view, window)
            and (labelled or not PART_OF_LINK.search(view.text, max(0, window.start - 2), window.start))
        ):
            score = 55
    elif len(shape) == 1 and _FOREIGN_MOBILE.fullmatch(digits) and len(set(digits)) > 3:
        score = 52
    if score == 70 and not labelled and set(window.gaps) == {"."} and not _NANP.match(value[1:]):
        score = 0  # no exchange begins so (NANP): a figure with dots
    if score == 70 and not labelled and GOODS.match(view.text, window.end):
        score = 0
    grouped = len(shape) > 1 and window.isolated
    if (
        grouped
        and digits[0] == "0"
        and 9 <= count <= 12
        and 2 <= shape[0] <= 5
        and min(shape) >= 2
        and len(shape) <= 5
    ):
        score = max(score, 60)
    if (
        grouped
        and view.text[window.start - 1 : window.start] in ("(", "（")
        and window.gaps[0].lstrip()[:1] in (")", "）")
    ):
        score = max(score, 60 if count <= 11 or shape == (3, 3, 3, 3) else 0)
    if (
        shape == (2, 4, 4)
        and window.isolated
        and window.gaps == (" ", "-")
        and digits[2:4] not in ("19", "20")
    ):
        score = max(score, 55)
    if not score and is_amount(view, window, label):
        return None
    named_after = (
        not label
        and view.after(window.end) & PHONE
        and not NEXT.search(view.text, window.end, window.end + 24)
    )
    if not score and (labelled or named_after):
        listed = max(shape) <= 2 and not window.isolated
        score = 50 if count <= 13 and not listed else 0
    return _candidate(view, window, value, score) if score else None


def _international(digits: str, window: Window) -> str | None:
    """Return country code and national number without the trunk "(0)", or nothing."""
    for length in (1, 2, 3):
        plan = PLANS.get(digits[:length])
        if plan:
            low, high = plan
            national = digits[length:]
            if national[:1] == "0" and digits[:2] != "39" and len(national) > low:
                national = national[1:]
            if low <= len(national) <= high or (len(national) > 7 and low - 1 <= len(national) <= high + 1):
                return digits[:length] + national
            return None
    return None


def _candidate(
    view: View, window: Window, value: str, score: int, *, plus: bool = False, landline: bool = False
) -> Candidate:
    text, start, end = view.text, window.start, window.end
    if plus:
        start = text.rfind("+", 0, start)
    between = "".join(window.gaps)
    closed = any(bracket in between for bracket in ")）]】")
    if text[start - 1 : start] in ("(", "（", "[", "【") and (closed or text[end : end + 1] in (")", "）")):
        start -= 1
        if not closed:
            end += 1
    extension = EXTENSION.match(text, end) or (HYPHEN_EXTENSION.match(text, end) if landline else None)
    if extension:
        end = extension.end()
    return Candidate(start, end, TYPE, value, score)
