"""Runs an agent's step over slices: state, outputs, confirmations, in the order that loses nothing.

For each slice: skip what the state already contains; process; write the outputs and wait for every
confirmation; write the state with the input offset; only then may the slice be acked. A death between
any two of these repeats work, and the repeat gives the same ids: outputs before the state, so that a
state that contains a record proves its outputs are written.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from models.clock import Clock
from models.outcome import DeadLetter, DeadReason
from streams import metrics
from streams.alerts import add_alert
from streams.dead_letters import StopStream, add_dead_letter
from streams.outbox import BatchProducer, Layout, Outbox
from streams.slices import PartitionLost
from streams.state import Changelog, PartitionState
from streams.suspects import Note, Suspicion, Watched

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Slice:
    """Records of one partition, in offset order.

    Parameters
    ----------
    records
        aiokafka records: `key`, `value`, `headers`, `offset`, `timestamp` (ms).
    state
        The partition's state, None for agents that keep none.
    """

    topic: str
    partition: int
    records: Sequence[Any]
    state: PartitionState | None


class Step(Protocol):
    """What an agent does with a slice; pure but for `out` and the slice's state."""

    def open(self, state: PartitionState) -> None:
        """Prepare for a partition whose state has just been loaded."""
        ...

    def process(self, piece: Slice, out: Outbox) -> None:
        """Process every record of the slice."""
        ...

    def rollback(self, state: PartitionState) -> None:
        """Forget what `process` did to anything derived from `state`, which is rolled back already."""
        ...


class Stateless:
    """Base of steps that keep no partition state."""

    def open(self, state: PartitionState) -> None:
        """Keep nothing."""

    def rollback(self, state: PartitionState) -> None:
        """Keep nothing."""


