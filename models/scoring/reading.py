"""What the words of a feedback say, before anything is known of who wrote them.

Texts of a slice are read together, one model after the other: each model's tables then stay in the
processor's caches, which makes a reading about half as costly as going through all models text by text.
A reading depends on its text alone, so how a slice is cut changes no result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models.fingerprint import Fingerprint, fingerprint
from models.scoring.model_set import ModelSet
from models.sentiment import Prediction, Reason
from models.topics.analyser import Analyser, Analysis
from models.topics.emotion import Emotions, read_emotions


class Reading(NamedTuple):
    """What one text says.

    Parameters
    ----------
    said, because
        Sentiment, and the stretch of text that moved it most.
    found
        What phrases tell.
    topics
        Topics phrases found, else the one people's corrections suggest.
    mood
        Emotions and effort.
    words
        Stands for the text among near-identical ones.
    """

    said: Prediction
    because: Reason | None
    found: Analysis
    topics: list[str]
    mood: Emotions
    words: Fingerprint


def read(models: ModelSet, analyser: Analyser, feedbacks: Sequence[Mapping[str, Any]]) -> list[Reading]:
    """Return the reading of each masked feedback."""
    texts = [(record["text"], record["lang"]) for record in feedbacks]
    sentiment = models.sentiment
    said = [sentiment.predict_with_reason(text, lang) for text, lang in texts]
    found = [
        analyser.analyse(text, lang, prediction.polarity, _stars(record["rating"]))
        for record, (text, lang), (prediction, _) in zip(feedbacks, texts, said, strict=True)
    ]
    topics = [
        analysis.topics or _suggested(models, text, lang, analyser)
        for (text, lang), analysis in zip(texts, found, strict=True)
    ]
    moods = [read_emotions(text) for text, _ in texts]
    words = [fingerprint(text) for text, _ in texts]
    return [
        Reading(*spoken, analysis, about, mood, print_)
        for spoken, analysis, about, mood, print_ in zip(said, found, topics, moods, words, strict=True)
    ]


def _stars(rating: float | None) -> float | None:
    return None if rating is None else 3.0 + 2.0 * rating


def _suggested(models: ModelSet, text: str, lang: str, analyser: Analyser) -> list[str]:
    guess = models.topic_of(text, lang, analyser)
    return [guess] if guess else []
