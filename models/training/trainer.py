"""One model's learner with its figures and its drift watch; everything it knows is in its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.drift.watch import Drift, Watch
from models.learner import State
from models.scoring.model_set import new_learner, part
from models.scoring.targets import SENTIMENT, TOPICS
from models.topics.analyser import Analyser
from models.training.prequential import Prequential

Example = Mapping[str, Any]


class Trainer:
    """Learns one model from the examples of its partition, in their order.

    Parameters
    ----------
    name
        One of `models.scoring.targets.MODELS`.

    Attributes
    ----------
    offset
        Offset of the last example learned, -1 before any.
    version
        Version of the last snapshot taken.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.offset = -1
        self.version = 0
        self.figures = Prequential()
        self.learner: Any = new_learner(name)
        self._watch = Watch(name)
        self._analyser = Analyser()
        self._seen: dict[str, list[int]] = {}

    def step(self, example: Example, offset: int, at: float) -> list[Drift]:
        """Predict, judge, learn; return what drifted.

        Parameters
        ----------
        offset
            Of the example in its partition; examples at or below `self.offset` change nothing.
        at
            Event time, seconds since the epoch.
        """
        if offset <= self.offset or not self._first_time(example["from"]):
            return []
        self.offset = offset
        chance, label = self._learn(example)
        if chance is None:
            return []
        self.figures.add(chance, label)
        drift = self._watch.update("error", float((chance >= 0.5) != label), at)
        return [drift] if drift else []

    def _first_time(self, origin: list[int]) -> bool:
        """Tell whether an example of a scorer's partition is new; a restarted scorer sends some again."""
        partition, place = str(origin[0]), list(origin[1:])
        if place <= self._seen.get(partition, [-1, -1]):
            return False
        self._seen[partition] = place
        return True

    def _learn(self, example: Example) -> tuple[float | None, bool]:
        learner = self.learner
        if self.name == SENTIMENT:
            label = float(example["label"])
            said = learner.predict_learn(example["text"], example["lang"], label, _weight(example))
            return (said.probability, label > 0.5) if label != 0.5 else (None, False)
        if self.name == TOPICS:
            signals = self._analyser.signals(example["text"])
            best = learner.predict(example["text"], example["lang"], signals)
            learner.learn_one(example["text"], example["lang"], example["label"], signals)
            # For a many-class model the figure that matters is whether the first guess was right.
            return (1.0 if best and best[0][0] == example["label"] else 0.0), True
        served = example.get("score")
        chance = learner.predict_proba_one(example["x"])
        learner.learn_one(example["x"], bool(example["y"]))
        # Judge what was served, unless the score came from the untrained model as shipped.
        return (chance if served is None or not example.get("version") else float(served)), bool(example["y"])

    def metric(self, at_ms: int) -> dict[str, Any]:
        """Return the figures as `models.events.ModelMetric`."""
        figures = self.figures
        return {
            "model": self.name,
            "version": self.version,
            "role": "champion",
            "n": figures.n,
            "accuracy": figures.accuracy if figures.n else None,
            "auc": figures.auc(),
            "log_loss": figures.log_loss(),
            "brier": figures.brier(),
            "window": min(figures.n, 2000),
            "at": at_ms,
        }

    def state(self) -> State:
        """Return the learner's state and everything around it."""
        state: State = {f"learner.{key}": value for key, value in self.learner.state().items()}
        state.update({f"figures.{key}": value for key, value in self.figures.state().items()})
        state["watch"] = dict(self._watch.state())
        state["seen"] = dict(self._seen)
        return state

    def restore(self, state: Mapping[str, Any], offset: int, version: int) -> None:
        """Continue from a snapshot; every later result is identical to never having stopped."""
        self.learner.restore(part(state, "learner."))
        self.figures.restore(part(state, "figures."))
        self._watch.restore(state["watch"])
        self._seen = {key: list(value) for key, value in state["seen"].items()}
        self.offset, self.version = offset, version


def _weight(example: Example) -> float:
    """Return 5 for a person's correction, which is rarer and surer than a star rating, else 1."""
    return 5.0 if example.get("correction") else 1.0
