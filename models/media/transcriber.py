"""What a transcriber is, and the choice among those installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Unread(Exception):
    """A transcriber could not read the bytes; the text names the kind of failure, never content."""


class Transcriber(Protocol):
    """Turns the bytes of an attachment into text.

    Attributes
    ----------
    name
        For metrics and `hark doctor`.
    kinds
        Kinds of attachments it reads: image, audio, video.
    """

    name: str
    kinds: frozenset[str]

    def missing(self) -> str:
        """Return what has to be installed in one sentence, empty when it can work."""
        ...

    def transcribe(self, data: bytes, lang: str) -> str:
        """Return the text, empty when there is none to read.

        Parameters
        ----------
        lang
            ISO 639 code as far as known, else empty.

        Raises
        ------
        Unread
            When the bytes cannot be read.
        """
        ...


class Transcribers:
    """The transcribers that can work here, the first of a kind counts.

    Examples
    --------
    >>> Transcribers([]).of("image") is None
    True
    """

    def __init__(self, candidates: Iterable[Transcriber]) -> None:
        self._of: dict[str, Transcriber] = {}
        self.missing: list[str] = []
        for candidate in candidates:
            if reason := candidate.missing():
                self.missing.append(reason)
                continue
            for kind in candidate.kinds:
                self._of.setdefault(kind, candidate)

    def of(self, kind: str) -> Transcriber | None:
        """Return the transcriber of a kind, None when none is installed."""
        return self._of.get(kind)

    def __len__(self) -> int:
        return len({id(transcriber) for transcriber in self._of.values()})
