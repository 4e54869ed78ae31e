"""The model of one language: features, linear learners, their state and their reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.learner import State, finite
from models.placeholders import without_placeholders
from models.sentiment import kernels
from models.sentiment.folding import folding_table
from models.sentiment.hashing import SCRATCH, TEXT_CAP, U32, VIEWS
from models.sentiment.packing import pack_table, unpack_table
from models.sentiment.slices import FIGURES, cut, read_texts, say, teach, weigh
from models.sentiment.sparse import SparseTable

_HEAD = 600
_ENCODING = ("utf-32-le", "surrogatepass")
_INITIAL = {True: (0.0, 0.3, 0.7, 0.2), False: (0.0, 0.3, 1.0, 0.2)}
"""First trust in bias, log-count ratios, lexicon and corpus prior, of characters and of words.

A far corpus misleads at first; the lexicon of words is the larger and surer one.
"""
_NO_PRIOR = np.zeros(1, np.uint32)


def readable(text: str) -> str:
    """Return what the model reads of a text: no placeholders of masked values, head and tail if very long."""
    text = without_placeholders(text)
    return text if len(text) <= TEXT_CAP else text[:_HEAD] + text[_HEAD - TEXT_CAP :]


class Said(NamedTuple):
    """What one text got; the strongest n-gram is None where nothing moved the score."""

    polarity: float
    probability: float
    confidence: float
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
        self.folding = folding_table()
        self.scratch = np.zeros(1, SCRATCH)
        self.hashes = self.scratch["hashes"][0]
        self.spans = self.scratch["spans"][0]
        self.bounds = self.scratch["bounds"][0]

    def cut(self, text: str) -> None:
        """Fill `hashes` and `spans`; `bounds` says where each view ends."""
        cut(readable(text).encode(*_ENCODING), self.characters, self.folding, self.scratch)


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
        self._table = SparseTable(bits)
        self._dense = np.zeros(kernels.DENSE, np.float64)
        self._coefficients[:] = _INITIAL[characters]
        self._dense[kernels.MIX : kernels.MIX_SQUARED] = 0.5 if characters else 0.25
        self._prior = _NO_PRIOR if prior is None else prior
        self._cutter = Cutter(characters)
        self._terms = self._cutter.scratch["terms"][0]
        self._bind()

    def _bind(self) -> None:
        """Put together what every kernel is handed; again whenever an array is replaced."""
        cutter, table, shift = self._cutter, self._table, 32 - self.bits
        held = (shift, table.groups, table.pool)
        self._reading = (cutter.characters, cutter.folding, cutter.scratch, *held, self._prior, self._dense)
        self._teaching = (cutter.scratch, *held, table.squares, table.used, self._dense)

    @property
    def _coefficients(self) -> npt.NDArray[np.float64]:
        return self._dense[: kernels.SQUARED].reshape(kernels.LEARNERS, kernels.INPUTS)

    def say(self, text: str) -> tuple[float, float, float]:
        """Return polarity, probability and confidence; parts and features stay for `learn_said`."""
        if "<" in text or len(text) > TEXT_CAP:
            text = readable(text)
        return say(text.encode(*_ENCODING), *self._reading)

    def learn_said(self, label: float, weight: float) -> None:
        """Learn the label of the text that `say` saw last."""
        if self.serving:
            raise ValueError("a serving snapshot predicts only; restore a full state to learn")
        while not teach(*self._teaching, label, weight):
            self._table.make_room()
            self._bind()

    def contributions(self, text: str) -> tuple[float, float, list[tuple[str, float]]]:
        """Return logit, bias and the exact contribution of each stretch of the text."""
        self.say(text)
        cutter = self._cutter
        weigh(cutter.scratch, self._prior, self._dense)
        shown, spans, bounds = readable(text), cutter.spans, cutter.bounds
        parts = cutter.scratch["parts"][0]
        mix = self._dense[kernels.MIX : kernels.MIX_SQUARED].copy()
        mix[2:] *= bounds[2] > bounds[1]
        mix[:2] *= bounds[1] > 0
        total: dict[str, float] = {}
        for j in range(int(bounds[VIEWS])):
            term = shown[spans[j, 0] : spans[j, 1]].strip().lower()
            total[term] = total.get(term, 0.0) + float(parts[j])
        bias = float(mix @ self._coefficients[:, 0])
        return float(self._terms[kernels.LOGIT]), bias, list(total.items())

    def read(self, texts: Sequence[str]) -> list[Said]:
        """Return for each text what `say` gives, and the n-gram that moved it most in its direction."""
        shown = [readable(text) for text in texts]
        ends = np.fromiter(accumulate(map(len, shown)), np.int64, len(shown))
        figures = np.empty((FIGURES, len(shown)))
        places = np.empty((len(shown), 2), np.int32)
        read_texts("".join(shown).encode(*_ENCODING), ends, *self._reading, figures, places)
        terms = (
            None if end < 0 else text[start:end].strip()
            for text, (start, end) in zip(shown, places.tolist(), strict=True)
        )
        polarity, probability, confidence, part = figures.tolist()
        return list(map(Said, polarity, probability, confidence, terms, part))

    def state(self, learning: bool = True) -> State:
        """Return everything learned, packed; without `learning` only what predicting reads."""
        if learning and self.serving:
            raise ValueError("a serving snapshot holds no full state")
        packed: State = {
            "bits": self.bits,
            "serving": not learning,
            "dense": self._dense.copy(),
        }
        packed.update(pack_table(*self._table.contents(), learning))
        return packed

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace what was learned; raises KeyError or ValueError when the state does not fit."""
        if state["bits"] != self.bits:
            raise ValueError(f"state has {state['bits']} bits of buckets, this model {self.bits}")
        dense = np.asarray(state["dense"], np.float64)
        if dense.shape != (kernels.DENSE,) or not finite(dense):
            raise ValueError("dense coefficients are missing or not finite")
        contents = unpack_table(state, 1 << self.bits)
        serving = bool(state["serving"])
        if not serving and "squares" not in state:
            raise ValueError("a full state needs its step sizes")
        self._table.fill(*contents)
        self._dense, self.serving = dense.copy(), serving
        self._bind()
