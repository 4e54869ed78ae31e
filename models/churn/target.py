"""What a customer may do within a horizon, and which outcomes mean it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """Something a customer may do within a horizon.

    Parameters
    ----------
    name
        Of the propensity: `churn`, `purchase`, `feature_adoption`, …
    positive
        Outcome kinds that mean it happened.
    horizon_days
        How long after the score it counts; silence beyond means it did not happen.
    """

    name: str
    positive: frozenset[str]
    horizon_days: float

    def __post_init__(self) -> None:
        if not self.positive or not self.horizon_days > 0:
            raise ValueError(f"target {self.name!r} needs outcome kinds and a horizon above 0 days")


class Targets:
    """The declared targets, by name.

    Examples
    --------
    >>> targets = Targets([Target("churn", frozenset({"cancelled", "closed"}), 30.0)])
    >>> [target.name for target in targets.meant_by("closed")]
    ['churn']
    """

    def __init__(self, targets: Iterable[Target]) -> None:
        self._targets: dict[str, Target] = {}
        for target in targets:
            if target.name in self._targets:
                raise ValueError(f"target {target.name!r} is declared twice")
            self._targets[target.name] = target

    def __getitem__(self, name: str) -> Target:
        return self._targets[name]

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets.values())

    def meant_by(self, kind: str) -> list[Target]:
        """Return the targets an outcome of `kind` makes positive."""
        return [target for target in self._targets.values() if kind in target.positive]
