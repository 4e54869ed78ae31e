"""What turns in the simulated world at a known moment, so that finding it can be measured."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Shift:
    """A change whose moment is known.

    Parameters
    ----------
    kind
        `irony`: from `day` on a share of the dissatisfied say it in words of praise, so that a sentiment
        model that knew the world errs. `outbreak`: within `hours` many customers say one new thing.
    day, hour
        When: day of the world and hour of that day.
    share
        Of negative opinions that turn ironic.
    voices, hours
        Customers an outbreak reaches, and how long it takes.
    """

    kind: Literal["irony", "outbreak"]
    day: int
    hour: int = 0
    share: float = 0.5
    voices: int = 60
    hours: int = 3

    def ironic(self, day: int, rng: Random) -> bool:
        """Tell whether a negative opinion of a day is said in words of praise; draws only once it may be."""
        return self.kind == "irony" and day >= self.day and rng.random() < self.share

    def breaks_out(self, day: int) -> bool:
        """Tell whether the outbreak is on this day."""
        return self.kind == "outbreak" and day == self.day

    @property
    def onset_ms(self) -> int:
        """Begin of the outbreak within its day."""
        return self.hour * HOUR_MS

    @property
    def span_ms(self) -> int:
        """How long the outbreak takes."""
        return self.hours * HOUR_MS
