"""The model of one language: features, linear learners, their state and their reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from models.learner import State, finite
from models.placeholders import without_placeholders
from models.sentiment import kernels
from models.sentiment.characters import character_grams
from models.sentiment.folding import folding_table
from models.sentiment.hashing import FEATURE_CAP, SEEN_CAP, TEXT_CAP, U32
from models.sentiment.packing import pack_table, unpack_table
from models.sentiment.slices import read_texts
from models.sentiment.words import letter_grams, word_grams

_HEAD = 600
_INITIAL = (0.0, 0.3, 0.7, 0.2)
"""First trust in bias, log-count ratios, lexicon and corpus prior; a far corpus misleads at first."""
_NO_PRIOR = np.zeros(1, np.uint32)


def readable(text: str) -> str:
    """Return what the model reads of a text: no placeholders of masked values, head and tail if very long."""
    text = without_placeholders(text)
    return text if len(text) <= TEXT_CAP else text[:_HEAD] + text[_HEAD - TEXT_CAP :]


class Scored(NamedTuple):
    """What one text got: logit, share of features known, strongest n-gram and its part of the logit."""

    logit: float
    known: float
    term: str | None
    contribution: float


class Cutter:
    """Cuts texts into hashed features, with scratch of its own; not for use by two threads.

    Parameters
    ----------
    characters
        Character n-grams (Chinese) instead of words and letter stretches.
    """

    def __init__(self, characters: bool) -> None:
        self.characters = characters
        self.hashes = np.zeros(FEATURE_CAP, np.uint32)
        self.spans = np.zeros((FEATURE_CAP, 2), np.int32)
        self.bounds = np.zeros(kernels.VIEWS + 1, np.int64)
        self.folding = folding_table()
        self.seen = np.zeros(SEEN_CAP + 1, np.uint64)
        self.work = np.zeros((2, TEXT_CAP + 2), np.uint32)

    def cut(self, text: str) -> None:
        """Fill `hashes` and `spans`; `bounds` says where each view ends."""
        codes = np.frombuffer(readable(text).encode("utf-32-le", "surrogatepass"), np.uint32)
        rest = (self.hashes, self.spans, self.seen)
        if self.characters:
            self.bounds[1:] = character_grams(codes, self.folding, self.work, *rest)
            return
        words = word_grams(codes, self.folding, self.work, *rest)
        self.bounds[1] = words
        self.bounds[2] = letter_grams(codes, self.folding, self.work, words, *rest)


class LinearModel:
    """Hashed n-grams into the mixed linear learners of `kernels`.

    Parameters
    ----------
    characters
        Character n-grams (Chinese) instead of words.
    bits
        log2 of the number of buckets.
    prior
        Frozen weights of this language, see `kernels.frozen`; None for none.
    """

    def __init__(self, characters: bool, bits: int = 20, prior: U32 | None = None) -> None:
        self.bits = bits
        self.serving = False
        self.buckets = np.zeros((1 << bits, kernels.COLUMNS), np.float32)
        self._squares = np.zeros(1 << bits, np.float32)
        self.dense = np.zeros(kernels.DENSE, np.float64)
        coefficients = self.dense[: kernels.SQUARED].reshape(kernels.LEARNERS, kernels.INPUTS)
        coefficients[:] = _INITIAL
        self.dense[kernels.MIX : kernels.MIX_SQUARED] = 0.5 if characters else 0.25
        self._terms = np.zeros(kernels.TERMS, np.float64)
        self._ratios = np.zeros(FEATURE_CAP, np.float64)
        self._parts = np.zeros(FEATURE_CAP, np.float64)
        self._prior = _NO_PRIOR if prior is None else prior
        self._shift = np.uint32(32 - bits)
        self._cutter = Cutter(characters)
        self._bind()

    def _bind(self) -> None:
        """Put together what every kernel is handed; again whenever an array is replaced."""
        features = (self._cutter.hashes, self._cutter.bounds, self._shift)
        partial = (self.dense, self._ratios, self._terms)
        self._reading = (*features, self.buckets, self._prior, *partial)
        self._teaching = (*features, self.buckets, self._squares, *partial)

    def score(self, text: str) -> float:
        """Return the logit of "positive"; parts and features stay for `learn_scored`."""
        self._cutter.cut(text)
        return kernels.score(*self._reading)

    def learn_scored(self, label: float, weight: float) -> None:
        """Learn the label of the text that `score` saw last."""
        if self.serving:
            raise ValueError("a serving snapshot predicts only; restore a full state to learn")
        kernels.learn(*self._teaching, label, weight)

    @property
    def known(self) -> float:
        """Share of the last text's features that were seen before, 0 to 1."""
        return float(self._terms[kernels.KNOWN])

    def contributions(self, text: str) -> tuple[float, float, list[tuple[str, float]]]:
        """Return logit, bias and the exact contribution of each stretch of the text."""
        logit = self.score(text)
        kernels.contribute(*self._reading, self._parts)
        shown, spans, bounds = readable(text), self._cutter.spans, self._cutter.bounds
        coefficients = self.dense[: kernels.SQUARED].reshape(kernels.LEARNERS, kernels.INPUTS)
        mix = self.dense[kernels.MIX : kernels.MIX_SQUARED].copy()
        mix[2:] *= bounds[2] > bounds[1]
        mix[:2] *= bounds[1] > 0
        total: dict[str, float] = {}
        for j in range(int(bounds[kernels.VIEWS])):
            term = shown[spans[j, 0] : spans[j, 1]].strip().lower()
            total[term] = total.get(term, 0.0) + float(self._parts[j])
        return logit, float(mix @ coefficients[:, 0]), list(total.items())

    def read(self, texts: Sequence[str]) -> list[Scored]:
        """Return for each text what `score` gives, and the n-gram that moved it most in its direction."""
        shown = [readable(text) for text in texts]
        codes = np.frombuffer("".join(shown).encode("utf-32-le", "surrogatepass"), np.uint32)
        ends = np.fromiter(accumulate(map(len, shown)), np.int64, len(shown))
        figures = np.empty((3, len(shown)))
        places = np.empty((len(shown), 2), np.int32)
        cutter = self._cutter
        cutting = (cutter.characters, cutter.folding, cutter.work, cutter.spans, cutter.seen)
        given = (codes, ends, *cutting, *self._reading, self._parts, figures, places)
        read_texts(*given)
        return [
            Scored(logit, known, None if end < 0 else text[start:end].strip(), part)
            for text, logit, known, part, (start, end) in zip(
                shown, *figures.tolist(), places.tolist(), strict=True
            )
        ]

    def state(self, learning: bool = True) -> State:
        """Return everything learned, packed; without `learning` only what predicting reads."""
        if learning and self.serving:
            raise ValueError("a serving snapshot holds no full state")
        packed: State = {"bits": self.bits, "serving": not learning, "dense": self.dense.copy()}
        packed.update(pack_table(self.buckets, self._squares if learning else None))
        return packed

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace what was learned; raises KeyError or ValueError when the state does not fit."""
        if state["bits"] != self.bits:
            raise ValueError(f"state has {state['bits']} bits of buckets, this model {self.bits}")
        dense = np.asarray(state["dense"], np.float64)
        if dense.shape != (kernels.DENSE,) or not finite(dense):
            raise ValueError("dense coefficients are missing or not finite")
        buckets, squares = unpack_table(state, 1 << self.bits)
        serving = bool(state["serving"])
        if not serving and "squares" not in state:
            raise ValueError("a full state needs its step sizes")
        self.buckets, self._squares, self.dense, self.serving = buckets, squares, dense.copy(), serving
        self._bind()
