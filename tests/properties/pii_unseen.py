"""Personal data in forms written without sight of the recognisers, in files of `pii_groups`.

Fixes may look at the forms of `first`; those of `held_back` were kept until the first were fixed.

A form is a small pattern: `#` is a digit, `&` one of 2 to 9, `^` one of 3 to 9, `~A` a capital, `~a` a
small letter, `~h` a hex digit, `~t` a letter or digit; other characters stand for themselves. A prefix
`full:`, `circled:`, `han:`, `yao:`, `formal:`, `math:`, `keycap:` or `zero:` respells the digits. Forms
in braces are numbers with a check digit, cut into groups: `{card 62 19 4-4-4-4-3}`.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import NamedTuple

import pii_samples as samples

ALPHABETS = {
    "full": "０１２３４５６７８９",
    "circled": "⓪①②③④⑤⑥⑦⑧⑨",
    "han": "〇一二三四五六七八九",
    "yao": "零幺两三四五六七八九",
    "formal": "零壹贰叁肆伍陆柒捌玖",
    "math": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
}
_FOLDER = Path(__file__).parent / "pii_groups"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class Sample(NamedTuple):
    """A text, its language, and the one value in it; no type where it holds no personal data."""

    text: str
    lang: str
    start: int
    end: int
    type: str
    form: str


class Group(NamedTuple):
    """Forms of one type and the sentences they may stand in, of one language."""

    type: str
    lang: str
    forms: tuple[str, ...]
    contexts: tuple[str, ...]


def _cut(value: str, sizes: str) -> str:
    if sizes == "1":
        return " ".join(value)
    parts = re.split(r"(\d+)", sizes)
    out, position = "", 0
    for part in parts:
        if part.isdigit():
            out += value[position : position + int(part)]
            position += int(part)
        else:
            out += part
    return out + value[position:]


def _checked(rng: random.Random, kind: str, rest: list[str]) -> str:
    if kind == "card":
        prefix, length = rest[0], int(rest[1])
        middle = "".join(rng.choice("0123456789") for _ in range(length - 1 - len(prefix)))
        return samples.luhn_complete(prefix + middle)
    if kind == "badcard":
        value = _checked(rng, "card", rest)
        return value[:-1] + str((int(value[-1]) + 3) % 10)
    number = samples.citizen(rng)
    if kind == "old":
        return number[:6] + number[8:17]
    if kind == "badid":
        return number[:-1] + ("5" if number[-1] != "5" else "6")
    if kind == "idx":
        while number[-1] != "X":
            number = samples.citizen(rng)
    return number


def build(form: str, rng: random.Random) -> str:
    """Return a made-up value of a form."""
    head, colon, tail = form.partition(":")
    if colon and head in (*ALPHABETS, "keycap", "zero", "lower"):
        value = build(tail, rng)
        if head == "lower":
            return value.lower()
        if head == "keycap":
            return "".join(f"{char}\ufe0f\u20e3" if char.isdigit() else char for char in value)
        if head == "zero":
            return "\u200b".join(value)
        return "".join(ALPHABETS[head][int(c)] if c.isascii() and c.isdigit() else c for c in value)

    def number(match: re.Match[str]) -> str:
        kind, *rest = match[1].split(" ", 3 if "card" in match[1] else 1)
        sizes = rest[-1] if len(rest) == (3 if "card" in kind else 1) else ""
        value = _checked(rng, kind, rest)
        return _cut(value, sizes) if sizes else value

    value = re.sub(r"\{(\w+[^}]*)\}", number, form) if form.startswith("{") else form
    if value is form:
        for mark, choices in (
            ("~A", LETTERS),
            ("~a", LETTERS.lower()),
            ("~h", "0123456789abcdef"),
            ("~t", "abcdefghkmXYZQRS0123456789"),
            ("&", "23456789"),
            ("^", "3456789"),
            ("#", "0123456789"),
        ):
            pieces = value.split(mark)
            value = pieces[0] + "".join(rng.choice(choices) + piece for piece in pieces[1:])
    return value


def draw(groups: tuple[Group, ...], seed: int, contexts: int = 3) -> list[Sample]:
    """Return every form in some of its sentences."""
    rng = random.Random(seed)
    out = []
    for group in groups:
        for form in group.forms:
            for context in rng.sample(group.contexts, min(contexts, len(group.contexts))):
                value = build(form, rng)
                before, _, after = context.partition("{}")
                text, start = before + value + after, len(before)
                out.append(Sample(text, group.lang, start, start + len(value), group.type, form))
    return out


def _plain(line: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], line)


def groups(name: str) -> tuple[Group, ...]:
    """Return the groups of a file: `[TYPE lang]`, then lines of `form` or `in`, a tab and the text."""
    found: list[tuple[str, str, list[str], list[str]]] = []
    for line in (_FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            kind, lang = line[1:-1].split()
            found.append((kind, lang, [], []))
        elif line:
            which, _, text = line.partition("\t")
            found[-1][2 if which == "form" else 3].append(_plain(text))
    return tuple(Group(kind, lang, tuple(forms), tuple(contexts)) for kind, lang, forms, contexts in found)


def negatives(name: str) -> tuple[str, ...]:
    """Return the texts without personal data that belong to a file of `pii_groups`."""
    return tuple(map(_plain, (_FOLDER / f"{name}_nothing.txt").read_text("utf-8").splitlines()))
