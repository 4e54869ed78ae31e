"""Drops what an earlier agent wrote twice, exactly and in constant memory.

An agent that died between its outputs and its ack writes them again. Each record names where its
input stands (`origin`), and the records of one input partition keep their order through every hop,
so one offset per input partition tells a repeat from news.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class OriginFence:
    """Highest origin seen, kept in the marks of a partition's state.

    Parameters
    ----------
    marks
        The state's marks, written with every slice.

    Examples
    --------
    >>> fence = OriginFence({})
    >>> fence.passes(["feedback.raw", 0, 5]), fence.passes(["feedback.raw", 0, 5])
    (True, False)
    """

    __slots__ = ("_marks",)

    def __init__(self, marks: dict[str, int]) -> None:
        self._marks = marks

    def passes(self, origin: Sequence[Any]) -> bool:
        """Tell whether the record is new, and remember it."""
        topic, partition, offset = origin
        source = f"<{topic}/{partition}"
        if offset <= self._marks.get(source, -1):
            return False
        self._marks[source] = offset
        return True
