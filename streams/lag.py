"""How far an agent is behind by its consumer's own figures, also where nothing comes any more.

The age of the record finished last tells nothing once it was the newest: a quiet partition would be as late
as its last record was, for ever.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from streams import metrics
from streams.progress import Progress

LOOK_SECONDS = 5.0


class Lag:
    """One agent's waiting records, and the end of lags that are over.

    Parameters
    ----------
    progress
        The agent's, where it tells a lag.
    """

    def __init__(self, agent: str, progress: Progress | None = None) -> None:
        self._agent = agent
        self._progress = progress
        self._topics: set[str] = set()

    def look(self, consumer: Any) -> None:
        """Read an aiokafka consumer's positions and the ends its broker told last; asks no broker."""
        waiting, ends = Counter[str](), dict[tuple[str, int], int | None]()
        for place in consumer.assignment():
            state = consumer._subscription.subscription.assignment.state_value(place)
            ends[place.topic, place.partition] = state.highwater
            if state.highwater is not None and state.has_valid_position:
                waiting[place.topic] += max(0, state.highwater - state.position)
        for topic in self._topics | set(waiting):
            metrics.BEHIND_RECORDS.labels(self._agent, topic).set(waiting[topic])
        self._topics |= set(waiting)
        if self._progress is not None:
            self._progress.caught_up(ends)
