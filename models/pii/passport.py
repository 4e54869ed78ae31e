"""Passports and travel permits: Chinese forms by themselves, those of any country under their label."""

from __future__ import annotations

import re

from models.pii.context import ORDER, PASSPORT, PHONE
from models.pii.digits import Window
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "PASSPORT"
COUNTS = range(7, 11)
"""Digits a number has."""
_CHINESE = re.compile(
    r"(?<![A-Za-z0-9_])(?:E(?:[0-9]{8}|[A-HJ-NP-Z][0-9]{7})|G[0-9]{8}|[DSP]E[0-9]{7}|"
    r"[HM][0-9]{10}|K[J]?[0-9]{7,8})(?![A-Za-z0-9_])",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"(?:护照|護照|通行[证證]|回[乡鄉][证證]|台胞[证證]|入台[证證]|旅行[证證]|出入境"
    r"|passport|travel (?:document|permit)|\bppt)[^\n。;；]{0,24}?"
    r"(?<![A-Za-z0-9])((?=[A-Za-z0-9 -]{0,6}[0-9])(?![A-Za-z]{4}|[0-9]{1,4}x[0-9]|(?-i:[a-z]{2,4})[ -])"
    r"(?:(?-i:[A-Z]{1,3})[ -]?|[A-Za-z]{1,3}(?=[0-9])|[A-Za-z][ -])?"
    r"[0-9A-Za-z]{2,4}[ -]?[0-9A-Za-z]{3,7}(?:[(（][0-9A-Z][)）])?)(?![A-Za-z0-9])",
    re.IGNORECASE,
)


def judge(view: View, window: Window) -> Candidate | None:
    """Read seven to ten digits under a passport label as a passport number."""
    if not view.present & PASSPORT:
        return None
    before = view.text[window.start - 1 : window.start]
    if before.isascii() and before.isalpha():
        return None
    if 7 <= len(window.digits) <= 10 and view.before(window.start, 24) & PASSPORT:
        return Candidate(window.start, window.end, TYPE, window.digits, 83)
    return None


def find(view: View) -> list[Candidate]:
    """Return passport numbers with letters."""
    found: list[Candidate] = []
    for match in view.each(_CHINESE):
        label = view.before(match.start())
        if not label & (ORDER | PHONE) or label & PASSPORT:
            found.append(Candidate(match.start(), match.end(), TYPE, match.group().upper(), 74))
    view.spend(2 * sum(1 for label in view.labels if label.categories & PASSPORT))
    for match in view.each(_LABELLED):
        value = re.sub(r"[ ()（）-]", "", match.group(1)).upper()
        if 6 <= len(value) <= 11 and sum(char.isdigit() for char in value) >= 4:
            found.append(Candidate(match.start(1), match.end(1), TYPE, value, 79))
    return found
