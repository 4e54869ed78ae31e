"""Replace findings until a further scan finds nothing."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

from models.pii.finder import Finder, rest
from models.pii.keyring import Keyring
from models.pii.operators import Finding, Keep, Operator, Pseudonym
from models.pii.span import TYPES, Span
from models.pii.view import Effort

_LONG = 1000
_METERED = 1000
_LATER = (4, 16, 16, 16)
"""What share of a text's effort each further round gets, besides what the rounds before left."""
_SURROUNDINGS = 80
"""Characters beside a replacement that a further round reads in a long text; a label reaches sixty."""
_KIND = re.compile(r"[A-Z_]{2,12}")
_DEFAULT = Pseudonym()


class Masked(NamedTuple):
    """A text without personal data.

    Parameters
    ----------
    text
        The masked text.
    counts
        Findings by type.
    """

    text: str
    counts: dict[str, int]


class Masker:
    """Masks personal data in texts.

    Parameters
    ----------
    finder
        What finds it.
    operators
        Operator by type; types not named get pseudonyms.
    keyring
        Keys of the pseudonyms.

    Raises
    ------
    ValueError
        If `operators` names an unknown type.

    Examples
    --------
    >>> masker = Masker(Finder(), {}, Keyring({1: bytes(32)}, 1))
    >>> masker.mask("call +1 415 555 0132").text == masker.mask("call (415) 555-0132").text
    True
    >>> masker.mask("great product")
    Masked(text='great product', counts={})
    """

    def __init__(self, finder: Finder, operators: Mapping[str, Operator], keyring: Keyring) -> None:
        unknown = sorted(set(operators) - set(TYPES))
        if unknown:
            raise ValueError(f"no such types: {', '.join(unknown)}; known: {', '.join(TYPES)}")
        self._find = finder.find
        self._operators: dict[str, Operator] = {kind: operators.get(kind, _DEFAULT) for kind in TYPES}
        self._kept = frozenset(kind for kind, operator in operators.items() if isinstance(operator, Keep))
        self._keyring = keyring
        self._bounded = not self._kept

    def mask(self, text: str) -> Masked:
        """Return the text with every finding replaced.

        Cutting out or replacing may bring characters together that then read as a number, so the
        result is searched again until only replacements would be found.

        Parameters
        ----------
        text
            Any text; a masked one comes back unchanged.
        """
        effort = Effort.of(len(text)) if self._bounded and len(text) > _METERED else None
        spans = self._find(text, bounded=self._bounded, effort=effort)
        if not spans:
            return tuple.__new__(Masked, (text, {}))
        counts: dict[str, int] = {}
        fixed: list[tuple[int, int]] = []
        for later in _LATER:
            for span in spans:
                counts[span.type] = counts.get(span.type, 0) + 1
            text, fresh, fixed = self._replace(text, spans, fixed)
            if effort is not None:
                effort.left = max(0, effort.left) + Effort.of(len(text)).left // later
            if len(text) > _LONG and len(fresh) * _SURROUNDINGS * 3 < len(text):
                spans = self._beside(text, fresh, effort)
            else:
                spans = self._find(text, bounded=self._bounded, effort=effort)
            spans = [span for span in spans if not self._settled(span, fixed)]
            if not spans:
                break
        return Masked(text, counts)

    def pseudonym(self, kind: str, value: str) -> str:
        """Return the token of a value known from elsewhere, such as an author's handle.

        Parameters
        ----------
        kind
            Two to twelve capital letters or "_"; equal values of two kinds get different tokens.
        value
            Canonical form.

        Raises
        ------
        ValueError
            If `kind` could not stand in a token.
        """
        if not _KIND.fullmatch(kind):
            raise ValueError(f"kind {kind!r} is not two to twelve capital letters")
        return f"<{kind}:k{self._keyring.current}:{self._keyring.digest(kind, value)}>"

    def _replace(
        self, text: str, spans: list[Span], fixed: list[tuple[int, int]]
    ) -> tuple[str, list[tuple[int, int]], list[tuple[int, int]]]:
        """Return the text with `spans` replaced, where these replacements stand, and where all do."""
        pieces: list[str] = []
        outputs: list[tuple[int, int]] = []
        ends: list[int] = []
        shifts: list[int] = []
        position = length = 0
        for start, end, kind, value in spans:
            output = self._operators[kind](Finding(kind, value, text[start:end], self._keyring))
            pieces += (text[position:start], output)
            length += start - position
            outputs.append((length, length + len(output)))
            length += len(output)
            position = end
            ends.append(end)
            shifts.append(length - end)
        pieces.append(text[position:])
        fresh = outputs.copy()
        for start, end in fixed:
            index = bisect_left(ends, start + 1)
            if index < len(spans) and spans[index].start < end:
                continue
            shift = shifts[index - 1] if index else 0
            outputs.append((start + shift, end + shift))
        return "".join(pieces), fresh, sorted(outputs)

    def _beside(self, text: str, fresh: list[tuple[int, int]], effort: Effort | None) -> list[Span]:
        """Return what is found beside the last replacements; all else has just been read as it stands."""
        found: list[Span] = []
        end = 0
        for first, last in fresh:
            start = max(end, first - _SURROUNDINGS)
            end = min(len(text), last + _SURROUNDINGS)
            found += [
                span._replace(start=span.start + start, end=span.end + start)
                for span in self._find(text[start:end], bounded=self._bounded, effort=effort)
            ]
            if effort is not None and effort.left < 0:
                return [*(span for span in found if span.end <= start), rest(text, start)]
        return found

    def _settled(self, span: Span, fixed: list[tuple[int, int]]) -> bool:
        """Tell whether a finding lies in a replacement, or is of a type that is kept."""
        if span.type in self._kept:
            return True
        return any(start <= span.start and span.end <= end for start, end in fixed)
