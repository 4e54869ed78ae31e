"""Sentiment learned online, one model a language, with exact reasons."""

from models.sentiment.model import Prediction, Reason, Sentiment

__all__ = ["Prediction", "Reason", "Sentiment"]
