"""Finds the record that kills the process: how often its slice was begun is kept with the group's offsets.

An exception is isolated within a process (`streams.runner`); a segmentation fault, memory without end or a
loop that a supervisor ends leave nothing behind. What must survive goes where it costs nothing: each
committed offset carries a word (Kafka's offset metadata), and the next owner reads it with the offset.

- nothing: the last owner left alive;
- `open`: somebody works here, or died here: slices are watched, the next offset is committed before each;
- `slice:n`: the slice at this offset was begun n times and its process never came back;
- `record:n`: the same of the one record at this offset.

A slice that was begun twice in vain (the first death left only `open`, so the process died three times)
goes record by record, a record that was begun twice in vain is a dead letter. Deaths count only between
the begin and the end of the step's own work, not while it waits for brokers, and one suspect works at a
time in a process, so that nobody is blamed for a neighbour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from streams.polls import Fetched
from streams.step import Work

CLEAN, OPEN = "", "open"
SLICE_DEATHS, RECORD_DEATHS = 2, 2
WATCHED = 16
"""Slices of a partition that are watched after a death; one that kills later is found nearer next time."""
SINGLE = 2000
"""Records that go one by one: a slice fetched again may end earlier than the one that killed."""

Note = Callable[[int, str], Awaitable[None]]
Owned = Callable[[], bool]


@dataclass(slots=True)
class Suspicion:
    """What is held against the slice that begins at a partition's committed offset.

    Parameters
    ----------
    alone
        Whether records go one by one.
    deaths
        How often the slice, or its first record alone, was begun and its process never came back.
    left
        Slices still to be watched.
    single
        Records still to go one by one.
    """

    alone: bool = False
    deaths: int = 0
    left: int = WATCHED
    single: int = SINGLE

    @property
    def convicted(self) -> bool:
        """Whether the first record is the one that kills."""
        return self.alone and self.deaths >= RECORD_DEATHS

    def passed(self, records: int, *, buried: bool) -> None:
        """Note that a slice was finished."""
        self.left -= 1
        self.single -= records
        if buried or self.single <= 0:
            self.alone = False


def suspicion_of(metadata: str) -> Suspicion | None:
    """Read the word of a committed offset; None where the last owner left alive.

    >>> suspicion_of(""), suspicion_of("slice:1").deaths, suspicion_of("slice:2").alone
    (None, 1, True)
    """
    if metadata == CLEAN:
        return None
    kind, _, count = metadata.partition(":")
    deaths = int(count) if count.isdecimal() else 0
    if kind == "slice" and deaths >= SLICE_DEATHS:
        return Suspicion(alone=True)
    return Suspicion(kind == "record", deaths)


class Watched:
    """Around a step's work on suspects: its begin is noted, and that it came back.

    Parameters
    ----------
    turn
        One for all agents of a process.
    note
        Commits an offset with a word.
    offset
        Of the first record.
    """

    def __init__(self, turn: asyncio.Lock, note: Note, offset: int, suspicion: Suspicion) -> None:
        self._turn = turn
        self._note = note
        self._offset = offset
        self._word = f"{'record' if suspicion.alone else 'slice'}:{suspicion.deaths + 1}"

    async def __aenter__(self) -> None:
        """Wait for the turn, then note the begin."""
        await self._turn.acquire()
        try:
            await self._note(self._offset, self._word)
        except BaseException:
            self._turn.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Note that the process lives."""
        try:
            await self._note(self._offset, OPEN)
        finally:
            self._turn.release()


class Runner(Protocol):
    """The part of `streams.runner.SliceRunner` that suspects go through."""

    async def run_wave(
        self, wave: Sequence[Work], owned: Owned, around: AbstractAsyncContextManager[None] | None
    ) -> None:
        """Process slices, the step's own work inside `around`."""
        ...

    async def bury(self, topic: str, partition: int, record: Any, owned: Owned) -> None:
        """Make a dead letter of a record that must not be processed again."""
        ...


async def take_watched(
    runner: Runner,
    fetched: Fetched,
    owned: Owned,
    suspicion: Suspicion,
    turn: asyncio.Lock,
    note: Note,
) -> None:
    """Process a slice of a partition whose last owner died; what killed it before is not begun again."""
    topic, partition, records = fetched.topic, fetched.partition, fetched.records
    pieces = [[record] for record in records] if suspicion.alone else [records]
    buried = False
    for piece in pieces:
        if suspicion.convicted:
            buried = True
            await runner.bury(topic, partition, piece[0], owned)
        else:
            around = Watched(turn, note, piece[0].offset, suspicion)
            await runner.run_wave([Work(topic, partition, piece)], owned, around)
        suspicion.deaths = 0
    suspicion.passed(len(records), buried=buried)
    fetched.ack()
