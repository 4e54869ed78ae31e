"""Find personal data: gate, normalise if needed, recognise, settle overlaps, map offsets back."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from models.pii import (
    address_chinese,
    address_western,
    bank_card,
    digits_joined,
    email,
    id_card,
    ip,
    name_chinese,
    name_english,
    name_signs,
    passport,
    phone,
    plate,
    qq,
    spoken,
    ssn,
    thorough,
    triggers,
    url_token,
    wechat,
)
from models.pii.digits import by_count, prefixes, read
from models.pii.gate import Gate
from models.pii.normal import Normal, normalise
from models.pii.span import Candidate, Span
from models.pii.view import TooMuchEffortError, View, blank

_NUMBERS = (id_card, bank_card, ssn, phone, passport)
_JUDGES = by_count((system.judge, system.COUNTS) for system in _NUMBERS)
_SHAPES = prefixes((*phone.SHAPES, *id_card.SHAPES, *bank_card.SHAPES, *ssn.SHAPES))


_FINDERS: tuple[tuple[int, Callable[[View], list[Candidate]], int], ...] = (
    (triggers.EMAIL, email.find, 20),
    (triggers.IP, ip.find, 100),
    (triggers.PLATE, plate.find, 130),
    (triggers.PASSPORT, passport.find, 170),
    (triggers.WECHAT, wechat.find, 200),
    (triggers.QQ, qq.find, 150),
    (triggers.URL, url_token.find, 100),
    (triggers.ADDRESS, address_chinese.find, 200),
    (triggers.WESTERN_ADDRESS, address_western.find, 20),
    (triggers.POST_BOX, address_western.find_boxes, 300),
    (triggers.EUROPEAN_ADDRESS, address_western.find_european, 350),
    (triggers.NAME, name_chinese.find, 60),
    (triggers.NAME_PAIR, name_chinese.find_pairs, 40),
    (triggers.ENGLISH_NAME, name_english.find, 160),
    (triggers.CODES, id_card.find, 100),
    (triggers.CODES, bank_card.find, 20),
    (triggers.SPOKEN, spoken.find, 50),
)
"""The gate's bit, the recogniser, and its effort over a thousand characters besides what it judges."""
_READING_EFFORT, _DIGITS_EFFORT, _HIDDEN_EFFORT = 100, 60, 2
"""What a thousand characters take to read, and to search for digits; what an invisible character takes."""
_LONG = 2500
_PIECE = 2000
_LEAST_BLOCK = 1000
_LEAST_NEWS = 0.12
"""Share of bytes left when compressed: prose has .45 and more, a log of one template .2."""
_SPARE, _RATE = 3300, 0.2
"""Effort a long text may take, in all and a character more: from the piece on that takes more, the rest is
one finding. Feedback takes .05 to .2 a character, a transcript with times .4, hostile text 1 to 3."""
_MARGIN = 200
_WIDE_MARGIN = 2400
_MOST_FINDINGS = 100
_DIGIT = re.compile("[0-9〇零一二三四五六七八九幺两]+")
_LETTER = re.compile("[^\\W\\d_〇零一二三四五六七八九幺两]+")
_TRIGGERS = (
    (triggers.ADDRESS, address_chinese.TRIGGERS),
    (triggers.WESTERN_ADDRESS, address_western.TRIGGERS),
    (triggers.POST_BOX, address_western.BOX_TRIGGERS),
    (triggers.EUROPEAN_ADDRESS, address_western.EUROPEAN_TRIGGERS),
    (triggers.NAME, name_chinese.TRIGGERS),
    (triggers.SPOKEN, spoken.TRIGGERS),
    (triggers.ENGLISH_NAME, name_english.TRIGGERS),
)


def expressions() -> list[tuple[int, str]]:
    """Return what the name and address recognisers want the gate to look for, with their bits."""
    return [(bit, expression) for bit, triggers in _TRIGGERS for expression in triggers]


@lru_cache(maxsize=1)
def _gate() -> Gate:
    return Gate(expressions(), name_signs.is_suspicious)


