"""Runs an agent's step over slices: state, outputs, confirmations, in the order that loses nothing.

For the slices of a poll: skip what the states already contain; process; write the outputs and wait for
every confirmation; write the states with the input offsets; only then ack the slices. A death between any
two of these repeats work under the same ids; a state with a record proves its outputs written, or has them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence, Set
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any

from models.clock import Clock
from streams.alerts import add_alert
from streams.dead_letters import StopStream, add_poison
from streams.outbox import BatchProducer, Layout, Outbox
from streams.parcels import Mail
from streams.parking import Parking
from streams.polls import Fetched, Owned, PartitionLost
from streams.progress import Progress
from streams.state import Changelog, PartitionState
from streams.step import Ahead, Slice, Step, Work

log = logging.getLogger(__name__)

Around = AbstractAsyncContextManager[None] | None
"""Entered before a step's work on a slice and left after it."""

TURN_SECONDS = 0.005
"""How long a wave may hold the worker's other agents up; handing over costs a look at every socket."""


class SliceRunner:
    """Runs one agent's step.

    Parameters
    ----------
    changelog
        Where the partition state lives; None for agents without state.
    patience_ms
        Shortest time between two polls, and longest a broker may hold an empty fetch; 0 takes the settings.
    ahead
        Called with the slices of a wave before the step has them one by one.
    parking
        Keeps actions that cannot be published; without one the agent insists on every output.
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
        ahead: Ahead | None = None,
        parking: Parking | None = None,
    ) -> None:
        self.agent = agent
        self.drain_seconds = 8.0
        self.patience_ms = patience_ms
        self.step = step
        self.regular: asyncio.Task[None] | None = None
        self._producer, self._layout, self._clock = producer, layout, clock
        self._changelog = changelog
        self._states: dict[int, PartitionState] = {}
        self._current: set[int] = set()
        self.progress = Progress(agent)
        self._ahead = ahead
        self._parking = parking

    @property
    def stateful(self) -> bool:
        """Whether it keeps partition state: then partition p of every input must come to one worker."""
        return self._changelog is not None

    async def start(self) -> None:
        """Nothing to prepare: states are loaded when their first slice comes."""

    async def stop(self) -> None:
        """Nothing to finish: a poll is finished before the next is taken."""

    async def take(self, slices: Sequence[Fetched], owned: Owned) -> None:
        """Process what a poll brought to the end, and ack it."""
        await self.run_wave([Work(one.topic, one.partition, one.records) for one in slices], owned)
        for one in slices:
            one.ack()

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
            if self._parking is not None:
                self._parking.open(state)
            self.progress.loaded(partition, len(state), time.monotonic() - began)
        return self._states[partition]

    async def bury(self, topic: str, partition: int, record: Any, owned: Owned) -> None:
        """Make a dead letter of a record that must not be processed again."""
        state = await self.state_of(partition)
        if state is None or record.offset > state.marks.get(topic, -1):
            await self._bury(Slice(topic, partition, [record], state), "it ends the process", owned)

    async def run(
        self, topic: str, partition: int, records: Sequence[Any], owned: Owned = lambda: True
    ) -> None:
        """Process one slice to the end."""
        await self.run_wave([Work(topic, partition, records)], owned)

    async def run_wave(
        self, wave: Sequence[Work], owned: Owned = lambda: True, around: Around = None
    ) -> None:
        """Process slices to the end; when this returns they may be acked.

        Those of one partition share its state, in the order given.

        Parameters
        ----------
        owned
            Tells whether this worker still owns the partitions; a process that was frozen past its
            session asks before it writes.
        around
            Entered before the step's work and left after it.

        Raises
        ------
        aiokafka.errors.KafkaError
            When an output is not confirmed.
        """
        began = time.monotonic()
        await self._load({work.partition for work in wave})
        pieces = []
        for topic, partition, records in wave:
            state = await self.state_of(partition)
            if state is not None and records and records[0].offset <= (done := state.marks.get(topic, -1)):
                fresh = [record for record in records if record.offset > done]
                self.progress.repeated(len(records) - len(fresh))
                records = fresh
            if records:
                pieces.append(Slice(topic, partition, records, state))
        if pieces:
            await self._attempt(pieces, owned, around)
        self.progress.wave(pieces, time.monotonic() - began)

    async def _load(self, partitions: Set[int]) -> None:
        """Load the states of new partitions side by side."""
        fresh = [p for p in partitions if p not in self._current] if self._changelog is not None else []
        if len(fresh) > 1:
            for problem in await asyncio.gather(*map(self.state_of, fresh), return_exceptions=True):
                if isinstance(problem, BaseException):
                    raise problem

    async def _attempt(self, pieces: Sequence[Slice], owned: Owned, around: Around = None) -> None:
        states = [state for state in dict.fromkeys(piece.state for piece in pieces) if state is not None]
        for state in states:
            state.begin()
        if self._ahead is not None:
            cpu = time.thread_time()
            with suppress(Exception):  # what fails here fails again where its slice is processed
                self._ahead(pieces)
            self.progress.processed(time.thread_time() - cpu)
        turn, results, spoiled = time.monotonic(), list[Outbox | Exception | None](), set[PartitionState]()
        try:
            for piece in pieces:
                if time.monotonic() - turn > TURN_SECONDS:
                    await asyncio.sleep(0)  # the worker's other agents have theirs
                    turn = time.monotonic()
                result = None if piece.state in spoiled else await self._process(piece, around)
                if isinstance(result, StopStream):
                    await self._alarm(result)
                    raise result
                if isinstance(result, Exception) and piece.state is not None:
                    spoiled.add(piece.state)
                results.append(result)
        except BaseException:  # the stream or the worker stops, or the partition is lost
            self._undo(*states)
            raise
        # Slices of a partition share what they changed: they stand together, or are tried one by one.
        self._undo(*spoiled)
        ends = list(zip(pieces, results, strict=True))
        if done := [(one, out) for one, out in ends if isinstance(out, Outbox) and one.state not in spoiled]:
            await self._finish(done, owned)
        for piece, result in ends:
            if isinstance(result, Exception) and len(pieces) == 1:
                await self._isolate(piece, result, owned)
            elif isinstance(result, Exception) or piece.state in spoiled:
                await self._attempt([piece], owned)

    async def _process(self, piece: Slice, around: Around) -> Outbox | Exception:
        """Let the step work on a slice; returns its outputs, or what it raised."""
        cpu, out = time.thread_time(), Outbox(self._layout)
        async with around or nullcontext():
            try:
                self.step.process(piece, out)
            except Exception as problem:
                return problem
        self.progress.processed(time.thread_time() - cpu)
        return out

    async def _finish(self, done: Sequence[tuple[Slice, Outbox]], owned: Owned) -> None:
        if not owned():
            self._undo(*(piece.state for piece, _ in done))
            lost = ", ".join(f"{piece.topic}/{piece.partition}" for piece, _ in done)
            raise PartitionLost(f"{self.agent} no longer owns {lost}; nothing was written")
        out, mail = Outbox(self._layout), Mail()
        for piece, part in done:
            if piece.state is not None:
                piece.state.marks[piece.topic] = piece.records[-1].offset
                if self._parking is not None:
                    self._parking.collect(piece.state, part, mail)
            out.take(part)
        states = dict.fromkeys(piece.state for piece, _ in done)
        written = await self._write([state for state in states if state is not None], out, mail)
        self.progress.finished([piece for piece, _ in done], written, self._clock.now())

    async def _write(self, states: Sequence[PartitionState], out: Outbox, mail: Mail) -> int:
        """Write the outputs, then the states, or undo in memory; returns how many outputs were confirmed."""
        written = len(out)
        try:
            if mail and self._parking is not None:
                sent = await self._parking.deliver(self._producer, mail, out.send(self._producer))
                written += self._parking.forget(sent)
            else:
                await out.send(self._producer)
        except BaseException:
            self._undo(*states)
            raise
        if self._changelog is None or not states:
            return written
        pending = [asyncio.ensure_future(self._changelog.write(state)) for state in states]
        try:
            await asyncio.wait(pending)
        finally:
            problems = [self._written(state, one) for state, one in zip(states, pending, strict=True)]
        if problem := next(filter(None, problems), None):
            raise problem
        return written

    def _written(self, state: PartitionState, written: asyncio.Future[None]) -> BaseException | None:
        """Make a state's changes part of it when they were confirmed, else forget them; returns why."""
        if not written.done():
            written.cancel()
            self._undo(state)
            return asyncio.CancelledError()
        problem = asyncio.CancelledError() if written.cancelled() else written.exception()
        if problem is None:
            state.commit()
        elif isinstance(problem, PartitionLost):
            self._states.pop(state.partition, None)
            self._current.discard(state.partition)
        else:
            self._undo(state)
        return problem

    async def _isolate(self, piece: Slice, problem: Exception, owned: Owned) -> None:
        """Process a failed slice record by record; the one that fails alone is a dead letter."""
        if len(piece.records) == 1:
            return await self._bury(piece, type(problem).__name__, owned)
        for record in piece.records:
            await self._attempt([Slice(piece.topic, piece.partition, [record], piece.state)], owned)

    async def _bury(self, piece: Slice, why: str, owned: Owned) -> None:
        record = piece.records[0]
        place = (piece.topic, piece.partition, record.offset)
        log.error("%s cannot process %s/%d offset %d: %s", self.agent, *place, why)
        out, now_ms = Outbox(self._layout), int(self._clock.now() * 1000)
        add_poison(out, self.agent, place, record.timestamp, now_ms, record.headers)
        await self._finish([(piece, out)], owned)

    async def _alarm(self, problem: StopStream) -> None:
        out, now_ms = Outbox(self._layout), int(self._clock.now() * 1000)
        add_alert(out, problem.kind, self.agent, str(problem), "critical", now_ms, done="stopped")
        await out.send(self._producer)

    def _undo(self, *states: PartitionState | None) -> None:
        for state in states:
            if state is not None:
                state.rollback()
                self.step.rollback(state)
                if self._parking is not None:
                    self._parking.open(state)
