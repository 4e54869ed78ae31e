"""A finding: where personal data stands in the text, of which type, and its one canonical spelling."""

from __future__ import annotations

from typing import NamedTuple

STRUCTURED = (
    "PHONE",
    "ID_CARD",
    "BANK_CARD",
    "EMAIL",
    "IP",
    "PLATE",
    "PASSPORT",
    "SSN",
    "WECHAT",
    "QQ",
    "URL_TOKEN",
)
"""Types whose values follow a number system or a fixed form."""

TYPES = (*STRUCTURED, "ADDRESS", "NAME")
"""Every type a finder can report."""


class Span(NamedTuple):
    """One finding.

    Parameters
    ----------
    start, end
        Code points of the original text, `end` exclusive.
    type
        One of `TYPES`.
    value
        Canonical form: every spelling of one number gives the same string, so that keyed
        pseudonyms of "138 1234 5678" and "+86-13812345678" agree.
    """

    start: int
    end: int
    type: str
    value: str


class Candidate(NamedTuple):
    """A possible finding over normalised text, before overlaps are settled.

    Parameters
    ----------
    start, end
        Code points of the normalised text, `end` exclusive.
    type
        One of `TYPES`.
    value
        Canonical form.
    score
        How sure the recogniser is, 0 to 100; decides between readings of the same digits.
    """

    start: int
    end: int
    type: str
    value: str
    score: int = 50
