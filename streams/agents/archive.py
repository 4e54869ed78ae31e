"""archive: batches of undecoded records to the store, acked when they stand there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from models.clock import Clock
from models.outcome import DeadLetter, DeadReason
from sinks.base import Rejected, Sink, Slice
from streams import metrics
from streams.dead_letters import add_dead_letter
from streams.outbox import BatchProducer, Layout, Outbox
from streams.polls import Fetched
from streams.topics import ARCHIVED

log = logging.getLogger(__name__)

TOPICS = ARCHIVED


class Archive:
    """Gathers slices and writes them together: one insert a table, not one a slice.

    Memory is bounded by `max_rows`: a slice past it waits until the store has taken the ones before,
    which stops the fetching of more.

    Parameters
    ----------
    rejected
        Where the sink puts the coordinates of rows the store refuses.
    cluster_id
        The cluster's id: offsets are only comparable within one log.
    linger
        Longest a slice waits for company, seconds.
    """

    drain_seconds = 8.0
    patience_ms = 250

    def __init__(
        self,
        sink: Sink,
        rejected: list[Rejected],
        producer: BatchProducer,
        layout: Layout,
        clock: Clock,
        cluster_id: str,
        linger: float = 1.0,
        max_rows: int = 50_000,
    ) -> None:
        self._sink = sink
        self._producer = producer
        self._layout = layout
        self._clock = clock
        self._log = f"@{cluster_id}"
        self._linger = linger
        self._max_rows = max_rows
        self._held: list[tuple[Fetched, Slice]] = []
        self._rows = 0
        self._rejected = rejected
        self._writing = asyncio.Lock()
        self.regular: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect the sink and begin to write at intervals."""
        await self._sink.start()
        self.regular = asyncio.create_task(self._regularly(), name="archive")

    async def stop(self) -> None:
        """Write what is held, then close the sink."""
        if self.regular is not None:
            self.regular.cancel()
            await asyncio.gather(self.regular, return_exceptions=True)
        await self.flush()
        await self._sink.close()

    def assigned(self, partitions: Iterable[int]) -> None:
        """Forget what was held for the last generation; the store is asked again how far it got."""
        self._held, self._rows = [], 0
        self._sink.forget()

    async def take(self, slices: Sequence[Fetched], owned: Callable[[], bool]) -> None:
        """Hold slices; each is acked once stored."""
        if self.regular is not None and self.regular.done():
            self.regular.result()
        for fetched in slices:
            records = fetched.records
            lines = [(record.offset, record.value) for record in records if record.value is not None]
            topic = fetched.topic + self._log
            piece = Slice(topic, fetched.partition, records[0].offset, fetched.offset, lines)
            self._held.append((fetched, piece))
            self._rows += len(lines)
        metrics.SINK_BEHIND.set(self._rows)
        if self._rows >= self._max_rows:
            await self.flush()

    async def flush(self) -> None:
        """Write everything held and ack it."""
        async with self._writing:
            held, self._held, self._rows = self._held, [], 0
            if not held:
                return
            written = await self._sink.write([piece for _, piece in held])
            await self._bury()
            for fetched, piece in held:
                fetched.ack()
                metrics.EVENTS.labels("archive", fetched.topic).inc(len(piece.records))
            metrics.SINK_ROWS.labels("all").inc(written.rows)
            metrics.SINK_BEHIND.set(self._rows)

    async def _bury(self) -> None:
        rejected = list(self._rejected)
        if not rejected:
            return
        self._rejected.clear()
        out, now_ms = Outbox(self._layout), int(self._clock.now() * 1000)
        for row in rejected:
            dead = DeadLetter(DeadReason.INVALID, f"clickhouse code {row.code}")
            add_dead_letter(
                out, "archive", (row.topic.partition("@")[0], row.partition, row.offset), dead, now_ms, now_ms
            )
            metrics.DEAD.labels("archive", DeadReason.INVALID).inc()
        await out.send(self._producer)

    async def _regularly(self) -> None:
        while True:
            await asyncio.sleep(self._linger)
            await self.flush()
