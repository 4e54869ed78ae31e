"""Emotion beyond polarity, and effort: which apology, which offer, which fix.

Anger wants a person, anxiety an answer, disappointment a reason to stay, delight a thank-you; effort
("called three times") is what customers leave for. Word lists rather than a model: there are no labels
to learn from, and an operator can read and extend the lists (`emotions.txt`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from models.topics.automaton import BREAK, NEGATOR, Phrase, PhraseAutomaton
from models.topics.cues import Cues
from models.units import Units, encoded

EMOTIONS = ("angry", "anxious", "disappointed", "delighted")
EFFORT = "effort"
_SECTIONS = (*EMOTIONS, EFFORT)
_SCAN = 2000


class Emotions(NamedTuple):
    """Strength in [0, 1] of each emotion and of effort, 0 when nothing speaks for it."""

    angry: float
    anxious: float
    disappointed: float
    delighted: float
    effort: float

    @property
    def strongest(self) -> str | None:
        """Return the name of the strongest of the four emotions, None if none is felt."""
        most = max(self[:4])
        return EMOTIONS[self.index(most)] if most > 0.0 else None


@cache
def emotion_words() -> dict[str, tuple[str, ...]]:
    """Return the word lists by section."""
    text = files(__package__).joinpath("emotions.txt").read_text(encoding="utf-8")
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        else:
            current.extend(word.replace("_", " ") for word in line.split())
    return {name: tuple(words) for name, words in sections.items()}


@cache
def _lists() -> tuple[PhraseAutomaton, list[int]]:
    """Return the words as an automaton, and for each the sections it speaks for, one bit each."""
    homes: dict[str, int] = {}
    for bit, name in enumerate(_SECTIONS):
        for word in emotion_words()[name]:
            homes[word] = homes.get(word, 0) | 1 << bit
    cues = Cues.shipped()
    phrases = [Phrase(word, 0) for word in homes]
    phrases += [Phrase(word, NEGATOR) for word in cues.negators]
    phrases += [Phrase(mark, BREAK) for mark in cues.breaks]
    return PhraseAutomaton(phrases), list(homes.values())


_NOTHING = Emotions(0.0, 0.0, 0.0, 0.0, 0.0)


def read_emotions(text: str) -> Emotions:
    """Score the emotions and the effort a text speaks of.

    Each word counts once; a denied one ("没有失望", "not angry") does not count; two or more of a kind
    come close to 1 (1 - 2**-n), and a run of exclamation marks lifts anger and delight that are there.
    Only the first 2,000 UTF-16 units are read. Not for use by two threads.

    Examples
    --------
    >>> read_emotions("打了好几次电话，氣死我了！！").strongest
    'angry'
    >>> read_emotions("not disappointed at all").disappointed
    0.0
    """
    return read_all_emotions([text], encoded([text]))[0]


def read_all_emotions(texts: Sequence[str], units: Units) -> list[Emotions]:
    """Do as `read_emotions` with each text of a slice; `units` are the texts'."""
    automaton, homes = _lists()
    found = automaton.scan_texts(units, _SCAN)
    return [
        _weighed(text, codes, homes) if codes else _NOTHING for text, codes in zip(texts, found, strict=True)
    ]


def _weighed(text: str, found: list[int], homes: list[int]) -> Emotions:
    counts = [0] * len(_SECTIONS)
    for code in set(found):
        if code & 1:
            continue
        for bit in range(len(_SECTIONS)):
            counts[bit] += homes[code >> 1] >> bit & 1
    shout = any(marks in text for marks in ("!!", "！！", "!！", "！!"))
    strengths = []
    for name, count in zip(_SECTIONS, counts, strict=True):
        lifted = shout and count and name in ("angry", "delighted")
        strengths.append(1.0 - 0.5 ** (count + lifted))
    return Emotions(*strengths)
