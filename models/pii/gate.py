"""One multi-pattern scan that says which recognisers have any work to do.

Most feedback holds nothing personal; a single Hyperscan pass over the UTF-8 bytes settles that in
about a microsecond. A pattern here may fire too often, never too seldom: a recogniser runs only
when its bit is set (property: the gated finder equals the ungated one).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import hyperscan

from models.pii.database import Pattern, database
from models.pii.prefilter import MIXED, PAIR, WIDE, Prefilter
from models.pii.triggers import (
    ADDRESS,
    ALL,
    ENGLISH_NAME,
    HOUSE,
    NAME,
    NAME_PAIR,
    NORMALISE,
    PATTERNS,
    STREET,
    WESTERN_ADDRESS,
)

_CASED = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SINGLEMATCH
_FLAGS = _CASED | hyperscan.HS_FLAG_CASELESS
_WIDE = NORMALISE | ADDRESS | NAME
"""Bits no ASCII text can have."""
_CAPITAL = 524288
_CAPITALISED = r"[ \n\t:][A-ZÀ-ɏ]"

Entry = tuple[int, str, int]


class _Scanner:
    """Some patterns, compiled, and a scratch space a thread: Hyperscan forbids sharing one."""

    def __init__(self, name: str, entries: Sequence[Entry]) -> None:
        self._bits = [bit for bit, _, _ in entries]
        self._database = database(name, [Pattern(expression, flags) for _, expression, flags in entries])
        self._local = threading.local()

    def bits(self, data: bytes) -> int:
        """Return the union of the bits whose pattern occurs in `data`."""
        hits: list[int] = []
        try:
            scratch = self._local.scratch
        except AttributeError:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        self._database.scan(data, _collect, 0, hits, scratch)
        mask = 0
        if hits:
            bits = self._bits
            for hit in hits:
                mask |= bits[hit]
        return mask


class Gate:
    """Which recognisers a text could concern, as a bit mask.

    ASCII texts are not searched for what is written in Han characters. Other texts are searched for the
    rest only if they hold an ASCII letter, digit or "@", which about half of Chinese feedback does not,
    and for English names only if a word begins with a capital.

    Parameters
    ----------
    extra
        Further (bit, expression) pairs: name and address triggers come from their own data.
    chinese_name
        Whether a text that is not ASCII may hold a Chinese name. Not an expression here: the classes
        of surname and given-name characters make Hyperscan several times slower than `re` is on them.
    """

    def __init__(
        self, extra: Sequence[tuple[int, str]] = (), chinese_name: Callable[[str], bool] | None = None
    ) -> None:
        entries = [(bit, expression, _CASED if bit == NORMALISE else _FLAGS) for bit, expression in PATTERNS]
        entries += [(bit, expression, _CASED) for bit, expression in extra]
        capital = [one for one in entries if one[0] == ENGLISH_NAME and not one[1].startswith("(?i)")]
        others = [one for one in entries if one not in capital]
        self._ascii = _Scanner("ascii", [one for one in entries if not one[0] & _WIDE])
        wide = [one for one in others if one[0] & _WIDE]
        mixed = [one for one in others if not one[0] & _WIDE]
        self.wide = _Scanner("wide", wide)
        self._mixed = _Scanner("mixed", [*mixed, (_CAPITAL, _CAPITALISED, _CASED)])
        self._english = _Scanner("english", capital)
        self._chinese_name = chinese_name
        self.prefilter = Prefilter()
        self._needed = self.prefilter.read

    def bits(self, text: str) -> int:
        """Return the union of the bits whose pattern occurs in `text`.

        Parameters
        ----------
        text
            Any string; lone surrogates count as "?".
        """
        if text.isascii():
            mask = self._ascii.bits(text.encode())
        else:
            try:
                data = text.encode()
            except UnicodeEncodeError:
                data = text.encode("utf-8", "replace")
            needed = self._needed(data)
            if not needed:
                return 0
            mask = self._wide_bits(text, data, needed)
        if mask >= HOUSE:
            if mask & HOUSE and mask & STREET:
                mask |= WESTERN_ADDRESS
            mask &= ALL | NAME_PAIR
        return mask

    def _wide_bits(self, text: str, data: bytes, needed: int) -> int:
        """Return the bits of a text that is not ASCII, of the searches it needs."""
        mask = self.wide.bits(data) if needed & WIDE else 0
        if needed & MIXED:
            mask |= self._mixed.bits(data)
            if mask & _CAPITAL:
                mask |= self._english.bits(data)
        if needed & PAIR and self._chinese_name and not mask & NAME and self._chinese_name(text):
            mask |= NAME_PAIR
        return mask


def _collect(identifier: int, start: int, end: int, flags: int, hits: object) -> bool | None:
    if isinstance(hits, list):
        hits.append(identifier)
    return None
