"""Text in pictures through Tesseract, Chinese and English.

Debian packages `tesseract-ocr` and `tesseract-ocr-chi-sim`. A process of its own for each picture: a
picture that crashes or stalls the reader harms nothing else, and a time limit can end it.
"""

from __future__ import annotations

import re
import shutil
import subprocess

from models.media.transcriber import Unread

SECONDS = 20.0
MOST_BYTES = 20_000_000
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff，。！？；：、（）])[ \t]+(?=[\u3400-\u9fff，。！？；：、（）])")


class Tesseract:
    """OCR.

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
        known = self._languages()
        first = "eng" if lang == "en" else "chi_sim"
        languages = sorted(known, key=lambda name: name != first)
        command = [self._program, "stdin", "stdout", "-l", "+".join(languages), "--psm", "6"]
        try:
            done = subprocess.run(
                command, input=data, capture_output=True, timeout=self._seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise Unread("took too long") from None
        if done.returncode:
            raise Unread("not a picture")
        lines = (line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines())
        # Tesseract puts spaces between Han characters, which would hide words and numbers.
        return _HAN_GAP.sub("", "\n".join(line for line in lines if line))

    def _languages(self) -> list[str]:
        done = subprocess.run(
            [self._program, "--list-langs"],
            capture_output=True,
            text=True,
            timeout=self._seconds,
            check=False,
        )
        return [name for name in ("chi_sim", "eng") if name in done.stdout.split()]
