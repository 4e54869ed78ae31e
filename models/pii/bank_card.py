"""Payment cards (ISO/IEC 7812: issuer prefix, length, Luhn) and IBANs; a label alone is enough."""

from __future__ import annotations

import re

from models.pii.checksum import IBAN_LENGTHS, gb_shape, iban, luhn
from models.pii.context import ACCOUNT, CARD, CARRIER, ID, ORDER, PHONE
from models.pii.digits import Window
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "BANK_CARD"
COUNTS = range(12, 20)
"""Digits a number has."""
SHAPES = (
    *(
        (4, 4, 4, 4),
        (4, 4, 4, 4, 3),
        (4, 4, 4, 4, 2),
        (4, 4, 4, 4, 1),
        (4, 4, 4, 5),
        (4, 4, 4, 7),
        (4, 4, 4, 6),
    ),
    *(
        (4, 6, 5),
        (4, 6, 4),
        (4, 4, 4, 3),
        (4, 4, 4, 1),
        (4, 5, 6),
        (4, 4, 4),
        (6, 13),
        (6, 4, 4, 5),
        (6, 10),
        (6, 9),
    ),
    *(
        (8, 8),
        (4, 12),
        (12, 4),
        (6, 6, 4),
        (6, 6, 7),
        (4, 4, 8),
        (8, 4, 4),
        (4, 8, 4),
        (5, 5, 5, 4),
        (5, 5, 6),
        (6, 4, 6),
    ),
    *(
        (6, 4, 4, 4, 1),
        (3, 4, 4, 4, 4),
        (4, 5, 5, 5),
        (4, 5, 4),
        (4, 4, 5),
        (4, 3, 3, 3),
        (4, 15),
        (4, 4, 11),
        (6, 6, 6, 1),
    ),
)
_IIN = re.compile(
    r"4(?:.{15}|.{12}|.{18})$|5[1-5].{14}$|50.{14}$|0604.{8}$|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720).{11,14}$|3[47].{13}$"
    r"|3(?:0[0-59]|[68]|9).{11,17}$|35.{14,17}$|(?:2131|1800).{11}$|6(?:011|4[4-9]|5).{12,16}$|62.{14,17}$"
    r"|(?:5018|5020|5038|5[6-8]|63|67|60|81|9558|9555|955|9400|456351|220[0-4]).{8,17}$"
)
_SHORT_IIN = re.compile(
    "4.{12}$|30[0-5].{11}$|3[689].{12}$|(?:5018|5020|5038|5893|6304|6390|6759|676[123]|0604).{8}$"
)
"""Visa of 13, Diners of 14, Maestro of 12 digits; other short ones share their shape with too much else."""
_LONG_IIN = re.compile(r"(?:4|5[0-9]|6|9558|955|94|3[0-9]|81|22|2[2-7]|1800|2131)")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ "
    r"-]?[A-Za-z0-9]{1,4})?(?![A-Za-z0-9])"
)


def judge(view: View, window: Window) -> Candidate | None:
    """Read a window as a card number, or return nothing."""
    digits = window.digits
    count = len(digits)
    if not 12 <= count <= 19 or len(set(digits)) == 1:
        return None
    text = view.text
    before, after = text[window.start - 1 : window.start], text[window.end : window.end + 1]
    if after.isascii() and (after.isalpha() or after == "_"):
        return None
    glued = before and before.isascii() and (before.isalpha() or before in "_.$")
    if before == "." and text[window.start - 2 : window.start - 1].isalpha():
        glued = False  # the dot of "no."
    if glued and not view.glued(window.start) & CARD:
        return None
    if window.left == "." or window.right == ".":
        return None
    label = view.before(window.start)
    valid = luhn(digits)
    if label & CARD:
        if valid or (count >= 13 and not label & ORDER):
            return Candidate(window.start, window.end, TYPE, digits, 92 if valid else 74)
        return None
    if label & (ORDER | ID) or (label & CARRIER and (count < 16 or not window.isolated)):
        return None
    if (
        valid
        and _IIN.match(digits)
        and (count >= 15 or _SHORT_IIN.match(digits) or _mentions_card(view, window.start))
    ):
        if count == 18 and gb_shape(digits):
            return None
        return Candidate(window.start, window.end, TYPE, digits, 78)
    if (
        label & ACCOUNT
        and not label & PHONE
        and (valid and _LONG_IIN.match(digits) or _mentions_card(view, window.start))
    ):
        return Candidate(window.start, window.end, TYPE, digits, 62)
    return None


def find(view: View) -> list[Candidate]:
    """Return the IBANs: right length and check digits, or the word IBAN before."""
    found = []
    for match in view.each(_IBAN):
        number = re.sub(r"[ -]", "", match.group()).upper()
        length = IBAN_LENGTHS.get(number[:2], 0)
        end = match.end()
        if length and len(number) > length:
            end = _cut(view.text, match.start(), length)
            number = number[:length]
        if iban(number) or "iban" in view.lower[max(0, match.start() - 12) : match.start()]:
            found.append(Candidate(match.start(), end, TYPE, number, 90))
    return found


def _cut(text: str, start: int, length: int) -> int:
    """Return where `length` letters or digits from `start` end."""
    seen = 0
    for index in range(start, len(text)):
        seen += text[index].isalnum()
        if seen == length:
            return index + 1
    return len(text)


def _mentions_card(view: View, start: int) -> bool:
    return any(label.categories & CARD and label.end <= start for label in view.labels)