class SliceRunner:
    """Runs one agent's step.

    Parameters
    ----------
    changelog
        Where the partition state lives; None for agents without state.
    """

    def __init__(
        self,
        agent: str,
        step: Step,
        producer: BatchProducer,
        layout: Layout,
        clock: Clock,
        changelog: Changelog | None = None,
        patience_ms: int = 0,
    ) -> None:
        self.agent = agent
        self.drain_seconds = 8.0
        self.patience_ms = patience_ms
        self.step = step
        self._producer = producer
        self._layout = layout
        self._clock = clock
        self._changelog = changelog
        self._states: dict[int, PartitionState] = {}
        self._current: set[int] = set()

    @property
    def stateful(self) -> bool:
        """Whether it keeps partition state: then partition p of every input must come to one worker."""
        return self._changelog is not None

    async def start(self) -> None:
        """Nothing to prepare: states are loaded when their first slice comes."""

    async def stop(self) -> None:
        """Nothing to finish: a slice is finished before the next is taken."""

    async def take(self, event: Any, owned: Callable[[], bool]) -> bool:
        """Process the slice of a Faust event to the end."""
        message = event.message
        await self.run(message.topic, message.partition, event.value, owned)
        return True

    def assigned(self, partitions: Iterable[int]) -> None:
        """Note a new assignment; states are brought up to date when their first slice comes."""
        kept = set(partitions)
        self._states = {p: state for p, state in self._states.items() if p in kept}
        self._current = set()

    async def state_of(self, partition: int) -> PartitionState | None:
        """Return the partition's state, loading it on the first use after an assignment."""
        if self._changelog is None:
            return None
        if partition not in self._current:
            began = time.monotonic()
            state = await self._changelog.load(partition, self._states.get(partition))
            self._states[partition] = state
            self._current.add(partition)
            self.step.open(state)
            metrics.STATE_LOAD_SECONDS.labels(self.agent).set(time.monotonic() - began)
            metrics.STATE_KEYS.labels(self.agent, partition).set(len(state))
        return self._states[partition]

    async def take_watched(
        self, event: Any, owned: Callable[[], bool], suspicion: Suspicion, turn: asyncio.Lock, note: Note
    ) -> None:
        """Process a slice of a partition whose last owner died; what killed it before is not begun again."""
        topic, partition = event.message.topic, event.message.partition
        pieces = [[record] for record in event.value] if suspicion.alone else [event.value]
        buried = False
        for piece in pieces:
            if suspicion.convicted:
                buried = True
                await self.bury(topic, partition, piece[0], owned)
            else:
                around = Watched(turn, note, piece[0].offset, suspicion)
                await self.run(topic, partition, piece, owned, around)
            suspicion.deaths = 0
        suspicion.passed(len(event.value), buried=buried)

    async def bury(self, topic: str, partition: int, record: Any, owned: Callable[[], bool]) -> None:
        """Make a dead letter of a record that must not be processed again."""
        state = await self.state_of(partition)
        if state is None or record.offset > state.marks.get(topic, -1):
            await self._bury(Slice(topic, partition, [record], state), "it ends the process", owned)

    async def run(
        self,
        topic: str,
        partition: int,
        records: Sequence[Any],
        owned: Callable[[], bool] = lambda: True,
        around: AbstractAsyncContextManager[None] | None = None,
    ) -> None:
        """Process a slice to the end; when this returns it may be acked.

        Parameters
        ----------
        owned
            Tells whether this worker still owns the partition; a process that was frozen past its
            session asks before it writes.
        around
            Entered before the step's work and left after it.

        Raises
        ------
        aiokafka.errors.KafkaError
            When an output is not confirmed.
        """
        began = time.monotonic()
        state = await self.state_of(partition)
        if state is not None:
            done = state.marks.get(topic, -1)
            if records and records[0].offset <= done:
                fresh = [record for record in records if record.offset > done]
                metrics.REPEATED.labels(self.agent).inc(len(records) - len(fresh))
                records = fresh
        if records:
            await self._attempt(Slice(topic, partition, records, state), owned, around)
        finished = time.monotonic()
        metrics.SLICE_SECONDS.labels(self.agent).observe(finished - began)
        metrics.SLICE_RECORDS.labels(self.agent).observe(len(records))

    async def _attempt(
        self,
        piece: Slice,
        owned: Callable[[], bool],
        around: AbstractAsyncContextManager[None] | None = None,
    ) -> None:
        out = Outbox(self._layout)
        if piece.state is not None:
            piece.state.begin()
        cpu = time.thread_time()
        problem: Exception | None = None
        try:
            async with around or nullcontext():
                try:
                    self.step.process(piece, out)
                except Exception as raised:
                    problem = raised
        except BaseException:  # not of the step: the partition is lost, or the worker stops
            self._undo(piece.state)
            raise
        if problem is not None:
            self._undo(piece.state)
            if isinstance(problem, StopStream):
                await self._alarm(problem)
                raise problem
            await self._isolate(piece, problem, owned)
            return
        metrics.CPU_SECONDS.labels(self.agent).inc(time.thread_time() - cpu)
        await self._finish(piece, out, owned)

    async def _finish(self, piece: Slice, out: Outbox, owned: Callable[[], bool]) -> None:
        if not owned():
            self._undo(piece.state)
            raise PartitionLost(
                f"{self.agent} no longer owns {piece.topic}/{piece.partition}; nothing was written"
            )
        written, last = len(out), piece.records[-1]
        if piece.state is not None:
            piece.state.marks[piece.topic] = last.offset
            metrics.STATE_KEYS.labels(self.agent, piece.partition).set(len(piece.state))
        await self._write(piece.state, out)
        metrics.EVENTS.labels(self.agent, piece.topic).inc(len(piece.records))
        metrics.EMITTED.labels(self.agent).inc(written)
        now = self._clock.now()
        labels = (self.agent, piece.topic, piece.partition)
        metrics.LAG_SECONDS.labels(*labels).set(max(0.0, now - last.timestamp / 1000.0))
        metrics.LAST_PROGRESS.labels(*labels).set(now)

    async def _write(self, state: PartitionState | None, out: Outbox) -> None:
        """Write the outputs, then the state; undo what is in memory when either is not confirmed."""
        try:
            await out.send(self._producer)
            if state is not None and self._changelog is not None:
                await self._changelog.write(state)
                state.commit()
        except PartitionLost:
            if state is not None:
                self._states.pop(state.partition, None)
                self._current.discard(state.partition)
            raise
        except BaseException:
            self._undo(state)
            raise

    async def _isolate(self, piece: Slice, problem: Exception, owned: Callable[[], bool]) -> None:
        """Process a failed slice record by record; the one that fails alone is a dead letter."""
        if len(piece.records) > 1:
            for record in piece.records:
                await self._attempt(Slice(piece.topic, piece.partition, [record], piece.state), owned)
            return
        await self._bury(piece, type(problem).__name__, owned)

    async def _bury(self, piece: Slice, why: str, owned: Callable[[], bool]) -> None:
        record = piece.records[0]
        place = (piece.topic, piece.partition, record.offset)
        log.error("%s cannot process %s/%d offset %d: %s", self.agent, *place, why)
        metrics.DEAD.labels(self.agent, DeadReason.POISON).inc()
        out = Outbox(self._layout)
        if piece.state is not None:
            piece.state.begin()
        now_ms = int(self._clock.now() * 1000)
        poison = DeadLetter(DeadReason.POISON)
        add_dead_letter(out, self.agent, place, poison, record.timestamp, now_ms, record.headers)
        where = "/".join(map(str, place))
        said = f"{self.agent} cannot process {where}"
        add_alert(out, "poison", where, said, "critical", now_ms, done="dead-lettered")
        await self._finish(piece, out, owned)

    async def _alarm(self, problem: StopStream) -> None:
        out = Outbox(self._layout)
        now_ms = int(self._clock.now() * 1000)
        add_alert(out, problem.kind, self.agent, str(problem), "critical", now_ms, done="stopped")
        await out.send(self._producer)

    def _undo(self, state: PartitionState | None) -> None:
        if state is not None:
            state.rollback()
            self.step.rollback(state)
