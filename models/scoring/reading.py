"""What the words of a feedback say, before anything is known of who wrote them.

Texts of a slice are read together, one model after the other, each in one compiled call: the model's tables
then stay in the processor's caches, which makes a reading about a third as costly as going through all
models text by text.
A reading depends on its text alone, so how a slice is cut changes no result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models.fingerprint import Fingerprint, fingerprints
from models.scoring.model_set import ModelSet
from models.sentiment import Prediction, Reason
from models.topics.analyser import Analyser, Analysis
from models.topics.emotion import Emotions, read_all_emotions
from models.units import encoded


class Reading(NamedTuple):
    """What one text says.

    Parameters
    ----------
    said, because
        Sentiment, and the stretch of text that moved it most.
    found
        What phrases tell.
    topics
        The topic people gave to these words, else topics phrases found, else the one that people's
        corrections of other texts suggest.
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
    texts = [record["text"] for record in feedbacks]
    said = models.sentiment.predict_with_reasons([(record["text"], record["lang"]) for record in feedbacks])
    units = encoded(texts)
    found = analyser.analyse_texts(
        units,
        [prediction.polarity for prediction, _ in said],
        [_stars(record["rating"]) for record in feedbacks],
    )
    words = fingerprints(units)
    topics = [
        _corrected(models, print_) or analysis.topics or _suggested(models, record, analyser)
        for record, analysis, print_ in zip(feedbacks, found, words, strict=True)
    ]
    moods = read_all_emotions(texts, units)
    return [
        Reading(*spoken, analysis, about, mood, print_)
        for spoken, analysis, about, mood, print_ in zip(said, found, topics, moods, words, strict=True)
    ]


def _stars(rating: float | None) -> float | None:
    return None if rating is None else 3.0 + 2.0 * rating


def _corrected(models: ModelSet, words: Fingerprint) -> list[str]:
    told = models.corrected(words)
    return [told] if told else []


def _suggested(models: ModelSet, record: Mapping[str, Any], analyser: Analyser) -> list[str]:
    guess = models.topic_of(record["text"], record["lang"], analyser)
    return [guess] if guess else []