class Finder:
    """Finds personal data in Chinese and English text.

    The gate keeps clean text cheap: it decides which recognisers have work to do. What it lets
    through is normalised one code point for one, read by the recognisers, and overlapping
    findings become one span of the surest type.

    Parameters
    ----------
    names
        "fast" finds names and addresses by context; "thorough" adds a tagger, which needs the
        extra packages of `models.pii.thorough`.
    gated
        Run every recogniser on every text when false; for tests that compare the two.

    Examples
    --------
    >>> Finder().find("电话１３８-１２３４-５６７８")
    [Span(start=2, end=15, type='PHONE', value='8613812345678')]
    """

    def __init__(self, names: Literal["fast", "thorough"] = "fast", *, gated: bool = True) -> None:
        self.names = names
        self._thorough = names == "thorough"
        if self._thorough:
            thorough.load()
        self._gated = gated
        self._gate = _gate()
        self._bits = self._gate.bits
        self._skips = gated and not self._thorough

    def find(self, text: str, *, bounded: bool = True) -> list[Span]:
        """Return the findings by position, without overlaps.

        Parameters
        ----------
        text
            Any length; the cost is linear in it. A long text is read piece by piece.
        bounded
            Whether a text with a hundred findings is a list of personal data, whose rest becomes one
            more finding, and thousands of digits without letters are one finding each: hostile text then
            costs little, and nothing in it passes.
        """
        bits = self._bits(text)
        if not bits and self._skips:
            return []
        normal = Normal(text, None)
        if bits & triggers.NORMALISE or not self._gated:
            normal = normalise(text)
            if len(normal.text) <= _LONG:
                bits = self._gate.bits(normal.text) if self._gated else triggers.ALL
        if len(normal.text) > _LONG:
            hidden = len(text) - len(normal.text)
            found = self._pieces(blank(normal.text), bounded, _SPARE - _HIDDEN_EFFORT * hidden)
        else:
            found = self._whole(blank(normal.text), bits, bounded)
        if not found:
            return []
        return _map_back(merge(found), normal.origin)

    def _whole(self, text: str, bits: int, bounded: bool) -> list[Candidate]:
        try:
            return self._read(View(text, 2 * _SPARE if bounded and len(text) > _LEAST_BLOCK else None), bits)
        except TooMuchEffortError:
            return [_all_of(text, 0)]

    def _read(self, view: View, bits: int) -> list[Candidate]:
        found = _recognise(view, bits)
        if self._thorough and thorough.is_suspicious(view.text, bool(found)):
            found = [one for one in found if one.score != name_chinese.BY_WORD_CLASS] + thorough.find(view)
        return found

    def _repeats(self, part: str) -> bool:
        """Tell whether thousands of characters say a few things over and over, and one of them is suspicious.

        To read every repetition costs more than the text is worth, so that all of it is one finding.
        """
        if len(part) < _LEAST_BLOCK:
            return False
        data = part.encode("utf-8", "replace")
        return len(zlib.compress(data, 1)) < _LEAST_NEWS * len(data) and self._gate.bits(part) > 0

    def _pieces(self, text: str, bounded: bool, spare: int) -> list[Candidate]:
        """Read a long text piece by piece, each with its surroundings; findings belong where they start."""
        found: list[Candidate] = []
        start = 0
        left = spare if bounded else None
        while start < len(text):
            end = _cut(text, start)
            if bounded and (_is_block(text[start:end]) or self._repeats(text[start:end])):
                found.append(_all_of(text[:end], start))
                start = end
                continue
            for margin in (_MARGIN, _WIDE_MARGIN):
                offset, stop = max(0, start - _MARGIN), min(len(text), end + margin)
                part = text[offset:stop]
                bits = self._gate.bits(part) if self._gated else triggers.ALL
                view = View(part, None if left is None else left + int((end - start) * _RATE))
                try:
                    read = self._read(view, bits) if bits or self._thorough else []
                except TooMuchEffortError:
                    return [*found, _all_of(text, start)]
                left = view.left
                if stop == len(text) or not any(
                    one.end == len(part) and one.start + offset < end for one in read
                ):
                    break
            found += [
                one._replace(start=one.start + offset, end=one.end + offset)
                for one in read
                if start <= one.start + offset < end
            ]
            start = end
            if bounded and len(found) > _MOST_FINDINGS and start < len(text):
                kind = found[-1].type
                return [*found, Candidate(start, len(text), kind, text[start:], 100)]
        return found


def _all_of(text: str, start: int) -> Candidate:
    """Return one finding from `start` to the end of `text`."""
    return Candidate(start, len(text), phone.TYPE, text[start:], 100)


def _is_block(part: str) -> bool:
    """Tell whether thousands of characters are for the most part digits, or digits and separators.

    No feedback reads like this. To judge all ways to group such digits costs more than the text is worth, so
    all of it is one finding.
    """
    if len(part) < _LEAST_BLOCK:
        return False
    digits = sum(map(len, _DIGIT.findall(part)))
    if digits * 5 > len(part) * 3:
        return True
    return digits * 3 > len(part) and sum(map(len, _LETTER.findall(part))) * 10 < len(part)


def _cut(text: str, start: int) -> int:
    """Return where the piece that begins at `start` ends: after a line or word, if one ends nearby."""
    end = start + _PIECE
    if end >= len(text):
        return len(text)
    near = max(text.rfind(mark, end - _MARGIN, end) for mark in "\n。！？ ")
    return near + 1 if near > start else end


def _recognise(view: View, bits: int) -> list[Candidate]:
    size = len(view.text)
    view.spend(size * _READING_EFFORT // 1000)
    found: list[Candidate] = []
    if bits & triggers.DIGITS:
        view.spend(size * _DIGITS_EFFORT // 1000)
        found += digits_joined.read(view, _JUDGES) + read(view, _JUDGES, _SHAPES)
    for bit, find, effort in _FINDERS:
        if bits & bit:
            view.spend(size * effort // 1000)
            found += find(view)
    return found


def merge(found: list[Candidate]) -> list[Candidate]:
    """Return the findings by start; overlapping ones become their union, under the surest type.

    Examples
    --------
    >>> merge([Candidate(0, 5, "PHONE", "a", 50), Candidate(3, 9, "EMAIL", "b", 90)])
    [Candidate(start=0, end=9, type='EMAIL', value='b', score=90)]
    """
    if len(found) < 2:
        return found
    found = sorted(found)
    merged = [found[0]]
    for candidate in found[1:]:
        last = merged[-1]
        joined = candidate.start == last.end and candidate.type == last.type == "ADDRESS"
        if candidate.start >= last.end and not joined:
            merged.append(candidate)
            continue
        if last.type == candidate.type:
            surest = max(last, candidate, key=lambda one: (one.end - one.start, one.score))
        else:
            surest = max(last, candidate, key=lambda one: (one.score, one.end - one.start))
        merged[-1] = surest._replace(start=last.start, end=max(last.end, candidate.end))
    return merged


def _map_back(found: list[Candidate], origin: list[int] | None) -> list[Span]:
    if origin is None:
        return [Span(one.start, one.end, one.type, one.value) for one in found]
    return [Span(origin[one.start], origin[one.end - 1] + 1, one.type, one.value) for one in found]
