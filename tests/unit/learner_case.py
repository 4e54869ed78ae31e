"""What the conformance suite asks of each learner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Do = Callable[[Any, int], Any]
Say = Callable[[Any, int], list[float]]


def nothing(model: Any, i: int) -> None:
    """Do nothing: its input was made by parts that stand in this list themselves."""


@dataclass(frozen=True)
class Case:
    """One learner.

    Parameters
    ----------
    learn, predict
        With the i-th ordinary input. A watcher "predicts" what it would say of it.
    flood
        Learns the i-th of ever new inputs, which must not make it grow; None where `learn` is that.
    hostile, learn_hostile, predict_hostile
        How many hostile inputs there are, and how they are taken.
    reordered
        As `predict`, with the features in another order; None where input is no set of features.
    most_bytes
        Of a snapshot after the flood.
    restore
        Other than `model.restore(state)`.
    """

    make: Callable[[], Any]
    learn: Do
    predict: Say
    most_bytes: int
    hostile: int = 0
    learn_hostile: Do = nothing
    predict_hostile: Say = lambda model, i: []
    flood: Do | None = None
    reordered: Say | None = None
    budget_us: float = 20_000.0
    restore: Callable[[Any, Mapping[str, Any]], None] = lambda model, state: model.restore(state)
