"""Learning from labelled examples: predict, judge, watch for drift, learn."""

from models.training.prequential import Prequential
from models.training.trainer import Trainer

__all__ = ["Prequential", "Trainer"]
