"""English speech through PocketSphinx, whose package carries its model: works offline, reads roughly.

Recognition of free speech is poor by today's measure; it finds that a complaint was spoken, not each
word of it. A better recogniser is one class with the same three members.
"""

from __future__ import annotations

import io
import wave
from array import array
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from models.media.transcriber import Unread

RATE = 16_000
MOST_SECONDS = 300.0


class PocketSphinx:
    """Speech recognition of WAV files, 16-bit, mono or stereo."""

    name = "pocketsphinx"
    kinds = frozenset({"audio"})

    def __init__(self) -> None:
        self._decoder: Any = None

    def missing(self) -> str:
        """Return what has to be installed in one sentence, empty when it can work."""
        return "" if find_spec("pocketsphinx") else "no speech recogniser: install hark[media]"

    def transcribe(self, data: bytes, lang: str) -> str:
        """Return the words of a WAV file, empty when none are heard.

        Raises
        ------
        Unread
            When it is no such file, another language than English, or too long.
        """
        if lang not in ("", "en"):
            raise Unread("no model for the language")
        sound = samples(data)
        if self._decoder is None:
            self._decoder = import_module("pocketsphinx").Decoder(samprate=RATE, loglevel="FATAL")
        decoder = self._decoder
        decoder.start_utt()
        decoder.process_raw(sound, full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp()
        return str(heard.hypstr) if heard is not None else ""


def samples(data: bytes) -> bytes:
    """Return a WAV file's sound as 16-bit mono at 16 kHz.

    Raises
    ------
    Unread
        When it is not PCM of 16 bits, or too long.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            if width != 2 or not channels or not rate:
                raise Unread("not 16-bit PCM")
            if file.getnframes() / rate > MOST_SECONDS:
                raise Unread("too long")
            sound = array("h", file.readframes(file.getnframes()))
    except (wave.Error, EOFError, ValueError):
        raise Unread("not a WAV file") from None
    mono = sound[::channels]
    count = len(mono) * RATE // rate
    # The nearest sample is enough below 4 kHz, where speech is told apart.
    return array("h", (mono[index * rate // RATE] for index in range(count))).tobytes()
