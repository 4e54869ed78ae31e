"""Champion and challenger: a new model must win on the same events, significantly, before it serves.

The comparison may be looked at after every event: it is an e-process, so that the chance of ever
promoting a challenger that is not better stays below `alpha`, however long one waits.

Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 2024;
Ville's inequality. For 0/1 losses this is an always-valid McNemar test.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import orjson

from models.drift.watch import Drift
from models.duel import Duel
from models.learner import State


class Stateful(Protocol):
    """What a model must offer to be compared and kept."""

    def state(self) -> State:
        """Return the complete state."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the state."""
        ...


M = TypeVar("M", bound=Stateful)
X = TypeVar("X")


class Step(StrEnum):
    """What happened to a challenger."""

    STARTED = "started"
    AWAITS_APPROVAL = "awaits_approval"
    PROMOTED = "promoted"
    RETIRED = "retired"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Change:
    """One step in a model's succession, for alerts and the registry.

    Parameters
    ----------
    model, step
        Which model, and what happened.
    why
        One sentence.
    events
        Events compared.
    gain
        Mean Brier loss saved by the challenger.
    p
        Always-valid p-value that it saves nothing.
    """

    model: str
    step: Step
    why: str
    events: int = 0
    gain: float = 0.0
    p: float = 1.0


class Judged(NamedTuple):
    """What champion and challenger said of one event before they learned it, and what follows."""

    champion: float | None
    challenger: float | None
    change: Change | None


class Champion(Generic[M, X]):
    """The serving model, and while one is tried, its challenger.

    Parameters
    ----------
    name
        Of the model.
    make
        Returns a fresh model of the same configuration.
    learn
        Teaches a model an example's label and returns the score in [0, 1] it gave before, None where
        the label is no yes or no.
    automatic
        Promote on proof; otherwise wait for `approve`.
    alpha
        Chance of ever promoting a challenger that is not better.
    recent
        Newest examples kept, for a challenger to start on.
    patience
        Events after which a challenger that proved nothing is retired.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], M],
        learn: Callable[[M, X, float], float | None],
        automatic: bool = True,
        alpha: float = 0.01,
        recent: int = 500,
        patience: int = 20_000,
    ) -> None:
        self.name = name
        self.automatic = automatic
        self.alpha = alpha
        self.patience = patience
        self.champion: M = make()
        self.challenger: M | None = None
        self.previous: M | None = None
        self.proven = False
        self.duel = Duel(alpha)
        self._make, self._learn = make, learn
        self._recent: deque[tuple[X, float]] = deque(maxlen=recent)

    def learn(self, x: X, y: float) -> Change | None:
        """Judge both models on an event they have not learned, then teach it to both."""
        return self.judge(x, y).change

    def judge(self, x: X, y: float) -> Judged:
        """Do what `learn` does and return the scores both gave before."""
        self._recent.append((x, y))
        old = self._learn(self.champion, x, y)
        if self.challenger is None:
            return Judged(old, None, None)
        new = self._learn(self.challenger, x, y)
        if old is not None and new is not None:
            self.duel.add((old - y) ** 2, (new - y) ** 2)
        return Judged(old, new, self._verdict())

    def drifted(self, drift: Drift) -> Change | None:
        """Start a challenger on the examples since the change; None when one is already being tried."""
        if self.challenger is not None:
            return None
        self.challenger = self._make()
        self.duel, self.proven = Duel(self.alpha), False
        since = list(self._recent)[-max(1, drift.events) :]
        for x, y in since:
            self._learn(self.challenger, x, y)
        moved = f"{drift.series} moved from {drift.before:.3f} to {drift.after:.3f}"
        why = f"{moved}; learned {len(since)} examples since"
        return Change(self.name, Step.STARTED, why)

    def approve(self) -> Change:
        """Promote the challenger; raises ValueError when it has proven nothing."""
        if self.challenger is None or not self.proven:
            raise ValueError(f"{self.name} has no challenger proven better")
        return self._promote("approved")

    def retire(self, why: str = "rejected") -> Change:
        """Drop the challenger; raises ValueError when there is none."""
        if self.challenger is None:
            raise ValueError(f"{self.name} has no challenger")
        change = self._change(Step.RETIRED, why)
        self.challenger, self.proven = None, False
        return change

    def rollback(self) -> Change:
        """Serve the previous champion again, as it was; raises ValueError when there is none."""
        if self.previous is None:
            raise ValueError(f"{self.name} has no previous version")
        self.champion, self.previous = self.previous, self.champion
        self.challenger, self.proven = None, False
        return Change(self.name, Step.ROLLED_BACK, "the previous champion serves again")

    def install(self, state: Mapping[str, Any], why: str) -> Change:
        """Serve an earlier version, given as its state; raises ValueError when that does not fit."""
        earlier = self._make()
        earlier.restore(state)
        self.previous, self.champion, self.challenger = self.champion, earlier, None
        self.proven = False
        return Change(self.name, Step.ROLLED_BACK, why)

    def _verdict(self) -> Change | None:
        if self.proven:
            return None
        if self.duel.better:
            if self.automatic:
                return self._promote("significantly lower loss on the same events")
            self.proven = True
            return self._change(Step.AWAITS_APPROVAL, "significantly lower loss on the same events")
        if self.duel.worse:
            return self.retire("significantly higher loss on the same events")
        if self.duel.n >= self.patience:
            return self.retire(f"no significant difference in {self.duel.n} events")
        return None

    def _promote(self, why: str) -> Change:
        change = self._change(Step.PROMOTED, why)
        assert self.challenger is not None
        self.previous, self.champion, self.challenger = self.champion, self.challenger, None
        self.proven = False
        return change

    def _change(self, step: Step, why: str) -> Change:
        return Change(self.name, step, why, self.duel.n, self.duel.mean_gain, self.duel.p)

    def state(self) -> State:
        """Return both models, the previous one, the comparison and the recent examples."""
        return {
            "champion": self.champion.state(),
            "challenger": None if self.challenger is None else self.challenger.state(),
            "previous": None if self.previous is None else self.previous.state(),
            "proven": self.proven,
            "duel": self.duel.state(),
            "recent": _packed(self._recent),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace everything; raises ValueError when a model's state does not fit."""
        restored: list[M | None] = []
        for role in ("champion", "challenger", "previous"):
            held = None if state[role] is None else self._make()
            if held is not None:
                held.restore(state[role])
            restored.append(held)
        champion, self.challenger, self.previous = restored
        if champion is None:
            raise ValueError(f"state of {self.name} has no champion")
        self.champion, self.proven = champion, state["proven"]
        self.duel = Duel(self.alpha)
        self.duel.restore(state["duel"])
        self._recent.clear()
        self._recent.extend((x, y) for x, y in _unpacked(state["recent"]))


def _packed(examples: Iterable[tuple[Any, float]]) -> npt.NDArray[np.uint8]:
    """Return examples as the bytes of one JSON array.

    Only a learner that starts again reads them; as JSON values of the state, their ten thousand entries
    were most of what writing and, in every worker, reading a snapshot cost.
    """
    return np.frombuffer(orjson.dumps(list(examples)), np.uint8)


def _unpacked(packed: npt.NDArray[np.uint8] | list[Any]) -> list[Any]:
    """Return what `_packed` took; snapshots of earlier builds hold the examples as they are."""
    if isinstance(packed, list):
        return packed
    examples: list[Any] = orjson.loads(packed.tobytes())
    return examples
