"""Reads a sample of the texts again with the thorough setting, and counts what the fast one left."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Protocol

from models.pii.masker import Masked, Masker
from models.pii.span import Span

NAMED = ("ADDRESS", "NAME")
"""What the two settings find differently."""
BOTH, ONLY_FAST, ONLY_THOROUGH = "both", "only_fast", "only_thorough"

Report = Callable[[str, str, int], None]
"""Type, who found it (`both`, `only_fast`, `only_thorough`) and how many."""


class Finding(Protocol):
    """The part of `models.pii.Finder` that is needed."""

    def find(self, text: str) -> list[Span]:
        """Return the findings of a text."""
        ...


class Audit:
    """Masks as `masker` does; of a share of the texts it also counts where a better finder disagrees.

    What leaves is the same with and without the audit: it reports counts, never words. Which texts are
    read twice follows from their content, so that a replay reports the same.

    Parameters
    ----------
    masker
        What masks.
    fast, thorough
        The finder it masks with, and the one it is compared to.
    share
        Share of the texts compared, 0 to 1; a comparison takes milliseconds.
    report
        Takes the counts.
    """

    def __init__(
        self, masker: Masker, fast: Finding, thorough: Finding, share: float, report: Report
    ) -> None:
        self._masker = masker
        self._fast = fast
        self._thorough = thorough
        self._below = round(share * 2**32)
        self._report = report

    def mask(self, text: str) -> Masked:
        """Mask a text, and compare the finders on it if it falls in the sample."""
        if zlib.crc32(text.encode("utf-8", "surrogatepass")) < self._below:
            for (kind, who), count in compare(self._fast.find(text), self._thorough.find(text)).items():
                self._report(kind, who, count)
        return self._masker.mask(text)

    def pseudonym(self, kind: str, value: str) -> str:
        """Return the keyed pseudonym of `value`."""
        return self._masker.pseudonym(kind, value)


def compare(fast: Sequence[Span], thorough: Sequence[Span]) -> dict[tuple[str, str], int]:
    """Count names and addresses by type and by who found them; touching another's finding is enough.

    Examples
    --------
    >>> compare([Span(0, 2, "NAME", "a")], [Span(0, 3, "NAME", "b"), Span(5, 9, "ADDRESS", "c")])
    {('NAME', 'both'): 1, ('ADDRESS', 'only_thorough'): 1}
    """
    counts: dict[tuple[str, str], int] = {}
    for mine, other, alone in ((fast, thorough, ONLY_FAST), (thorough, fast, ONLY_THOROUGH)):
        for span in mine:
            if span.type not in NAMED:
                continue
            met = any(one.start < span.end and span.start < one.end for one in other)
            if met and alone == ONLY_THOROUGH:
                continue  # counted from the fast side, or covered under another type
            key = (span.type, BOTH if met else alone)
            counts[key] = counts.get(key, 0) + 1
    return counts
