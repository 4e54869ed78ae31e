"""Hark's learners as River estimators, so that River's tools take them and theirs stand beside them.

The pipeline calls the learners themselves: they predict and learn in one pass over a text, which River's
interface has no word for. Here they are what River expects: `learn_one(x, y)`, probabilities by class,
`clone()`; so `evaluate.progressive_val_score`, `compose.Pipeline`, ensembles and metrics work on them.

Source: Montiel et al., "River: machine learning for streaming data in Python", JMLR 2021.
"""

from __future__ import annotations

from typing import Any

from river import base

from models.churn.propensity import Propensity
from models.sentiment import Sentiment
from models.topics.classifier import TopicClassifier


def _text(x: Any, on: str | None) -> str:
    """Return the text: `x` itself as River's text transformers take it, or the field `on` of it."""
    return str(x if on is None else x[on])


class SentimentEstimator(base.Classifier):
    """`models.sentiment.Sentiment` for River: x is a text, y whether it is positive.

    Parameters
    ----------
    on
        Field of `x` that holds the text; None when `x` is the text.
    lang
        Language of all texts; by script where it is empty.
    bits, prior
        As in `Sentiment`.

    Examples
    --------
    >>> from river import evaluate, metrics
    >>> reviews = [("太好用了", True), ("老是卡", False)] * 20
    >>> evaluate.progressive_val_score(reviews, SentimentEstimator(bits=16), metrics.Accuracy()).get() > 0.95
    True
    """

    def __init__(self, on: str | None = None, lang: str = "", bits: int = 20, prior: str = "shipped") -> None:
        self.on = on
        self.lang = lang
        self.bits = bits
        self.prior = prior
        self._model = Sentiment(bits, prior)

    def learn_one(self, x: Any, y: Any) -> None:
        """Learn that a text is positive or not."""
        self._model.learn_one(_text(x, self.on), self.lang, bool(y))

    def predict_proba_one(self, x: Any, **kwargs: Any) -> dict[Any, float]:
        """Return the probability of negative and of positive."""
        chance = self._model.predict(_text(x, self.on), self.lang).probability
        return {False: 1.0 - chance, True: chance}


class PropensityEstimator(base.Classifier):
    """`models.churn.propensity.Propensity` for River: x is a row of numbers and words, y whether it happened.

    Parameters
    ----------
    target, seed, rows
        As in `Propensity`.

    Examples
    --------
    >>> from river import evaluate, metrics
    >>> rows = [({"logins": i % 10, "tier": "ab"[i % 2]}, i % 10 < 3) for i in range(500)]
    >>> evaluate.progressive_val_score(rows, PropensityEstimator(), metrics.Accuracy()).get() > 0.9
    True
    """

    def __init__(self, target: str = "churn", seed: int = 7, rows: int = 16_384) -> None:
        self.target = target
        self.seed = seed
        self.rows = rows
        self._model = Propensity(target, seed, rows)

    def learn_one(self, x: dict[Any, Any], y: Any) -> None:
        """Learn whether the target happened to a row."""
        self._model.learn_one(x, bool(y))

    def predict_proba_one(self, x: dict[Any, Any], **kwargs: Any) -> dict[Any, float]:
        """Return the probability that the target does not happen, and that it does."""
        chance = self._model.predict_proba_one(x)
        return {False: 1.0 - chance, True: chance}


class TopicEstimator(base.Classifier):
    """`models.topics.classifier.TopicClassifier` for River: x is a text, y its topic.

    Parameters
    ----------
    on, lang
        As in `SentimentEstimator`.
    bits
        As in `TopicClassifier`.
    """

    def __init__(self, on: str | None = None, lang: str = "", bits: int = 17) -> None:
        self.on = on
        self.lang = lang
        self.bits = bits
        self._model = TopicClassifier(bits=bits)

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: Any, y: Any) -> None:
        """Learn the topic of a text."""
        self._model.learn_one(_text(x, self.on), self.lang, str(y))

    def predict_proba_one(self, x: Any, **kwargs: Any) -> dict[Any, float]:
        """Return the probability of each topic met so far."""
        return dict(self._model.predict(_text(x, self.on), self.lang))
