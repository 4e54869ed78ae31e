"""Find personal data: gate, normalise if needed, recognise, settle overlaps, map offsets back."""

from __future__ import annotations

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
from models.pii.blocks import cut, is_block
from models.pii.digits import by_count, prefixes, read
from models.pii.gate import Gate
from models.pii.normal import Normal, normalise, without_invisible
from models.pii.span import Candidate, Span
from models.pii.view import Effort, TooMuchEffortError, View, blank

_NUMBERS = (id_card, bank_card, ssn, phone, passport)
_JUDGES = by_count((system.judge, system.COUNTS) for system in _NUMBERS)
_SHAPES = prefixes((*phone.SHAPES, *id_card.SHAPES, *bank_card.SHAPES, *ssn.SHAPES))


_FINDERS: tuple[tuple[int, Callable[[View], list[Candidate]], int], ...] = (
    (triggers.EMAIL, email.find, 60),
    (triggers.IP, ip.find, 140),
    (triggers.PLATE, plate.find, 140),
    (triggers.PASSPORT, passport.find, 120),
    (triggers.WECHAT, wechat.find, 150),
    (triggers.QQ, qq.find, 150),
    (triggers.URL, url_token.find, 110),
    (triggers.ADDRESS, address_chinese.find, 200),
    (triggers.WESTERN_ADDRESS, address_western.find, 70),
    (triggers.POST_BOX, address_western.find_boxes, 200),
    (triggers.EUROPEAN_ADDRESS, address_western.find_european, 230),
    (triggers.NAME, name_chinese.find, 150),
    (triggers.NAME_PAIR, name_chinese.find_pairs, 110),
    (triggers.ENGLISH_NAME, name_english.find, 100),
    (triggers.CODES, id_card.find, 100),
    (triggers.CODES, bank_card.find, 35),
    (triggers.SPOKEN, spoken.find, 80),
)
"""The gate's bit, the recogniser, and its effort over a thousand characters besides what it judges."""
_CLEAN_EFFORT, _GATE_EFFORT, _NORMALISE_EFFORT, _DIGITS_EFFORT = 15, 65, 340, 70
"""What a thousand characters take to scan, if nothing is found and else; to normalise and scan again, and to
search for digits."""
_BLOCK_EFFORT, _HIDDEN_EFFORT, _FINDING_EFFORT = 25, 2, 5
"""What a thousand characters take to judge as a block, what an invisible character, what a finding."""
_LONG, _PIECE, _BLOCK = 1000, 200, 2000
_MARGIN, _LINE_MARGIN, _WIDE_MARGINS = 64, 32, (300, 2400)
_MOST_FINDINGS = 300
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

    def find(self, text: str, *, bounded: bool = True, effort: Effort | None = None) -> list[Span]:
        """Return the findings by position, without overlaps.

        Parameters
        ----------
        text
            Any length; the cost is linear in it. A long text is read piece by piece.
        bounded
            Whether a text with a hundred findings is a list of personal data, whose rest becomes one
            more finding, and thousands of digits without letters are one finding each: hostile text then
            costs little, and nothing in it passes.
        effort
            What may be spent; by the length of the text unless told.
        """
        if len(text) > _LONG:
            return self._long(text, bounded, effort)
        bits = self._bits(text)
        if not bits and self._skips:
            return []
        if effort is not None:
            effort.left -= len(text) * _GATE_EFFORT // 1000
        normal = Normal(text, None)
        if bits & triggers.NORMALISE or not self._gated:
            normal = normalise(text)
            if effort is not None:
                effort.left -= len(text) * _NORMALISE_EFFORT // 1000
            bits = self._gate.bits(normal.text) if self._gated else triggers.ALL
        found = self._whole(blank(normal.text), bits, effort)
        if not found:
            return []
        return _map_back(merge(found), normal.origin)

    def _long(self, text: str, bounded: bool, effort: Effort | None) -> list[Span]:
        if not bounded:
            effort = None
        elif effort is None:
            effort = Effort.of(len(text))
        visible = without_invisible(text)
        if effort is not None:
            effort.left -= (len(text) - len(visible.text)) * _HIDDEN_EFFORT
        found = self._pieces(blank(visible.text), bounded, effort)
        return _map_back(merge(found), visible.origin)

    def _whole(self, text: str, bits: int, effort: Effort | None) -> list[Candidate]:
        try:
            return self._read(View(text, effort), bits)
        except TooMuchEffortError:
            return [_all_of(text, 0)]

    def _read(self, view: View, bits: int) -> list[Candidate]:
        found = _recognise(view, bits)
        if self._thorough and thorough.is_suspicious(view.text, bool(found)):
            found = [one for one in found if one.score != name_chinese.BY_WORD_CLASS] + thorough.find(view)
        return found

    def _pieces(self, text: str, bounded: bool, effort: Effort | None) -> list[Candidate]:
        """Read a long text piece by piece, each with its surroundings; findings belong where they start.

        Pieces are small, so that a recogniser works only near what it looks for.
        """
        found: list[Candidate] = []
        start = judged = 0
        while start < len(text):
            if bounded and start >= judged:
                judged = cut(text, start, _BLOCK)
                block = text[start:judged]
                if effort is not None:
                    effort.left -= len(block) * _BLOCK_EFFORT // 1000
                if is_block(block):
                    found.append(_all_of(text[:judged], start))
                    start = judged
                    continue
            end, before = cut(text, start, _PIECE), len(found)
            try:
                found += self._piece(text, start, end, effort)
            except TooMuchEffortError:
                return [*found, _all_of(text, start)]
            start = end
            if effort is not None:
                effort.left -= (len(found) - before) * _FINDING_EFFORT
            if bounded and len(found) > _MOST_FINDINGS and start < len(text):
                kind = found[-1].type
                return [*found, Candidate(start, len(text), kind, text[start:], 100)]
        return found

    def _piece(self, text: str, start: int, end: int, effort: Effort | None) -> list[Candidate]:
        """Return what starts in a piece of a long text."""
        offset = max(0, start - _margin(text, start))
        for margin in (_margin(text, end), *_WIDE_MARGINS):
            stop = min(len(text), end + margin)
            part = text[offset:stop]
            bits = self._gate.bits(part)
            if effort is not None:
                effort.spend(5 + len(part) * (_GATE_EFFORT if bits else _CLEAN_EFFORT) // 1000)
            if not bits and self._skips:
                return []
            if bits & triggers.NORMALISE or not self._gated:
                part = normalise(part).text
                bits = self._gate.bits(part) if self._gated else triggers.ALL
                if effort is not None:
                    effort.spend(len(part) * _NORMALISE_EFFORT // 1000)
            read = self._read(View(part, effort), bits)
            open_end = any(one.end == len(part) and one.start + offset < end for one in read)
            if stop == len(text) or not open_end:
                break
        return [
            one._replace(start=one.start + offset, end=one.end + offset)
            for one in read
            if start <= one.start + offset < end
        ]


def _margin(text: str, place: int) -> int:
    """Return how much of its surroundings a piece needs that ends or begins at `place`."""
    return _LINE_MARGIN if text[place - 1 : place] == "\n" else _MARGIN


def rest(text: str, start: int) -> Span:
    """Return one finding from `start` to the end of a text that takes too much effort."""
    return Span(start, len(text), phone.TYPE, text[start:])


def _all_of(text: str, start: int) -> Candidate:
    """Return one finding from `start` to the end of `text`."""
    return Candidate(start, len(text), phone.TYPE, text[start:], 100)


def _recognise(view: View, bits: int) -> list[Candidate]:
    size = len(view.text)
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
