"""When a consumer asks its brokers: as late as it can, so that an answer brings all there is.

aiokafka asks for more as soon as its buffer is taken. To a consumer that keeps up the broker answers at
once, with the first record that comes; what comes after it waits for the next question, which is put only
when the first answer is taken: one and a half times the distance between two polls on average. Asked when
the answer can be used, a record waits half of it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any


class FetchRounds:
    """Holds a fetcher's requests back until the interval is over and there is a hand free for the answer.

    Written against aiokafka 0.14, whose fetcher asks `_get_actions_per_node` what to send, as often as
    anything happens.

    Parameters
    ----------
    fetcher
        `aiokafka.consumer.fetcher.Fetcher`.
    seconds
        Shortest time between two rounds of requests.
    busy
        Tells whether what came last is still being worked on, and more of it is not wanted yet.
    now
        Monotonic clock, seconds.
    """

    def __init__(
        self, fetcher: Any, seconds: float, busy: Callable[[], bool], now: Callable[[], float] = monotonic
    ) -> None:
        self._fetcher = fetcher
        self._seconds = seconds
        self._busy = busy
        self._now = now
        self._begun = -seconds
        self._ask = fetcher._get_actions_per_node
        fetcher._get_actions_per_node = self._actions

    def release(self) -> None:
        """Let the fetcher look again: there is a hand free."""
        self._fetcher._notify(self._fetcher._wait_consume_future)

    def _actions(self, assignment: Any) -> Any:
        """Return fetches, resets, seconds to wait for something, stale metadata, futures of paused ones."""
        now = self._now()
        if self._busy():
            return [], {}, self._fetcher._fetcher_timeout, False, []
        if (wait := self._begun + self._seconds - now) > 0:
            return [], {}, wait, False, []
        actions = self._ask(assignment)
        if actions[0]:
            self._begun = now
        return actions
