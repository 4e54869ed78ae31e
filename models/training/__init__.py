"""Learning from labelled examples: predict, judge, watch for drift, learn, and let challengers win."""

from models.training.finding import Finding
from models.training.observer import Observer
from models.training.prequential import Prequential
from models.training.trainer import Trainer

__all__ = ["Finding", "Observer", "Prequential", "Trainer"]
