"""Many conditions at once: each distinct part is tried once for all of them.

Which conditions can still hold is one whole number with a bit a condition. A part that fails clears the
bits of all that need it; parts of which nobody is left are not tried, and parts that compare one value
with different constants are answered by one search (`rules.thresholds`). So a record pays for the distinct
parts it reaches, hardly for the number of rules.

References
----------
Forgy: Rete (1982), for the sharing of one-input tests; O'Neil, Quass: Improved query performance with
variant indexes (1997), for the bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress
from typing import Generic, NamedTuple, TypeVar

from rules.environment import Environment
from rules.members import Predicate
from rules.thresholds import Family, Threshold

T = TypeVar("T")

DOUBTS = (KeyError, TypeError, AttributeError, ValueError, OverflowError)
"""What a closure raises where it cannot say what CEL would."""
SETS = 256
"""Sets of conditions that held whose lists are kept; records repeat a few."""


class Guard(NamedTuple):
    """A part: its text, whether it reads windows or actions, its closure, and its threshold if it is one."""

    text: str
    state: bool
    holds: Predicate
    threshold: Threshold | None = None


Step = tuple[int, Callable[[Environment], int]]
"""The bits of all that need a part or family of parts, and what returns the bits of those it rules out."""


class Network(Generic[T]):
    """Items with the parts that must hold for them.

    Parameters
    ----------
    items
        Each item with its parts; parts that read only the record are tried before those that read
        windows, those that many need before the others.

    Examples
    --------
    >>> cold = Guard("cold", False, lambda env: env.scores["polarity"] < 0)
    >>> network = Network([("angry", [cold]), ("always", [])])
    >>> network.match(Environment({"scores": {"polarity": 0.5}}, lambda key, env: 0, dict))
    (['always'], [])
    """

    def __init__(self, items: Iterable[tuple[T, Sequence[Guard]]]) -> None:
        self._items: list[T] = []
        needed: dict[str, int] = {}
        guards: dict[str, Guard] = {}
        for position, (item, own) in enumerate(items):
            self._items.append(item)
            for text, guard in {guard.text: guard for guard in own}.items():
                guards[text] = guard
                needed[text] = needed.get(text, 0) | 1 << position
        self._all = (1 << len(self._items)) - 1
        self._sets: dict[int, list[T]] = {}
        self._steps = _steps(list(guards.values()), needed)

    def match(self, env: Environment) -> tuple[list[T], list[T]]:
        """Return the items whose parts all hold, and those with a part that raised; in their order."""
        alive, doubt = self._all, 0
        for needed, ruled_out in self._steps:
            if alive & needed:
                try:
                    alive &= ~ruled_out(env)
                except DOUBTS:
                    doubt |= needed
                if not alive:
                    return [], []
        doubt &= alive
        return self._listed(alive ^ doubt), self._listed(doubt) if doubt else []

    def _listed(self, bits: int) -> list[T]:
        listed = self._sets.get(bits)
        if listed is None:
            if len(self._sets) >= SETS:
                self._sets.clear()
            listed = list(compress(self._items, map(int, reversed(format(bits, "b")))))
            self._sets[bits] = listed
        return listed.copy()


def _steps(guards: Sequence[Guard], needed: Mapping[str, int]) -> list[Step]:
    """Return the steps in the order they are tried."""
    families: dict[tuple[str, str, bool], list[Guard]] = {}
    for guard in guards:
        if guard.threshold is not None:
            families.setdefault(guard.threshold.family, []).append(guard)
    ordered: list[tuple[bool, int, str, Step]] = []
    for guard in guards:
        family = families.get(guard.threshold.family, []) if guard.threshold is not None else []
        if len(family) < 2:
            bits = needed[guard.text]
            ordered.append((guard.state, -bits.bit_count(), guard.text, (bits, _single(bits, guard.holds))))
        elif family[0] is guard:
            members = [(one.threshold, needed[one.text]) for one in family if one.threshold is not None]
            together = Family(members)
            step = (together.needed, together.ruled_out)
            ordered.append((guard.state, -together.needed.bit_count(), guard.text, step))
    ordered.sort(key=lambda one: one[:3])
    return [step for *_, step in ordered]


def _single(bits: int, holds: Predicate) -> Callable[[Environment], int]:
    return lambda env: 0 if holds(env) else bits
