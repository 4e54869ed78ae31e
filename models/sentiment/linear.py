"""The model of one language: features, two linear learners, their state and their reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.learner import State, finite
from models.sentiment import kernels
from models.sentiment.features import (
    FEATURE_CAP,
    SEEN_CAP,
    TEXT_CAP,
    character_grams,
    word_grams,
)
from models.sentiment.folding import folding_table
from models.sentiment.packing import pack_column, unpack_column

_HEAD = 1400
_COLUMNS = ("weight", "squares", "mean", "precision", "positive", "negative")
_NO_PRIOR = np.zeros(1, np.int8)


def readable(text: str) -> str:
    """Return the part of a text that the model reads: head and tail of a very long one."""
    return text if len(text) <= TEXT_CAP else text[:_HEAD] + text[_HEAD - TEXT_CAP :]


class LinearModel:
    """Hashed n-grams into logistic regression, naive Bayes and AROW, mixed (see `kernels`).

    Parameters
    ----------
    characters
        Character n-grams (Chinese) instead of words.
    bits
        log2 of the number of buckets.
    prior, prior_scale
        Frozen weights of this language and their unit; None for none.
    """

    def __init__(
        self,
        characters: bool,
        bits: int = 20,
        prior: npt.NDArray[np.int8] | None = None,
        prior_scale: float = 0.0,
    ) -> None:
        self.characters = characters
        self.bits = bits
        self.serving = False
        self.buckets = np.zeros((1 << bits, kernels.COLUMNS), np.float32)
        self.dense = np.zeros(kernels.DENSE, np.float64)
        self.dense[kernels.BAYES] = 0.3
        self.dense[kernels.PRIOR] = 1.0
        self.dense[kernels.MIX_LR] = 0.5
        self.dense[kernels.MIX_AROW] = 1.0
        self.terms = np.zeros(kernels.TERMS, np.float64)
        self._prior = _NO_PRIOR if prior is None else prior
        self._prior_scale = prior_scale
        self._folding = folding_table()
        self._hashes = np.zeros(FEATURE_CAP, np.uint32)
        self._spans = np.zeros((FEATURE_CAP, 2), np.int32)
        self._seen = np.zeros(SEEN_CAP + 1, np.uint64)
        self._work = np.zeros((2, TEXT_CAP), np.uint32)
        self._count = 0

    def _extract(self, text: str) -> int:
        codes = np.frombuffer(readable(text).encode("utf-32-le", "surrogatepass"), np.uint32)
        cut = character_grams if self.characters else word_grams
        self._count = cut(codes, self._folding, self._work, self._hashes, self._spans, self._seen)
        return self._count

    def score(self, text: str) -> float:
        """Return the logit of "positive"; parts and features stay for `learn_scored`."""
        count = self._extract(text)
        return kernels.score(
            self._hashes, count, self.buckets, self._prior, self._prior_scale, self.dense, self.terms
        )

    def learn_scored(self, label: float, weight: float) -> None:
        """Learn the label of the text that `score` saw last."""
        if self.serving:
            raise ValueError("a serving snapshot predicts only; restore a full state to learn")
        kernels.learn(self._hashes, self._count, self.buckets, self.dense, self.terms, label, weight)

    @property
    def known(self) -> float:
        """Share of the last text's features that were seen before, 0 to 1."""
        return float(self.terms[kernels.KNOWN])

    def contributions(self, text: str) -> tuple[float, float, list[tuple[str, float]]]:
        """Return logit, bias and the exact contribution of each stretch of the text."""
        logit = self.score(text)
        shown = readable(text)
        dense, norm = self.dense, float(self.terms[kernels.NORM])
        mix_lr, mix_arow = float(dense[kernels.MIX_LR]), float(dense[kernels.MIX_AROW])
        total: dict[str, float] = {}
        for j in range(self._count):
            hashed = int(self._hashes[j])
            row = self.buckets[hashed >> (32 - self.bits)]
            value = 0.0
            if row[kernels.POSITIVE] + row[kernels.NEGATIVE] > 0:
                bayes = float(dense[kernels.BAYES]) * kernels.log_ratio(row, dense)
                value = mix_lr * (float(row[kernels.WEIGHT]) + bayes) + mix_arow * float(row[kernels.MEAN])
            if self._prior.shape[0] > 1:
                given = float(self._prior[hashed >> (32 - kernels.PRIOR_BITS)]) * self._prior_scale
                value += mix_lr * float(dense[kernels.PRIOR]) * given
            start, end = self._spans[j]
            term = shown[start:end].lower()
            total[term] = total.get(term, 0.0) + value * norm
        bias = mix_lr * float(dense[kernels.BIAS]) + mix_arow * float(dense[kernels.AROW_BIAS])
        return logit, bias, list(total.items())

    def state(self) -> State:
        """Return everything learned, packed; `restore` gives it back bit for bit."""
        packed: State = {"bits": self.bits, "serving": self.serving, "dense": self.dense.copy()}
        for at, name in enumerate(_COLUMNS):
            packed.update(pack_column(name, np.ascontiguousarray(self.buckets[:, at])))
        return packed

    def serving_state(self) -> State:
        """Return what predicting needs: one half-precision weight a bucket, a few times smaller.

        Every part is linear in the features, so they fold into one weight; scores differ from the
        full model's by rounding only (about 1e-3 in the logit).
        """
        dense, table = self.dense, self.buckets
        positive, negative = table[:, kernels.POSITIVE], table[:, kernels.NEGATIVE]
        base = (dense[kernels.SEEN_POSITIVE] + 1.0) / (dense[kernels.SEEN_NEGATIVE] + 1.0)
        half = kernels.SMOOTHING
        ratio = np.log((positive + half) / (negative + half)) - math.log(base)
        linear = table[:, kernels.WEIGHT] + dense[kernels.BAYES] * ratio
        folded = dense[kernels.MIX_LR] * linear + dense[kernels.MIX_AROW] * table[:, kernels.MEAN]
        seen = (positive + negative) > 0
        served = np.zeros(kernels.DENSE, np.float64)
        served[kernels.MIX_LR] = 1.0
        served[kernels.PRIOR] = dense[kernels.PRIOR] * dense[kernels.MIX_LR]
        served[kernels.BIAS] = (
            dense[kernels.MIX_LR] * dense[kernels.BIAS] + dense[kernels.MIX_AROW] * dense[kernels.AROW_BIAS]
        )
        weights = np.where(seen, folded, 0.0).astype(np.float16).astype(np.float32)
        packed: State = {"bits": self.bits, "serving": True, "dense": served}
        packed["served.at"] = np.packbits(seen)
        packed["served.is"] = np.ascontiguousarray(
            weights[seen].astype(np.float16).view(np.uint8).reshape(-1, 2).T
        )
        return packed

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace what was learned; raises ValueError when the state does not fit."""
        if state["bits"] != self.bits:
            raise ValueError(f"state has {state['bits']} bits of buckets, this model {self.bits}")
        dense = np.asarray(state["dense"], np.float64)
        if dense.shape != (kernels.DENSE,) or not finite(dense):
            raise ValueError("state: dense coefficients are missing or not finite")
        size = 1 << self.bits
        buckets = np.zeros((size, kernels.COLUMNS), np.float32)
        if state["serving"]:
            seen = np.unpackbits(np.asarray(state["served.at"]), count=size).astype(bool)
            halves = np.ascontiguousarray(np.asarray(state["served.is"]).T).view(np.float16).reshape(-1)
            if halves.shape[0] != int(seen.sum()):
                raise ValueError("state: served weights do not match their occupancy")
            buckets[seen, kernels.WEIGHT] = halves
            buckets[seen, kernels.POSITIVE] = 1.0
        else:
            for at, name in enumerate(_COLUMNS):
                buckets[:, at] = unpack_column(name, state, size)
        self.buckets, self.dense, self.serving = buckets, dense.copy(), bool(state["serving"])
