"""Text in pictures through Tesseract, Chinese and English.

Debian packages `tesseract-ocr` and `tesseract-ocr-chi-sim`. A process of its own for each picture: a
picture that crashes or stalls the reader harms nothing else, and a time limit can end it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import NamedTuple

from models.media.transcriber import Unread

SECONDS = 20.0
MOST_BYTES = 20_000_000
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff，。！？；：、（）])[ \t]+(?=[\u3400-\u9fff，。！？；：、（）])")
_WORD = "5"
"""Level of a row of Tesseract's table that holds a word."""
_SURE = 70.0
"""Mean confidence from which a text counts as read: the right language has 80 to 96, a wrong one 7 to 33."""


class _Read(NamedTuple):
    """A text and how sure Tesseract is of it, 0 to 100 for each character on average."""

    confidence: float
    text: str


class Tesseract:
    """OCR, in one language at a time: asked for both at once, Tesseract now and then reads Han as Latin.

    Parameters
    ----------
    program
        Name or path of the program.
    seconds
        Longest time for a picture.
    """

    name = "tesseract"
    kinds = frozenset({"image"})

    def __init__(self, program: str = "tesseract", seconds: float = SECONDS) -> None:
        self._program = program
        self._seconds = seconds

    def missing(self) -> str:
        """Return what has to be installed in one sentence, empty when it can work."""
        if shutil.which(self._program) is None:
            return "no Tesseract: install the Debian packages tesseract-ocr and tesseract-ocr-chi-sim"
        if not self._languages():
            return "Tesseract has no language data: install tesseract-ocr-eng and tesseract-ocr-chi-sim"
        return ""

    def transcribe(self, data: bytes, lang: str) -> str:
        """Return the text of a picture in any format Leptonica reads (PNG, JPEG, TIFF, WebP).

        Raises
        ------
        Unread
            When it is no picture, too large, or takes too long.
        """
        if len(data) > MOST_BYTES:
            raise Unread("too large")
        first = "eng" if lang == "en" else "chi_sim"
        best = _Read(-1.0, "")
        for language in sorted(self._languages(), key=lambda name: name != first):
            best = max(best, self._read(data, language))
            if best.confidence >= _SURE:
                break
        # Tesseract puts spaces between Han characters, which would hide words and numbers.
        return _HAN_GAP.sub("", best.text)

    def _read(self, data: bytes, language: str) -> _Read:
        command = [self._program, "stdin", "stdout", "-l", language, "--psm", "6", "tsv"]
        try:
            done = subprocess.run(
                command, input=data, capture_output=True, timeout=self._seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise Unread("took too long") from None
        if done.returncode:
            raise Unread("not a picture")
        lines: dict[tuple[str, ...], list[str]] = {}
        sure = length = 0.0
        for row in done.stdout.decode("utf-8", "replace").splitlines()[1:]:
            level, *place, confidence, word = row.split("\t", 11)
            if level == _WORD and word.strip():
                lines.setdefault(tuple(place[:4]), []).append(word)
                sure += float(confidence) * len(word)
                length += len(word)
        return _Read(sure / max(length, 1.0), "\n".join(map(" ".join, lines.values())))

    def _languages(self) -> list[str]:
        done = subprocess.run(
            [self._program, "--list-langs"],
            capture_output=True,
            text=True,
            timeout=self._seconds,
            check=False,
        )
        return [name for name in ("chi_sim", "eng") if name in done.stdout.split()]
