"""Find thousands of phrases in one pass over a text, with words kept whole and negation seen.

An Aho-Corasick automaton in one compiled loop: its cost does not depend on the number of phrases, and
unlike a callback per match it stays in machine code until the pass is over. Characters are folded on the
way (case, full width, traditional to simplified), so a phrase is written once. A folded character is a
number below 32 * 32 and takes two steps of five bits: the transitions of the whole taxonomy then fit the
cache.

Source: Aho and Corasick, "Efficient string matching", CACM 18(6), 1975.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from models.sentiment.folding import CLASS_SHIFT, GAP, folding_table
from models.topics.scanning import MAX_HITS, scan_texts
from models.units import Units, encoded

I32 = npt.NDArray[np.int32]

NEGATOR, BREAK = -1, -2
"""Layers of phrases that only steer negation: the one opens it, the other ends the clause."""

_LEFT, _RIGHT, _CANCELLABLE = 1, 2, 4
_HALF = 5
_LONGEST = 60
# How far a negation reaches: about two short English words, or as many Chinese characters as its own
# length allows (不太好, 没有出现闪退; but 无烟煤很好用 denies nothing).
_REACH_LATIN = 10
_SPACE, _SKIP, _WORD = 1, -1, 1 << 16
_ALPHABET = 1 << (2 * _HALF)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One string to find.

    Parameters
    ----------
    text
        Edges that are Latin letters or digits match at word edges only; a trailing `*` lets the last
        word go on. At most 60 characters.
    layer
        Phrases of one layer hide shorter ones inside them; layers do not see each other.
    cancellable
        Whether a negation before it is reported.
    """

    text: str
    layer: int
    cancellable: bool = True


class PhraseAutomaton:
    """All phrases compiled for `scan`; one instance a thread, for the buffer of matches is its own.

    Parameters
    ----------
    phrases
        In any number, of at most 1,022 different characters; equal ones are reported once each.

    Raises
    ------
    ValueError
        For an empty or over-long phrase or too many different characters.

    Examples
    --------
    >>> automaton = PhraseAutomaton([Phrase("crash*", 0), Phrase("never", NEGATOR), Phrase("退货", 0)])
    >>> automaton.scan("It crashes, ＣＲＡＳＨＥＳ!"), automaton.scan("it never crashed")
    ([0, 0], [1])
    >>> automaton.scan("退貨")
    [4]
    """

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self.phrases = tuple(phrases)
        self._table = _compile(self.phrases)
        self._hits = np.zeros(MAX_HITS * 5, dtype=np.int32)

    def scan(self, text: str) -> list[int]:
        """Return `2 * index + negated` for each phrase found, in order of its end; at most 256.

        Lone surrogates break nothing.
        """
        return self.scan_texts(encoded([text]))[0]

    def scan_texts(self, units: Units, limit: int = 1 << 30) -> list[list[int]]:
        """Return for each text what `scan` finds in its first `limit` UTF-16 units."""
        size = len(units.ends)
        found = np.empty(MAX_HITS + 8 * size, np.int32)
        counts = np.zeros(size, np.int64)
        out: list[list[int]] = []
        while len(out) < size:
            first = len(out)
            done = scan_texts(
                units.data, units.ends, first, 2 * limit, self._table, self._hits, found, counts
            )
            codes, at = found.tolist(), 0
            for count in counts[first:done].tolist():
                out.append(codes[at : at + count])
                at += count
        return out


@cache
def _folded() -> tuple[int, ...]:
    """Return each code unit's folded code point; -1 for what has no width, 32 for separators."""
    mask = (1 << CLASS_SHIFT) - 1
    found = []
    for unit, entry in enumerate(folding_table().tolist()):
        gap = entry >> CLASS_SHIFT == GAP
        # A new line ends a clause, so it is more than a space; two surrogates are one emoji.
        if unit == 0x0A or 0xD800 <= unit < 0xE000:
            found.append(unit)
            continue
        found.append(_SKIP if gap and unicodedata.category(chr(unit)) in ("Cf", "Mn") else entry & mask)
    return tuple(found)


def _fold(text: str) -> str:
    table = _folded()
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2").tolist()
    return "".join(chr(table[unit]) for unit in units if table[unit] != _SKIP)


@lru_cache(maxsize=4)  # every learner and the scorer have one: 0.3 s and 3 MB each
def _compile(phrases: tuple[Phrase, ...]) -> I32:
    """Lay out [4 offsets, symbol of each code unit, transitions, output ranges, outputs, phrase facts]."""
    alphabet: dict[str, int] = {" ": _SPACE}
    # State 0 stands before a character, state 1 in the middle of one that begins no phrase.
    children: list[dict[int, int]] = [{}, {}]
    own: list[list[int]] = [[], []]
    info = np.zeros((max(1, len(phrases)), 4), dtype=np.int32)
    for index, phrase in enumerate(phrases):
        text = _fold(phrase.text.removesuffix("*"))
        if not 0 < len(text) <= _LONGEST:
            raise ValueError(f"phrase {index} has {len(text)} characters, not 1 to {_LONGEST}")
        flags = _LEFT * _is_word(text[0]) + _RIGHT * (_is_word(text[-1]) and not phrase.text.endswith("*"))
        reach = _REACH_LATIN if text.isascii() else 1 + min(2, len(text))
        info[index] = (len(text), flags + _CANCELLABLE * phrase.cancellable, phrase.layer, reach)
        state = 0
        for char in text:
            symbol = alphabet.setdefault(char, len(alphabet) + 1)
            for half in (symbol >> _HALF, symbol & 31):
                if half not in children[state]:
                    children[state][half] = len(children)
                    children.append({})
                    own.append([])
                state = children[state][half]
        own[state].append(index)
    if len(alphabet) >= _ALPHABET:
        raise ValueError(f"phrases use {len(alphabet)} different characters, more than {_ALPHABET - 2}")
    delta, outputs = _transitions(children, own)
    first = np.cumsum([0, *(len(found) for found in outputs)])
    flat = np.array([index for found in outputs for index in found] or [0])
    symbols = np.zeros(0x10000, dtype=np.int32)
    for unit, code in enumerate(_folded()):
        if code == _SKIP:
            symbols[unit] = _SKIP
        else:
            symbols[unit] = alphabet.get(chr(code), 0) | (_WORD if _is_word(chr(code)) else 0)
    parts = [symbols, delta.ravel(), first, flat, info.ravel()]
    offsets = np.cumsum([4, *(part.size for part in parts)])
    return np.concatenate([offsets[1:5], *parts]).astype(np.int32)


def _transitions(children: list[dict[int, int]], own: list[list[int]]) -> tuple[I32, list[list[int]]]:
    """Complete the trie to an automaton: every state knows where each half symbol leads.

    States before and in the middle of a character never mix, since failure links start from states 0
    and 1 respectively.
    """
    delta = np.zeros((len(children), 32), dtype=np.int32)
    delta[0] = 1
    fail = [0] * len(children)
    outputs = [list(found) for found in own]
    queue = [0]
    for state in queue:
        if state:
            delta[state] = delta[fail[state]]
        for half, child in children[state].items():
            fail[child] = int(delta[state, half])
            outputs[child] += outputs[fail[child]]
            delta[state, half] = child
            queue.append(child)
    return delta, outputs


def _is_word(char: str) -> bool:
    return char.isascii() and char.isalnum()
