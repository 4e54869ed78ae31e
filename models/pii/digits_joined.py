"""Numbers whose groups are divided by commas and the like, as transcripts of calls write pauses."""

from __future__ import annotations

import re

from models.pii.context import CARD, ID, PHONE
from models.pii.digits import LEAST_DIGITS, MOST_DIGITS, Judges, Window
from models.pii.span import Candidate
from models.pii.view import View

_JOINTS = r"[，,、|=+…\\:;；\n]"
_JOINED = re.compile(rf"(?<![0-9])[0-9]{{1,6}}(?:{_JOINTS} ?[0-9]{{1,8}}){{2,}}(?![0-9])")
_LEAST = LEAST_DIGITS + 2
_JOINED_SHAPES = frozenset(
    ((3, 4, 4), (3, 3, 4), (4, 4, 4, 4), (6, 8, 4), *((4, 4, 4, 4, last) for last in (1, 2, 3)))
)
"""Groupings that commas and the like may divide where a label names the number, as in a transcript."""


def read(view: View, judges: Judges) -> list[Candidate]:
    """Return numbers whose groups are divided by commas and the like, which lists of amounts are as well."""
    found: list[Candidate] = []
    for match in view.each(_JOINED):
        if match.end() - match.start() < _LEAST:
            continue  # a time of day
        groups = re.findall("[0-9]+", match.group())
        digits = "".join(groups)
        single = len(groups) == len(digits)
        shape = (len(digits),) if single else tuple(map(len, groups))
        if not (single and LEAST_DIGITS <= len(digits) <= MOST_DIGITS) and shape not in _JOINED_SHAPES:
            continue
        if len(set(re.sub("[0-9 ]", "", match.group()))) > 1:
            continue
        if not single and not view.before(match.start()) & (PHONE | CARD | ID):
            continue
        window = Window(*match.span(), digits, shape, True, (" ",) * (len(shape) - 1), "", "")
        for judge in judges.get(len(digits), ()):
            if candidate := judge(view, window):
                found.append(candidate)
                break
    return found
