"""Two-level topics, kind, urgency and priority."""

from models.topics.analyser import Analyser, Analysis
from models.topics.taxonomy import Taxonomy, Topic
from models.topics.urgency import RESPONSE_MINUTES

__all__ = ["RESPONSE_MINUTES", "Analyser", "Analysis", "Taxonomy", "Topic"]
