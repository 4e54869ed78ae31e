"""Faust delivering one message a poll: a slice of each partition, in the worker's own event loop.

Per event Faust costs 66–206 µs; per poll the same cost is shared by up to `max_poll_records`
events (decision records 0002 and 0015). Membership, rebalancing and flow control stay Faust's, and when
to commit. Written against Faust 0.15.3 and aiokafka 0.14; the version is pinned and the
behaviours below are covered by `tests/agents` and `tests/chaos`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any

from faust.tables.manager import TableManager
from faust.transport.drivers.aiokafka import (
    Consumer,
    Producer,
    Transport,
)
from faust.types.tuples import ConsumerMessage
from mode import Service

from streams import metrics
from streams.fetch_rounds import FetchRounds
from streams.loop_consumer import LoopConsumerThread
from streams.polls import Fetched, PartitionLost, Poll
from streams.suspects import CLEAN, OPEN, Suspicion, suspicion_of

log = logging.getLogger(__name__)

TP = Any
POLLS_AHEAD = 2
"""Polls taken from aiokafka at a time: one in hand, and in a backlog one behind it."""


class SliceConsumer(Consumer):
    """Consumer whose messages are polls; commits cover the contiguous acked prefix of each partition."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._slices: dict[TP, deque[Fetched]] = {}
        self._ahead: set[Poll] = set()
        self._room, self._acks = asyncio.Event(), asyncio.Event()
        self._backlog = False
        self._rounds: FetchRounds | None = None
        self._gaps: dict[TP, int] = {}
        self._unplaced: set[TP] = set()
        self._stands: dict[TP, int] = {}
        self.suspects: dict[TP, Suspicion] = {}

    def _new_consumer_thread(self) -> LoopConsumerThread:
        return LoopConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def pace(self, fetcher: Any) -> None:
        """Have the fetcher ask when an answer can be used; in a backlog also before."""
        self._rounds = FetchRounds(
            fetcher, self.app.poll_seconds, lambda: bool(self._ahead) and not self._backlog
        )

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[TP]:
        return [tp for tp in self._slices if topics is None or tp in topics or tp.topic in topics]

    def _new_offset(self, tp: TP) -> int | None:
        """Return the next offset to commit: one past the last slice of the acked prefix."""
        slices, last = self._slices.get(tp, deque()), None
        while slices and slices[0].acked:
            last = slices.popleft().offset
        return None if last is None else last + 1

    async def verify_all_partitions_active(self) -> None:
        """Look at nothing: Faust goes through every partition of every agent here to log a warning."""

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        """Commit without the table Faust draws for its debug log each time, 4 % of a quiet worker's time."""
        mine = self.assignment()
        kept = {tp: offset for tp, offset in offsets.items() if tp in mine}
        done = bool(kept) and await self._commit(kept)
        self._committed_offset.update(kept)
        return done

    async def wait_empty(self) -> None:
        """Wait, bounded, until every slice an agent has begun is acked, then commit."""
        deadline = monotonic() + self.app.drain_seconds
        while not self.should_stop and monotonic() < deadline:
            if not any(one.begun and not one.acked for held in self._slices.values() for one in held):
                break
            self._acks.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._acks.wait(), 1.0)
        await self.commit_and_end_transactions()

    def taken(self, poll: Poll) -> None:
        """Note that a poll was handled, or passed over: there is room for another."""
        self._ahead.discard(poll)
        self._acked.clear()
        self._acked_index.clear()
        self._room.set()
        if self._rounds is not None:
            self._rounds.release()

    async def on_partitions_revoked(self, revoked: Iterable[TP]) -> None:
        """Let Faust drain and commit, leave the partitions, then forget their slices."""
        await super().on_partitions_revoked(revoked)
        await self._leave()
        for tp in revoked:
            for held in (self._slices, self._read_offset, self._committed_offset):
                held.pop(tp, None)

    async def on_partitions_assigned(self, assigned: Iterable[TP], generation_id: int = 0) -> None:
        """Forget what was in flight: under the eager protocol it belongs to an older generation."""
        self._slices.clear()
        self._ahead.clear()
        self._gaps.clear()
        self._unacked_messages.clear()
        self._read_offset.clear()
        self._stands.clear()
        self._unplaced = set(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_stop(self) -> None:
        """Commit, then leave the partitions."""
        await super().on_stop()
        await self._leave()

    async def _leave(self) -> None:
        """Note that this process goes alive: what it held did not kill it."""
        stands, self._stands = self._stands, {}
        if stands:
            mine = self.assignment()
            await self._thread.note({tp: (offset, CLEAN) for tp, offset in stands.items() if tp in mine})

    async def note(self, tp: TP, generation: int, offset: int, metadata: str) -> None:
        """Commit an offset with a word about what begins there; everything before it must be processed.

        Raises
        ------
        PartitionLost
            When the partition was assigned anew: what lies before the offset may be for others to do.
        """
        if self.app.consumer_generation_id != generation:
            raise PartitionLost(f"{tp.topic}/{tp.partition} was assigned anew")
        self._committed_offset[tp] = offset
        if await self._thread.note({tp: (offset, metadata)}):
            self._stands[tp] = offset

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        done: bool = await self._thread.note({tp: (offset, OPEN) for tp, offset in offsets.items()})
        if done:
            self._stands.update(offsets)
        return done

    async def perform_seek(self) -> None:
        """Do nothing: the task that fetches goes to the committed offsets itself, see `_place`.

        Faust seeks here, beside a fetch that may still be under way: what that fetch took after the seek
        was thrown away with the old generation's records and never asked for again (decision record 0010).
        It also gives up after the request timeout and then never consumes again.
        """

    async def _place(self, generation: int) -> None:
        """Go to what the group has committed, and where nothing is, to the beginning."""
        self._unplaced &= self.assignment()
        places = set(self._unplaced)
        committed = await self._thread.committed(places)
        if self.app.consumer_generation_id != generation or not self.flow_active:
            return
        # Where the log begins later, the broker says that 0 is out of range and aiokafka goes there.
        found = {tp: committed.get(tp, (0, CLEAN)) for tp in places}
        opened = {tp: (read, word or OPEN) for tp, (read, word) in found.items()}
        if not await self._thread.note(opened):
            return
        if self.app.consumer_generation_id != generation or not self.flow_active:
            return
        # No wait from here on: a rebalance in between would leave half of it to the wrong generation.
        for tp, (read, word) in found.items():
            self._thread.seek(tp, read)
            self._read_offset[tp] = self._stands[tp] = self._committed_offset[tp] = read
            self.suspects.pop(tp, None)
            if suspicion := suspicion_of(word):
                self.suspects[tp] = suspicion
        self._unplaced -= places

    async def _drain_messages(self, fetcher: Any) -> None:
        app, polled = self.app, 0.0
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await asyncio.sleep(0)
                if not self.flow_active:
                    await self.wait(self.can_resume_flow)
                    continue
                generation = app.consumer_generation_id
                if self._unplaced:
                    await self._place(generation)
                    continue
                if len(self._ahead) >= POLLS_AHEAD:
                    self._room.clear()
                    await self.wait_first(self._room.wait(), self.suspend_flow.wait())
                    continue
                if (early := polled + app.poll_seconds / 2 - monotonic()) > 0:
                    await asyncio.sleep(early)  # brokers answer one after the other
                    continue
                records, _ = await self._wait_next_records(1.0)
                if records and not self.should_stop:
                    self._backlog = sum(map(len, records.values())) >= app.conf.broker_max_poll_records
                    if not self._backlog:
                        polled = monotonic()
                    await self._deliver_all(records, generation)
        except self.consumer_stopped_errors:
            if not app.should_stop:
                raise
        except asyncio.CancelledError:
            if not app.should_stop:
                raise

    async def _deliver_all(self, records: Mapping[TP, list[Any]], generation: int) -> None:
        if not self.flow_active or self.app.consumer_generation_id != generation:
            self._unplaced.update(records)  # fetched and not delivered: aiokafka stands too far
            return
        slices, gaps, odd = list[Fetched](), dict[TP, int](), dict[TP, tuple[int, int, int]]()
        for tp, found in records.items():
            read = self._read_offset.get(tp)
            if read is None:
                self._unplaced.add(tp)
                continue
            if found[0].offset > read and self._gaps.get(tp) != read:
                # A hole in the log (compaction, retention, a transaction's marker) or a mistake: ask once.
                self._gaps[tp] = gaps[tp] = read
                log.warning(
                    "%s/%d: asking for offset %d, got %d", tp.topic, tp.partition, read, found[0].offset
                )
                continue
            if found[0].offset != read > 0:  # from 0 on reads who has never been there
                odd[tp] = (read, found[0].offset, found[-1].offset)
            fresh = [record for record in found if record.offset >= read] if found[0].offset < read else found
            if fresh:
                slices.append(Fetched(tp, fresh, self._acks.set))
        if slices:
            await self._deliver(Poll(generation, slices))
        for tp, read in gaps.items():
            if self.flow_active and self.app.consumer_generation_id == generation:
                await self._seek(tp, read)
        for tp, (read, first, last) in odd.items():
            if missed := await self._thread.missed(tp, read, first, last):
                log.error(
                    "%s/%d: %d records will not be read: %d was asked for, %d came", *tp, missed, read, first
                )
                metrics.MISSED.labels(self.app.agent_name, tp.topic).inc(missed)

    async def _deliver(self, poll: Poll) -> None:
        for one in poll.slices:
            self._slices.setdefault(one.place, deque()).append(one)
            self._read_offset[one.place] = one.offset + 1
        self._ahead.add(poll)
        # Faust keeps books by one topic, partition and offset; the first slice's stand for all.
        first, last = poll.slices[0], poll.slices[0].records[-1]
        message = ConsumerMessage(
            first.topic, first.partition, first.offset, last.timestamp / 1000.0, last.timestamp_type,
            (), None, poll, None, 0, 0, first.place, generation_id=poll.generation,
        )  # fmt: skip
        await self.wait_first(self.callback(message), self.suspend_flow.wait())


class IdleProducer(Producer):
    """Faust's own producer, never connected: outputs go through the worker's one producer."""

    async def on_start(self) -> None:
        """Connect nothing."""
        await Service.on_start(self)

    async def on_stop(self) -> None:
        """Close nothing."""
        await Service.on_stop(self)

    async def flush(self) -> None:
        """Nothing is ever buffered here."""


class SliceTransport(Transport):
    """Transport whose consumer delivers slices."""

    Consumer = SliceConsumer
    Producer = IdleProducer


class PromptTableManager(TableManager):
    """Starts at once: Faust waits a second for tables declared late, and there are none."""

    async def on_start(self) -> None:
        """Start the recovery service, which also resumes the flow after a rebalance."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()
