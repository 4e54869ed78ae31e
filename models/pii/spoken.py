"""Numbers read out in English words, as transcripts of calls write them: "four one five, double five …"."""

from __future__ import annotations

import re

from models.pii.checksum import luhn
from models.pii.context import CARD, ORDER, PHONE, SSN
from models.pii.span import Candidate
from models.pii.view import View

_DIGITS = {"oh": "0", "o": "0", "zero": "0", "nought": "0", "one": "1", "two": "2", "three": "3", "four": "4"}
_DIGITS |= {"five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9"}
_TIMES = {"double": 2, "triple": 3}
_WORD = "(?:double |triple )?(?:zero|nought|oh|o|one|two|three|four|five|six|seven|eight|nine)"
_LINK = r"(?:[ ,.\n-]{1,3}|, then | then | and | area code )"
_RUN = re.compile(rf"\b{_WORD}(?:{_LINK}{_WORD}){{5,18}}\b")
TRIGGERS = (
    r"(?i)\b(?:(?:zero|nought|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
    r"[ ,.\n\-]{1,3}){3}",
)
"""What the gate looks for before this recogniser runs."""


def find(view: View) -> list[Candidate]:
    """Return telephone, card and social security numbers in words."""
    found: list[Candidate] = []
    for match in _RUN.finditer(view.lower):
        digits = _digits(match.group())
        kind = _kind(digits, view.before(match.start(), 28))
        if kind:
            found.append(Candidate(match.start(), match.end(), kind, digits, 70))
    return found


def _digits(words: str) -> str:
    digits, times = "", 1
    for word in re.findall("[a-z]+", words):
        digits += _DIGITS.get(word, "") * times
        times = _TIMES.get(word, 1)
    return digits


def _kind(digits: str, label: int) -> str | None:
    count = len(digits)
    if label & CARD or (15 <= count <= 19 and luhn(digits)):
        return "BANK_CARD" if 12 <= count <= 19 else None
    if label & SSN:
        return "SSN" if count == 9 else None
    if label & ORDER:
        return None
    return "PHONE" if 10 <= count <= 13 or (count >= 7 and label & PHONE) else None
