"""Sentiment learned online, one model a language, with exact reasons."""

from models.sentiment.language import guess_language
from models.sentiment.model import Explanation, Prediction, Reason, Sentiment

__all__ = [
    "Explanation",
    "Prediction",
    "Reason",
    "Sentiment",
    "guess_language",
]
