"""Reads sentences with personal data and hard negatives: `pii_fresh.txt` in halves, and other files."""

from __future__ import annotations

import hashlib
import random
import re
from pathlib import Path
from typing import NamedTuple

import pii_unseen

from ops.evaluation.pii import Row, Truth

_VALUE = re.compile(r"⟦([A-Z_]+) ([^⟧]+)⟧")
_TAIWAN = dict(zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36), strict=True))
_BANK_LETTERS = {"GB": 4, "NL": 4}


class Halves(NamedTuple):
    """Rows to fix by, and rows kept from sight until the fixes were done."""

    tuning: list[Row]
    held_back: list[Row]


def _hong_kong(rng: random.Random) -> str:
    letter, digits = rng.choice("ABCDEGHKPRYZ"), f"{rng.randrange(10**6):06}"
    values = [36, ord(letter) - 55, *map(int, digits)]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return f"{letter}{digits}({'0123456789A'[-total % 11]})"


def _taiwan(rng: random.Random) -> str:
    letter = rng.choice(sorted(_TAIWAN))
    body = rng.choice("12") + f"{rng.randrange(10**7):07}"
    digits = [*divmod(_TAIWAN[letter], 10), *map(int, body)]
    total = sum(digit * weight for digit, weight in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1), strict=True))
    return f"{letter}{body}{-total % 10}"


def _iban(rng: random.Random, country: str, length: int) -> str:
    letters = "".join(rng.choice("ABCDEFGH") for _ in range(_BANK_LETTERS.get(country, 0)))
    bban = letters + "".join(rng.choice("0123456789") for _ in range(length - len(letters)))
    digits = "".join(str(int(char, 36)) for char in f"{bban}{country}00")
    return f"{country}{98 - int(digits) % 97:02}{bban}"


def _value(form: str, rng: random.Random) -> str:
    words = form.strip("{}").split()
    if form.startswith("{hkid"):
        return re.sub(r"[()]", "", _hong_kong(rng)) if words[1:] else _hong_kong(rng)
    if form == "{twid}":
        return _taiwan(rng)
    if form.startswith("{iban"):
        value = _iban(rng, words[1], int(words[2]))
        return " ".join(re.findall(".{1,4}", value)) if words[3:] else value
    return pii_unseen.build(form, rng)


def _row(line: str, rng: random.Random) -> Row:
    lang, _, sentence = line.partition("|")
    if "⟦" not in sentence:
        return Row(pii_unseen.build(sentence, rng), lang, (), (), None)
    text, spans, position = "", [], 0
    for match in _VALUE.finditer(sentence):
        text += sentence[position : match.start()]
        value = _value(match[2].strip(), rng)
        spans.append(Truth(len(text), len(text) + len(value), match[1], False))
        text += value
        position = match.end()
    return Row(text + sentence[position:], lang, tuple(spans), (), None)


def _lines(name: str) -> list[str]:
    lines = (Path(__file__).parent / name).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def rows_of(name: str, seed: int) -> list[Row]:
    """Return a row of every sentence of a file."""
    return [_row(line, random.Random(f"{seed} {line}")) for line in _lines(name)]


def halves(seed: int, draws: int = 2) -> Halves:
    """Return the rows of both halves, each sentence `draws` times with other numbers."""
    out = Halves([], [])
    for line in _lines("pii_fresh.txt"):
        digest = hashlib.blake2b(line.encode(), digest_size=8).hexdigest()
        rng = random.Random(f"{seed} {digest}")
        out[int(digest, 16) % 2].extend(_row(line, rng) for _ in range(draws))
    return out
