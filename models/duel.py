"""Which of two models is better, judged at any time on the same events.

Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 2024;
Ville's inequality. For 0/1 losses this is an always-valid McNemar test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from models.learner import State

_BETS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)


class Duel:
    """Paired losses of two models on the same events, judged at any time.

    Two mixtures of bets run at once, one on each side: wealth made betting that the challenger's
    expected loss is lower, and that it is higher. Wealth of 1/alpha refutes the other side.

    Parameters
    ----------
    alpha
        Chance of ever giving a wrong verdict on one side.

    Examples
    --------
    >>> duel = Duel(alpha=0.01)
    >>> for i in range(400):
    ...     duel.add(champion_loss=0.25 if i % 3 else 0.0, challenger_loss=0.1)
    >>> duel.better, duel.worse
    (True, False)
    """

    def __init__(self, alpha: float = 0.01) -> None:
        self.alpha = alpha
        self.n = 0
        self.gain = 0.0
        self._for = [0.0] * len(_BETS)
        self._against = [0.0] * len(_BETS)

    def add(self, champion_loss: float, challenger_loss: float) -> None:
        """Take one event's losses, each in [0, 1]; pairs that are not finite are ignored."""
        d = champion_loss - challenger_loss
        if not math.isfinite(d):
            return
        d = min(max(d, -1.0), 1.0)
        self.n += 1
        self.gain += d
        for i, bet in enumerate(_BETS):
            self._for[i] += math.log1p(bet * d)
            self._against[i] += math.log1p(-bet * d)

    @property
    def better(self) -> bool:
        """Whether the challenger is proven better."""
        return _log_mean(self._for) >= -math.log(self.alpha)

    @property
    def worse(self) -> bool:
        """Whether the challenger is proven worse."""
        return _log_mean(self._against) >= -math.log(self.alpha)

    @property
    def p(self) -> float:
        """Always-valid p-value of "the challenger is not better"."""
        return min(1.0, math.exp(-_log_mean(self._for)))

    @property
    def mean_gain(self) -> float:
        """Mean loss the challenger saves an event."""
        return self.gain / self.n if self.n else 0.0

    def state(self) -> State:
        """Return the wealth as JSON values."""
        return {"n": self.n, "gain": self.gain, "for": list(self._for), "against": list(self._against)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the wealth; raises ValueError when it is of other bets."""
        if len(state["for"]) != len(_BETS) or len(state["against"]) != len(_BETS):
            raise ValueError(f"a duel has {len(_BETS)} bets, not {len(state['for'])}")
        self.n, self.gain = state["n"], state["gain"]
        self._for, self._against = list(state["for"]), list(state["against"])


def _log_mean(logs: list[float]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(x - top) for x in logs) / len(logs))
