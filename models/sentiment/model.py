"""Polarity of a text, learned one label at a time, one model a language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.learner import State
from models.sentiment.language import CHINESE, feature_language
from models.sentiment.linear import LinearModel
from models.sentiment.prior import SHIPPED, Prior, load_prior
from models.snapshot import config_hash

VERSION = 2
"""2: a bucket is one number of 64 bits."""


class Prediction(NamedTuple):
    """What a text says.

    `polarity` in [-1, 1] is 2·probability - 1; `probability` in [0, 1] that the text is positive;
    `confidence` in [0, 1] that the sign is right, lowered for texts made of things never seen.
    """

    polarity: float
    probability: float
    confidence: float


class Reason(NamedTuple):
    """A stretch of the text and the logit it added (negative: towards "negative")."""

    term: str
    contribution: float


_UNREAD: tuple[Prediction, None] = (Prediction(0.0, 0.5, 0.5), None)


@dataclass(frozen=True)
class Explanation:
    """Reasons that add up: `logit` is `bias` plus every contribution, those in `rest` included."""

    logit: float
    bias: float
    reasons: list[Reason]
    rest: float


class Sentiment:
    """Online sentiment with a frozen prior; follows `models.learner.Learner`.

    Languages share nothing: one mixed character model costs English 1.7 points (references.md).
    A language without a model of its own is read as words by a third model.

    Parameters
    ----------
    bits
        log2 of the buckets a language has; 20 means 10 MB of memory once a language is seen.
    prior
        "shipped", "none", a path, or a `Prior`.

    Examples
    --------
    >>> model = Sentiment(prior="none", bits=16)
    >>> for _ in range(5):
    ...     model.learn_one("太好用了", "zh", True)
    ...     model.learn_one("老是卡", "zh", False)
    >>> model.predict("好用", "zh").polarity > 0 > model.predict("卡", "zh").polarity
    True
    """

    name = "sentiment"

    def __init__(self, bits: int = 20, prior: str | Prior = SHIPPED) -> None:
        if not 10 <= bits <= 24:
            raise ValueError(f"bits must be between 10 and 24, not {bits}")
        self.bits = bits
        self._prior = load_prior(prior) if isinstance(prior, str) else prior
        self._models: dict[str, LinearModel] = {}

    @property
    def config_hash(self) -> str:
        """Hash of what a state must share with this learner: format, buckets and the prior."""
        return config_hash({"format": VERSION, "bits": self.bits, "prior": self._prior.digest})

    def _model(self, text: str, lang: str) -> LinearModel:
        model = self._models.get(lang)
        if model is not None:
            return model
        key = feature_language(lang, text)
        model = self._models.get(key)
        return self._new(key) if model is None else model

    def _new(self, key: str) -> LinearModel:
        self._models[key] = LinearModel(key == CHINESE, self.bits, self._prior.tables.get(key))
        return self._models[key]

    def predict(self, text: str, lang: str = "") -> Prediction:
        """Return polarity, probability and confidence of a text; changes nothing learned."""
        model = self._models.get(lang) or self._model(text, lang)
        return Prediction(*model.say(text))

    def predict_with_reasons(
        self, texts: Sequence[tuple[str, str]]
    ) -> list[tuple[Prediction, Reason | None]]:
        """Return `predict` of each (text, lang) and the stretch of text that moved it most in its direction.

        The reason is exact for this model; texts are read together, which costs a third of one by one.
        """
        shares: dict[int, tuple[LinearModel, list[int]]] = {}
        for number, (text, lang) in enumerate(texts):
            model = self._model(text, lang)
            shares.setdefault(id(model), (model, []))[1].append(number)
        out: list[tuple[Prediction, Reason | None]] = [_UNREAD] * len(texts)
        for model, numbers in shares.values():
            read = model.read([texts[number][0] for number in numbers])
            for number, (polarity, probability, confidence, term, part) in zip(numbers, read, strict=True):
                reason = None if term is None else Reason(term, part)
                out[number] = (Prediction(polarity, probability, confidence), reason)
        return out

    def predict_many(self, texts: Iterable[tuple[str, str]]) -> list[Prediction]:
        """Return a prediction for each (text, lang)."""
        return [self.predict(text, lang) for text, lang in texts]

    def learn_one(self, text: str, lang: str, label: bool | float, weight: float = 1.0) -> None:
        """Learn that a text is positive (1), negative (0) or something between."""
        self.predict_learn(text, lang, label, weight)

    def predict_learn(self, text: str, lang: str, label: bool | float, weight: float = 1.0) -> Prediction:
        """Predict, then learn, cutting the features once; returns the prediction before learning.

        Raises
        ------
        ValueError
            If the label is outside [0, 1] or the weight is negative or not finite.
        """
        target = float(label)
        if not 0.0 <= target <= 1.0:
            raise ValueError(f"label must be between 0 and 1, not {label}")
        if not 0.0 <= weight < math.inf:
            raise ValueError(f"weight must be finite and not negative, not {weight}")
        model = self._model(text, lang)
        said = model.say(text)
        model.learn_said(target, weight)
        return Prediction(*said)

    def explain(self, text: str, lang: str = "", k: int = 5) -> Explanation:
        """Return the k stretches of text that moved the score most, exact for this model."""
        logit, bias, terms = self._model(text, lang).contributions(text)
        terms.sort(key=lambda item: (-abs(item[1]), item[0]))
        reasons = [Reason(term, value) for term, value in terms[:k]]
        return Explanation(logit, bias, reasons, math.fsum(value for _, value in terms[k:]))

    def state(self) -> State:
        """Return everything learned as flat arrays and JSON values, keys prefixed by language."""
        return self._collect({lang: model.state() for lang, model in self._models.items()})

    def serving_state(self) -> State:
        """Return only what predicting reads: smaller than `state`, and predicts bit for bit the same."""
        return self._collect({lang: model.state(False) for lang, model in self._models.items()})

    @staticmethod
    def _collect(parts: dict[str, State]) -> State:
        flat: State = {"version": VERSION, "langs": sorted(parts)}
        for lang in sorted(parts):
            flat.update({f"{lang}.{key}": value for key, value in parts[lang].items()})
        return flat

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace what was learned by a `state` or `serving_state`.

        Raises
        ------
        ValueError
            If the version, the bucket count or an array does not fit; nothing is changed then.
        """
        if state.get("version") != VERSION:
            raise ValueError(
                f"sentiment state has version {state.get('version')}, this build reads {VERSION}"
            )
        kept = self._models
        self._models = {}
        try:
            for lang in state["langs"]:
                prefix = f"{lang}."
                part = {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
                self._new(lang).restore(part)
        except (KeyError, ValueError) as error:
            self._models = kept
            raise ValueError(f"sentiment state does not fit: {error}") from error
