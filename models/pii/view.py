"""One text as the recognisers see it: normalised, tokens blanked, labels and runs found on demand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.pii import context

TOKEN = re.compile(r"<[A-Z_]{2,12}:(?:k[1-9]\d{0,5}:[a-p]{16}|e[1-9]\d{0,5}:[a-p]{32,16384})>")
"""What a pseudonym or an encrypted value looks like; letters only, so that no number can pose as one."""
_SPARE, _RATE = 8000, 200
"""Effort any text may take, and a thousand characters more. Twenty thousand characters of ordinary feedback
take 4,000 to 7,000, with personal data in every tenth line 6,000 to 12,000, hostile ones 20,000 to 60,000."""
_WORD = re.compile("[a-z]+")
_ASCII_LOWER = {code: code + 32 for code in range(65, 91)}


class TooMuchEffortError(Exception):
    """A text holds so many signs of personal data that to judge each would cost more than it is worth."""


class Effort:
    """What may still be spent on a text, a microsecond of an idle core each.

    Counted and never timed, so that a text read again is masked alike on any machine, however busy.

    Parameters
    ----------
    left
        May become negative: what is known to be needed is counted without asking.
    """

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    @classmethod
    def of(cls, length: int) -> Effort:
        """Return what a text of `length` characters may take."""
        return cls(_SPARE + length * _RATE // 1000)

    def spend(self, effort: int) -> None:
        """Count what is done.

        Raises
        ------
        TooMuchEffortError
            When nothing is left.
        """
        self.left -= effort
        if self.left < 0:
            raise TooMuchEffortError


class View:
    """A normalised text and what several recognisers need of it, computed once.

    Parameters
    ----------
    text
        Normalised text, its pseudonym tokens blanked.
    effort
        What may be spent; any unless told.
    """

    def __init__(self, text: str, effort: Effort | None = None) -> None:
        self.text = text
        self.effort = effort
        self._before: dict[tuple[int, int], int] = {}
        self._lower: str | None = None
        self._labels: list[context.Label] | None = None
        self._present: int | None = None
        self._words: frozenset[str] | None = None

    def spend(self, effort: int) -> None:
        """Count what a recogniser does.

        Raises
        ------
        TooMuchEffortError
            When nothing is left.
        """
        if self.effort is not None:
            self.effort.spend(effort)

    def each(self, pattern: re.Pattern[str], effort: int = 3) -> Iterator[re.Match[str]]:
        """Return the matches of a pattern in the text, each of which costs `effort`."""
        matches = pattern.finditer(self.text)
        return matches if self.effort is None else self._counted(matches, effort)

    def _counted(self, matches: Iterator[re.Match[str]], effort: int) -> Iterator[re.Match[str]]:
        for match in matches:
            self.spend(effort)
            yield match

    @property
    def lower(self) -> str:
        """The text in lower case, of the same length."""
        if self._lower is None:
            lower = self.text.lower()
            self._lower = lower if len(lower) == len(self.text) else self.text.translate(_ASCII_LOWER)
        return self._lower

    @property
    def words(self) -> frozenset[str]:
        """The Latin words of the text, in lower case."""
        if self._words is None:
            self._words = frozenset(_WORD.findall(self.lower))
        return self._words

    @property
    def labels(self) -> list[context.Label]:
        """All context words, by end."""
        if self._labels is None:
            self._labels = context.labels(self.lower)
            self.spend(len(self.text) // 8 + len(self._labels))
        return self._labels

    @property
    def present(self) -> int:
        """The categories of all labels of the text."""
        if self._present is None:
            self._present = 0
            for label in self.labels:
                self._present |= label.categories
        return self._present

    def before(self, start: int, reach: int = 20) -> int:
        """Return the categories of the nearest label before `start`."""
        if not self.present:
            return 0
        key = (start, reach)
        found = self._before.get(key)
        if found is None:
            found = self._before[key] = context.nearest(self.labels, self.lower, start, reach)
        return found

    def glued(self, start: int) -> int:
        """Return the categories of the labels that touch the value, as in "VISA4111" and 身份证ID1101…."""
        categories = 0
        for label in reversed(self.labels):
            if label.end == start:
                categories |= label.categories
                start = label.start
            elif label.end < start:
                break
        return categories

    def after(self, end: int, reach: int = 8) -> int:
        """Return the categories of the nearest label after `end`."""
        return context.following(self.labels, self.lower, end, reach)


def blank(text: str) -> str:
    """Return the text with pseudonym tokens blanked, so that nothing matches in or across them."""
    return TOKEN.sub(_blank, text) if "<" in text and ":" in text else text


def _blank(match: re.Match[str]) -> str:
    return "\0" * (match.end() - match.start())
