"""Sentiment learned online, one model a language, with exact reasons; emotions and effort by lists."""

from models.sentiment.emotion import Emotions, read_emotions
from models.sentiment.language import guess_language
from models.sentiment.model import Explanation, Prediction, Reason, Sentiment

__all__ = [
    "Emotions",
    "Explanation",
    "Prediction",
    "Reason",
    "Sentiment",
    "guess_language",
    "read_emotions",
]
