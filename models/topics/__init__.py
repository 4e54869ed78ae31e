"""Two-level topics, kind, urgency and priority."""

from models.topics.analyser import Analyser, Analysis
from models.topics.taxonomy import Taxonomy, Topic
from models.topics.urgency import RESPONSE_HOURS

__all__ = ["RESPONSE_HOURS", "Analyser", "Analysis", "Taxonomy", "Topic"]
