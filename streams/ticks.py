"""Runs steps that act on time as well as on records.

A tick is a slice without records: the step does what is due, the outputs are written, then the state in
which the timers have fired. A death in between fires them again elsewhere, with the same ids; a worker
that lost the partition meanwhile finds out at its changelog write, as with slices.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from models.clock import Clock
from streams import metrics
from streams.outbox import BatchProducer, Layout, Outbox
from streams.parcels import Mail, Parcel
from streams.parking import Parking
from streams.polls import Owned, PartitionLost
from streams.runner import SliceRunner
from streams.state import Changelog, PartitionState
from streams.step import Step, Work

log = logging.getLogger(__name__)

PATIENCE_MS = 100
"""Work orders' timers count in seconds, so an empty fetch may stand longer than on the way to an action."""


class TimedStep(Step, Protocol):
    """A step with timers in its partition state."""

    def next_due(self, partition: int) -> int | None:
        """Return when (ms since the epoch) the partition's next timer is due."""
        ...

    def due(self, state: PartitionState, now_ms: int, out: Outbox) -> None:
        """Fire timers that are due, at least the first; a bounded number, the rest in the next call."""
        ...


class TimedRunner(SliceRunner):
    """A runner that also ticks, and tries parked actions again; neither meets a slice of its partition.

    Parameters
    ----------
    every
        Seconds between two looks at the timers.
    parking
        Keeps actions that cannot be published, see `streams.parking`; one of its own when None.
    """

    def __init__(
        self,
        agent: str,
        step: TimedStep,
        producer: BatchProducer,
        layout: Layout,
        clock: Clock,
        changelog: Changelog,
        every: float = 1.0,
        patience_ms: int = PATIENCE_MS,
        parking: Parking | None = None,
    ) -> None:
        parking = Parking(agent, clock) if parking is None else parking
        super().__init__(agent, step, producer, layout, clock, changelog, patience_ms, parking=parking)
        self._parked = parking
        self._timed = step
        self._every = every
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ticking = asyncio.Lock()
        self._mine: set[int] = set()
        self._ownership: Callable[[], Owned] = lambda: lambda: True
        self._crash: Callable[[Exception], Awaitable[None]] | None = None
        self._stopping = asyncio.Event()

    def bind(self, ownership: Callable[[], Owned], crash: Callable[[Exception], Awaitable[None]]) -> None:
        """Tell the runner how to ask whether its partitions are still its own, and how to stop the app."""
        self._ownership, self._crash = ownership, crash

    async def start(self) -> None:
        """Begin to tick."""
        self.regular = asyncio.create_task(self._regularly(), name=f"{self.agent}-ticks")

    async def stop(self) -> None:
        """Let a tick that has begun end, then tick no more."""
        self._stopping.set()
        if self.regular is not None:
            await self.regular

    def assigned(self, partitions: Iterable[int]) -> None:
        """Note a new assignment; from now on its timers are this worker's."""
        self._mine = set(partitions)
        self._parked.keep(self._mine)
        super().assigned(self._mine)

    async def revoked(self) -> None:
        """Tick no more until the next assignment, and let a tick that has begun end."""
        self._mine = set()
        async with self._ticking:
            pass

    async def run_wave(
        self,
        wave: Sequence[Work],
        owned: Owned = lambda: True,
        around: AbstractAsyncContextManager[None] | None = None,
    ) -> None:
        """Process slices to the end, when no tick of their partitions is running."""
        held = list[asyncio.Lock]()
        try:
            for partition in sorted({work.partition for work in wave}):
                await (lock := self._locks[partition]).acquire()
                held.append(lock)
            await super().run_wave(wave, owned, around)
        finally:
            for lock in held:
                lock.release()

    async def bury(self, topic: str, partition: int, record: Any, owned: Owned) -> None:
        """Make a dead letter of a record, when no tick of its partition is running."""
        async with self._locks[partition]:
            await super().bury(topic, partition, record, owned)

    async def tick(self, partition: int, owned: Owned = lambda: True) -> None:
        """Fire what is due in a partition, loading its state if need be.

        Raises
        ------
        PartitionLost
            When another worker has taken the partition over; nothing counts then.
        """
        async with self._ticking, self._locks[partition]:
            state = await self.state_of(partition)
            assert state is not None
            now_ms = int(self._clock.now() * 1000)
            while (due := self._timed.next_due(partition)) is not None and due <= now_ms:
                await self._fire(state, now_ms, owned)

    async def _fire(self, state: PartitionState, now_ms: int, owned: Owned) -> None:
        out = Outbox(self._layout)
        state.begin()
        try:
            self._timed.due(state, now_ms, out)
        except BaseException:
            self._undo(state)
            raise
        if not owned():
            self._undo(state)
            raise PartitionLost(f"{self.agent} no longer owns {state.partition}; nothing was written")
        mail = Mail()
        self._parked.collect(state, out, mail)
        metrics.EMITTED.labels(self.agent).inc(await self._write([state], out, mail))

    async def retry(self, owned: Owned = lambda: True) -> None:
        """Try again what is parked and due.

        Slices go on while a place is asked. Once it confirms, what came to it meanwhile follows with the
        partition held, so that later actions find it open; then the keys leave the state.

        Raises
        ------
        PartitionLost
            When another worker has taken a partition over; it has what was parked, too.
        """
        states = [self._states[p] for p in sorted(self._current & self._mine)] if self._parked else []
        if not (due := self._parked.due(states)):
            return
        if not owned():
            raise PartitionLost(f"{self.agent} no longer owns what is parked; nothing was written")
        sent = await self._parked.deliver(self._producer, due)
        for state in states:
            if confirmed := [parcel for parcel in sent if parcel.state is state]:
                await self._settle(state, confirmed, owned)

    async def _settle(self, state: PartitionState, sent: Sequence[Parcel], owned: Owned) -> None:
        """Take what was confirmed out of a state, after what has queued behind it."""
        p = state.partition
        async with self._ticking, self._locks[p]:
            if p not in self._mine or p not in self._current or self._states.get(p) is not state:
                return  # loaded anew, it is tried again
            if not owned():
                raise PartitionLost(f"{self.agent} no longer owns {p}; what was parked may be sent again")
            state.begin()
            behind = self._parked.behind(sent, state)
            self._parked.forget(sent)
            written = await self._write([state], Outbox(self._layout), behind)
            metrics.EMITTED.labels(self.agent).inc(len(sent) + written)

    async def tick_all(self) -> None:
        """Fire what is due in every partition of this worker, then try again what is parked."""
        owned = self._ownership()
        try:
            for partition in sorted(self._mine):
                if partition in self._mine:
                    await self.tick(partition, owned)
            await self.retry(owned)
        except PartitionLost as lost:
            if self._mine and owned():
                raise
            log.info("%s", lost)

    async def _regularly(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.tick_all()
            except Exception as problem:
                if self._crash is None:
                    raise
                await self._crash(problem)
                await self._stopping.wait()  # what ended is the problem, not this task
                return
            try:
                await asyncio.wait_for(self._stopping.wait(), self._every)
            except TimeoutError:
                continue
