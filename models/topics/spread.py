"""How far issues have spread: how many voices in a day, over which channels, counted in one place.

A partition counts the customers of a cluster exactly, and a customer lives in one partition, so the voices of
an issue are the sum of what its clusters counted more within the last day: nothing is lost where only some
of the feedback is looked at, and what people always say does not add up to a burst. Which clusters are one
issue is told by `models.topics.issues`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.learner import State

CAPACITY = 2048
"""Issues counted; the one not heard of for longest makes room."""

HOUR = 3600.0
HOURS = 24
"""Hours over which voices and channels count."""

LEAST = 5
"""Voices below which nothing is told."""

_EXACT = 100
"""Up to here every fifth voice is told, beyond it every tenth part more."""

_MOST_PLACES = 256
"""Clusters of an issue that are counted; the one not heard of for longest makes room."""

PLACES = 32_768
"""Clusters counted over all issues, 300 bytes each; beyond them the issue not heard of for longest goes."""

_MOOD = 0.1
"""Weight of the newest voice in the running polarity."""


@dataclass(frozen=True, slots=True)
class Surge:
    """An issue that grew by a step.

    Parameters
    ----------
    ident
        The same when the same growth is seen again in a replay.
    cluster_id
        The issue.
    voices, channels
        New customers and different channels within a day.
    polarity
        Running mean, -1 to 1.
    topic
        First topic of the newest voice, empty when none.
    """

    ident: str
    cluster_id: str
    voices: int
    channels: int
    polarity: float
    topic: str


class Spread:
    """Issues that spread over partitions and channels.

    Examples
    --------
    >>> spread = Spread()
    >>> told = [
    ...     spread.step("k1", f"{n % 2}/k1", n // 2 + 1, ("app", "web")[n % 2], -0.8, "quality", 60.0 * n)
    ...     for n in range(10)
    ... ]
    >>> [(one.voices, one.channels) for one in told if one is not None]
    [(5, 2), (10, 2)]
    """

    def __init__(self, capacity: int = CAPACITY, places: int = PLACES) -> None:
        self._capacity = capacity
        self._most_places = places
        self._places = 0
        self._issues: dict[str, dict[str, Any]] = {}

    def step(
        self, issue_id: str, place: str, size: int, channel: str, polarity: float, topic: str, at: float
    ) -> Surge | None:
        """Take one feedback of an issue heard of before; return the issue when it has grown by a step.

        Parameters
        ----------
        issue_id
            As `models.topics.issues.Issues` says.
        place
            Partition and cluster it was counted in.
        size
            Different customers of that cluster.
        at
            Event time, seconds since the epoch.
        """
        issue = self._issues.pop(issue_id, None)
        if issue is None:
            issue = {"sizes": {}, "channels": {}, "polarity": polarity, "told": [0, 0]}
        hour, before = int(at // HOUR), len(issue["sizes"])
        voices, channels = _voices(issue["sizes"], place, size, hour), _heard(issue, channel, hour)
        self._places += len(issue["sizes"]) - before
        while self._issues and (len(self._issues) >= self._capacity or self._places > self._most_places):
            self._places -= len(self._issues.pop(next(iter(self._issues)))["sizes"])
        self._issues[issue_id] = issue
        issue["polarity"] += _MOOD * (polarity - issue["polarity"])
        grown, told = [_step(voices), channels], issue["told"]
        # A wave that ebbs may be told again when it comes back.
        issue["told"] = [min(pair) for pair in zip(grown, told, strict=True)]
        if voices < LEAST or not any(now > then for now, then in zip(grown, told, strict=True)):
            return None
        issue["told"] = [max(pair) for pair in zip(grown, told, strict=True)]
        ident = f"burst-{issue_id}-{hour}-{grown[0]}-{channels}"
        return Surge(ident, issue_id, voices, channels, round(issue["polarity"], 4), topic)

    def state(self) -> State:
        """Return the issues."""
        return {"issues": _copied(self._issues)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises ValueError where it does not fit."""
        self._issues = _copied(state["issues"])
        self._places = sum(len(issue["sizes"]) for issue in self._issues.values())


def _copied(issues: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        ident: {
            **issue,
            "sizes": {place: [list(mark) for mark in marks] for place, marks in issue["sizes"].items()},
            "channels": dict(issue["channels"]),
        }
        for ident, issue in issues.items()
    }


def _voices(sizes: dict[str, list[list[int]]], place: str, size: int, hour: int) -> int:
    """Note a cluster's count; return how much all clusters together counted more within the window.

    `sizes` holds marks [hour, count] by place, the first of them from before the window.
    """
    marks = sizes.pop(place, None) or [[hour - HOURS - 1, 0 if size <= LEAST else size - 1]]
    sizes[place] = marks
    if len(sizes) > _MOST_PLACES:
        del sizes[next(iter(sizes))]
    if hour > marks[-1][0]:
        marks.append([hour, size])
    marks[-1][1] = max(marks[-1][1], size)
    total = 0
    for held in sizes.values():
        while len(held) > 1 and held[1][0] <= hour - HOURS:
            del held[0]
        total += held[-1][1] - held[0][1]
    return total


def _heard(issue: dict[str, Any], channel: str, hour: int) -> int:
    """Note a channel; return how many were heard within the window."""
    heard: dict[str, int] = issue["channels"]
    heard[channel] = max(hour, heard.get(channel, hour))
    issue["channels"] = {name: last for name, last in heard.items() if last > hour - HOURS}
    return len(issue["channels"])


def _step(voices: int) -> int:
    if voices < _EXACT:
        return voices // LEAST
    return _EXACT // LEAST + int(math.log(voices / _EXACT) / math.log(1.1))
