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
from models.pii.view import View, blank

_NUMBERS = (id_card, bank_card, ssn, phone, passport)
_JUDGES = by_count((system.judge, system.COUNTS) for system in _NUMBERS)
_SHAPES = prefixes((*phone.SHAPES, *id_card.SHAPES, *bank_card.SHAPES, *ssn.SHAPES))


_FINDERS: tuple[tuple[int, Callable[[View], list[Candidate]]], ...] = (
    (triggers.EMAIL, email.find),
    (triggers.IP, ip.find),
    (triggers.PLATE, plate.find),
    (triggers.PASSPORT, passport.find),
    (triggers.WECHAT, wechat.find),
    (triggers.QQ, qq.find),
    (triggers.URL, url_token.find),
    (triggers.ADDRESS, address_chinese.find),
    (triggers.WESTERN_ADDRESS, address_western.find),
    (triggers.POST_BOX, address_western.find_boxes),
    (triggers.EUROPEAN_ADDRESS, address_western.find_european),
    (triggers.NAME, name_chinese.find),
    (triggers.NAME_PAIR, name_chinese.find_pairs),
    (triggers.ENGLISH_NAME, name_english.find),
    (triggers.CODES, id_card.find),
    (triggers.CODES, bank_card.find),
    (triggers.SPOKEN, spoken.find),
)
_LONG = 2500
_PIECE = 2000
_LEAST_BLOCK = 1000
_LEAST_NEWS = 0.12
"""Share of bytes left when compressed: prose has .45 and more, a log of one template .2."""
_MARGIN = 200
_WIDE_MARGIN = 2400
_MOST_FINDINGS = 100
_DIGIT = re.compile("[0-9〇零一二三四五六七八九幺两]")
_LETTER = re.compile("[^\\W\\d_〇零一二三四五六七八九幺两]")
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
            found = self._pieces(blank(normal.text), bounded)
        else:
            found = self._read(View(blank(normal.text)), bits)
        if not found:
            return []
        return _map_back(merge(found), normal.origin)

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

    def _pieces(self, text: str, bounded: bool) -> list[Candidate]:
        """Read a long text piece by piece, each with its surroundings; findings belong where they start."""
        found: list[Candidate] = []
        start = 0
        while start < len(text):
            end = _cut(text, start)
            if bounded and (_is_block(text[start:end]) or self._repeats(text[start:end])):
                found.append(Candidate(start, end, phone.TYPE, text[start:end], 100))
                start = end
                continue
            for margin in (_MARGIN, _WIDE_MARGIN):
                offset, stop = max(0, start - _MARGIN), min(len(text), end + margin)
                part = text[offset:stop]
                bits = self._gate.bits(part) if self._gated else triggers.ALL
                read = self._read(View(part), bits) if bits or self._thorough else []
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


def _is_block(part: str) -> bool:
    """Tell whether thousands of characters are for the most part digits, or digits and separators.

    No feedback reads like this. To judge all ways to group such digits costs more than the text is worth, so
    all of it is one finding.
    """
    if len(part) < _LEAST_BLOCK:
        return False
    digits = len(_DIGIT.findall(part))
    if digits * 5 > len(part) * 3:
        return True
    return digits * 3 > len(part) and len(_LETTER.findall(part)) * 10 < len(part)


def _cut(text: str, start: int) -> int:
    """Return where the piece that begins at `start` ends: after a line or word, if one ends nearby."""
    end = start + _PIECE
    if end >= len(text):
        return len(text)
    near = max(text.rfind(mark, end - _MARGIN, end) for mark in "\n。！？ ")
    return near + 1 if near > start else end


def _recognise(view: View, bits: int) -> list[Candidate]:
    found = read(view, _JUDGES, _SHAPES) if bits & triggers.DIGITS else []
    for bit, find in _FINDERS:
        if bits & bit:
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
