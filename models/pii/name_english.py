"""English person names: after "my name is", "Mr", "Dear"…, or a common given name before a capital."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import NamedTuple

from models.pii.span import Candidate
from models.pii.view import View

TYPE = "NAME"


def _words(name: str) -> frozenset[str]:
    return frozenset(resources.files("models.pii").joinpath(name).read_text("utf-8").split())


def _load() -> dict[str, list[str]]:
    data: dict[str, list[str]] = json.loads(
        resources.files("models.pii").joinpath("latin_names.json").read_text("utf-8")
    )
    return data


GIVEN = _words("given_names.txt")
FAMILY = _words("surnames.txt")
_DATA = _load()
LABELS = frozenset(_DATA["before"])
_TITLES = frozenset(_DATA["titles"])
_AMBIGUOUS = frozenset(_DATA["ambiguous"])
_STOP = frozenset(_DATA["stop"])
_PARTICLES = frozenset(_DATA["particles"])
_WORD = re.compile(r"[A-Za-zÀ-ɏ]{1,30}(?:['’-][A-Za-zÀ-ɏ]{1,30}){0,2}")
_LINK = re.compile(r"[:,.=-]{0,2}[ \t]{1,3}|[:,.!]{0,2}\n{1,2} {0,4}|: ?")
_NEXT = re.compile(r"\.? ")

_LAST_WORDS = frozenset(label.split()[-1] for label in LABELS) | _TITLES
_LOWER_LABELS = (
    "name is|name:|named|customer|agent|contact|i am|i'm|this is|dear|hi|hello|hey|manager|driver|user|"
    "mr|mrs|ms|dr"
)
_START = "(?:^|[^A-Za-z])"
_UPPER = "(?:[A-HJ-ZÀ-ɏ]|I[^ ,'’!])"
_LABELS = "|".join(sorted(LABELS))
_GIVEN_CAPITAL = [f"{name[0].upper()}(?i:{name[1:]})" for name in sorted(GIVEN)]
_MOST_NAMES = 500
"""Names an expression of the gate holds: Hyperscan refuses longer ones."""
TRIGGERS = (
    rf"{_START}(?:(?i:{_LABELS})[:,=!\-]{{0,2}}|(?i:{'|'.join(sorted(_TITLES))})[:,.=!\-]{{0,2}})"
    rf"(?:[ \t]{{1,3}}|\n{{1,2}} {{0,4}}){_UPPER}",
    rf"{_START}(?i:{_LABELS}|{'|'.join(sorted(_TITLES))}):{_UPPER}",
    *(
        rf"{_START}(?:{'|'.join(_GIVEN_CAPITAL[first : first + _MOST_NAMES])}) [A-ZÀ-ɏ]"
        for first in range(0, len(GIVEN), _MOST_NAMES)
    ),
    rf"(?i){_START}(?:{_LOWER_LABELS})[:,.!]{{0,2}}[ \n]{{1,2}}(?:{'|'.join(sorted(GIVEN))})(?:[^a-z]|$)",
)
"""What the gate looks for before this recogniser runs."""
_LOWER_LABEL = re.compile(rf"\b(?:{_LOWER_LABELS})[:,.!]{{0,2}}[ \n]{{1,2}}([a-zà-ɏ]{{2,20}})", re.IGNORECASE)
_CAPITAL = re.compile(r"(?<![A-Za-zÀ-ɏ'’@/_.#])[A-ZÀ-Þ][A-Za-zÀ-ɏ]{0,30}")


class _Word(NamedTuple):
    start: int
    end: int
    text: str
    lower: str


def stands_for_name(word: str) -> bool:
    """Tell whether a word alone could be a name: capitalised and not an ordinary word, or a given name."""
    lower = word.lower()
    return lower not in _STOP and (word[0].isupper() or (lower in GIVEN and lower not in _AMBIGUOUS))


def find(view: View) -> list[Candidate]:
    """Return the names of a text."""
    text = view.text
    if not _is_suspicious(view):
        return []
    words = _words_of(text)
    view.spend(len(words) // 3)
    found: list[Candidate] = []
    taken = -1
    for index, word in enumerate(words):
        if index <= taken:
            continue
        labelled = bool(index) and _introduces(text, words, index - 1, word.start)
        if not labelled and word.text[0].islower():
            continue
        view.spend(2)
        last = _name_end(text, words, index, labelled=labelled)
        if last >= index:
            end = words[last].end
            name = text[word.start : end]
            if name.endswith(("'s", "’s")):
                end -= 2
            score = 57 if labelled else 46
            found.append(Candidate(word.start, end, TYPE, text[word.start : end].lower(), score))
            taken = last
    return found


def _words_of(text: str) -> list[_Word]:
    spans = [match.span() for match in _WORD.finditer(text)]
    said = [text[start:end] for start, end in spans]
    lower = "\n".join(said).lower().split("\n")
    new = tuple.__new__
    return [new(_Word, (*span, word, low)) for span, word, low in zip(spans, said, lower, strict=True)]


def _is_suspicious(view: View) -> bool:
    """Tell whether a capitalised word is a given name before another, or any name stands after a label."""
    text = view.text
    for match in view.each(_CAPITAL, 1):
        start, end = match.span()
        if (
            text[end : end + 1] == " "
            and text[end + 1 : end + 2].isupper()
            and match.group().lower() in GIVEN
        ):
            return True
        if start:
            before = text[max(0, start - 40) : start].rstrip(" \t\n:,.=!-").rsplit(None, 1)
            if before and before[-1].lstrip("\"'([*<>").lower() in _LAST_WORDS:
                return True
    return any(match.group(1).lower() in GIVEN for match in _LOWER_LABEL.finditer(text))


def _introduces(text: str, words: list[_Word], index: int, start: int) -> bool:
    """Tell whether the word at `index`, or it and the one before, announces a name at `start`."""
    word = words[index]
    if word.lower not in _LAST_WORDS or not _LINK.fullmatch(text, word.end, start):
        return False
    if word.lower in _TITLES:
        return True
    if text[word.end] == ".":
        return False
    if word.lower in LABELS:
        return True
    if not index or words[index - 1].end + 1 != word.start or text[word.start - 1] != " ":
        return False
    return f"{words[index - 1].lower} {word.lower}" in LABELS


def _name_end(text: str, words: list[_Word], index: int, *, labelled: bool) -> int:
    """Return the index of the last word of a name that begins at `index`, -1 if none does."""
    first = words[index]
    if first.lower in _STOP or first.lower in _TITLES or (first.start and text[first.start - 1] in "@/_.#"):
        return -1
    if not first.text[0].isupper():
        return _lower_name_end(text, words, index) if labelled else -1
    last = index
    for following in range(index + 1, min(index + 5, len(words))):
        word = words[following]
        if not _NEXT.fullmatch(text, words[following - 1].end, word.start):
            break
        if text[words[following - 1].end] == "." and len(words[following - 1].text) > 1:
            break
        if word.text[0].isupper() and word.lower not in _STOP:
            last = following
        elif word.lower not in _PARTICLES:
            break
    if words[last].end < len(text) and text[words[last].end] in "@_":
        return -1
    if labelled:
        shouted = first.text.isupper() and last == index
        return -1 if shouted and len(first.text) < 20 and first.lower not in GIVEN else last
    if last == index or first.lower not in GIVEN or first.text.isupper() != words[last].text.isupper():
        return -1
    surname = words[last].lower.removesuffix("'s").removesuffix("’s")
    if first.lower in _AMBIGUOUS and surname not in FAMILY:
        return -1
    return last if len(surname) > 1 else -1


def _lower_name_end(text: str, words: list[_Word], index: int) -> int:
    """Return the end of a name without capitals: a common given name and what follows it."""
    if words[index].lower not in GIVEN:
        return -1
    last = index
    for following in range(index + 1, min(index + 3, len(words))):
        word = words[following]
        if not _NEXT.fullmatch(text, words[following - 1].end, word.start) or word.lower in _STOP:
            break
        last = following
        if len(word.lower) > 1:
            break
    if last == index and words[index].lower in _AMBIGUOUS:
        return -1
    return last
