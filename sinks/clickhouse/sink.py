"""The archive's ClickHouse sink: raw rows, one insert a table, fenced by offsets.

How "nothing lost, nothing doubled" holds:

1. `write` returns only when every row is stored, so the caller never acks what is not there.
2. At the start, after `forget` and after any doubtful error (a timeout
   may hide a finished insert) the sink asks the store how far it got; where it got further than
   the slice begins, it asks for the exact offsets of that range and leaves those out.
3. Two workers that overlap in a rebalance can both ask before either has written. Their rows
   have the same sorting key, so ReplacingMergeTree keeps one, and FINAL shows one before that.

When the store is away, `write` waits and retries for ever with growing pauses, holding this one
batch; a row the store cannot parse is found by halving and left out with its coordinates.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from clickhouse_connect.driver.exceptions import ProgrammingError

from sinks.base import Counters, OnRejected, Partition, Rejected, SinkError, Slice, Written
from sinks.clickhouse import rows
from sinks.clickhouse.client import BAD_DATA, EXPECTED, NEEDS_A_PERSON, Client, code_of, connect
from sinks.clickhouse.fence import offsets_in, positions
from sinks.clickhouse.rows import Lines
from sinks.clickhouse.schema import Schema

T = TypeVar("T")
_log = logging.getLogger(__name__)

INSERT = {
    "input_format_skip_unknown_fields": 1,
    "input_format_null_as_default": 1,
    "input_format_json_read_objects_as_strings": 1,
    "input_format_json_read_arrays_as_strings": 1,
    "input_format_json_read_numbers_as_strings": 1,
    "input_format_parallel_parsing": 0,
    "optimize_on_insert": 0,
    "throw_on_max_partitions_per_insert_block": 0,
    "insert_deduplicate": 0,
    "async_insert": 0,
}
"""Settings of an insert: unknown fields skipped, one block (so that a bad row fails it whole)."""


class ClickHouseSink:
    """Writes slices to ClickHouse.

    Parameters
    ----------
    url, user, password, database
        Where the store is, see `connect`.
    on_rejected, on_retry
        Called with the coordinates of each row left out; at every failure that is tried again, at once.
    reject_limit
        Rejected rows in one batch past which the sink stops instead: that many are a wrong
        schema or a bad deploy, not bad rows.
    chunk_bytes
        Longest insert.
    pauses
        First and longest pause between retries, seconds.
    sleep, rng
        Injected for tests; the pause is jittered between half and all of its length.
    insert_settings
        ClickHouse settings on top of `INSERT`, such as insert_quorum for a cluster.
    opener
        Makes the client.

    A worker does `await sink.start()`, then for each round `await sink.write(slices)`, then acks.
    """

    def __init__(
        self,
        url: str,
        user: str = "default",
        password: str = "",
        database: str = "hark",
        *,
        on_rejected: OnRejected | None = None,
        on_retry: Callable[[], None] | None = None,
        reject_limit: int = 1000,
        chunk_bytes: int = 64_000_000,
        pauses: tuple[float, float] = (0.1, 30.0),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
        insert_settings: Mapping[str, int] | None = None,
        opener: Callable[[str, str, str, str], Client] = connect,
    ) -> None:
        self.counters = Counters()
        self._open: Callable[[], Client] = partial(opener, url, user, password, database)
        self._database = database
        self._settings = INSERT | dict(insert_settings or {})
        self._on_rejected = on_rejected
        self._on_retry = on_retry
        self._reject_limit = reject_limit
        self._chunk_bytes = chunk_bytes
        self._pauses = pauses
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._client: Client | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sink")
        self._stored: dict[Partition, int] = {}
        self._forgotten: set[Partition] | None = set()  # None: all
        self._pause_s = 0.0

    async def start(self) -> None:
        """Connect, check the schema and ask how far the store got; waits while it is away.

        Raises
        ------
        SinkError
            When the schema is missing or of another version, or the account is refused.
        """
        await self._insist(lambda client: Schema(client, self._database).check())
        self._stored = dict(await self.positions())

    async def write(self, batch: Sequence[Slice]) -> Written:
        """Store every record of `batch` once and return when that is done.

        Raises
        ------
        SinkError
            When waiting cannot cure it: no such table, account refused, too many bad rows.
        """
        todo = rows.sort(batch, await self._overlaps(batch))
        report = _Report(todo.rejected, self._reject_limit)
        for table, lines in todo.tables.items():
            for chunk in rows.chunks(lines, self._chunk_bytes):
                await self._store(table, chunk, report)
        for part in batch:
            key = (part.topic, part.partition)
            self._stored[key] = max(self._stored.get(key, -1), part.last_offset)
        if self._on_rejected is not None:
            for bad in report.rejected:
                self._on_rejected(bad)
        self.counters.rows += report.rows
        self.counters.skipped += todo.skipped + report.skipped
        self.counters.rejected += len(report.rejected)
        return Written(report.rows, todo.skipped + report.skipped, len(report.rejected))

    async def positions(self) -> Mapping[Partition, int]:
        """Return the greatest stored offset of each partition that has one."""
        return await self._insist(positions)

    def forget(self, partitions: Iterable[Partition] | None = None) -> None:
        """Ask the store again before the next write to `partitions` (None: all)."""
        if partitions is None:
            self._forgotten = None
        elif self._forgotten is not None:
            self._forgotten.update(partitions)

    async def close(self) -> None:
        """Let a running insert end, then release the connection."""
        await asyncio.to_thread(self._thread.shutdown)
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _overlaps(self, batch: Sequence[Slice]) -> dict[Partition, set[int]]:
        """Return the offsets of `batch` that the store already has."""
        forgotten = self._forgotten
        if forgotten is None or any((part.topic, part.partition) in forgotten for part in batch):
            self._stored = dict(await self.positions())
            self._forgotten = set()
        asked: dict[str, dict[Partition, tuple[int, int]]] = {}
        for part in batch:
            key = (part.topic, part.partition)
            if part.first_offset <= self._stored.get(key, -1):
                for table in rows.tables_of(part.topic):
                    ranges = asked.setdefault(table, {})
                    first, last = ranges.get(key, (part.first_offset, part.last_offset))
                    ranges[key] = (min(first, part.first_offset), max(last, part.last_offset))
        found: dict[Partition, set[int]] = {}
        for table, ranges in asked.items():
            stored = await self._insist(partial(offsets_in, table=table, ranges=ranges))
            for key, offsets in stored.items():
                found.setdefault(key, set()).update(offsets)
        return found

    async def _store(self, table: str, lines: Lines, report: _Report) -> None:
        """Insert `lines`, halving on bad data; after a doubtful error ask what arrived."""
        heap, doubt = [lines], False
        while heap:
            block = heap.pop()
            if doubt:
                block, doubt = await self._missing(table, block, report), False
            if not block:
                self._back()
                continue
            try:
                await self._call(_insert(table, block, self._settings))
            except EXPECTED as error:
                code = self._judge(error)
                if code is None:
                    heap.append(block)
                    doubt = True
                    await self._pause()
                elif rows.count(block) == 1:
                    (run,) = block
                    report.reject(Rejected(*run.key, run.records[0][0], code=code), table)
                else:
                    heap.extend(reversed(rows.halves(block)))
                continue
            self._back()
            report.rows += rows.count(block)
            self.counters.inserts += 1

    async def _missing(self, table: str, block: Lines, report: _Report) -> Lines:
        """Return what of `block` is not in the store after an error that may hide a success."""
        # Reading may work while writing does not (too many parts, read-only): pauses go on growing.
        stored = await self._insist(
            partial(offsets_in, table=table, ranges=rows.ranges(block)), settles=False
        )
        missing = rows.without(block, stored)
        report.skipped += rows.count(block) - rows.count(missing)
        return missing

    async def _insist(self, ask: Callable[[Client], T], *, settles: bool = True) -> T:
        """Ask until the store answers; `settles`: the answer ends the growing of pauses."""
        while True:
            try:
                answer = await self._call(ask)
            except EXPECTED as error:
                code = self._judge(error)
                if code is not None:
                    raise
                await self._pause()
            else:
                if settles:
                    self._back()
                return answer

    async def _call(self, ask: Callable[[Client], T]) -> T:
        """Run a blocking call in the sink's own thread, connecting first if need be."""

        def run() -> T:
            if self._client is None:
                self._client = self._open()
            return ask(self._client)

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    def _judge(self, error: BaseException) -> int | None:
        """Return the code of a bad-data error, None for what waiting may cure; raise otherwise."""
        code = code_of(error)
        if code in NEEDS_A_PERSON:
            raise SinkError(f"ClickHouse refused: {NEEDS_A_PERSON[code]}") from None
        if code is None and isinstance(error, ProgrammingError):
            raise error
        return code if code in BAD_DATA else None

    async def _pause(self) -> None:
        """Wait before the next try: longer each time, jittered, without end."""
        shortest, longest = self._pauses
        if not self.counters.away:
            _log.warning("ClickHouse does not answer; waiting for it")
        self.counters.away = True
        self.counters.retries += 1
        if self._on_retry is not None:
            self._on_retry()
        self._pause_s = min(longest, max(shortest, 2 * self._pause_s))
        await self._sleep(self._pause_s * (0.5 + self._rng.random() / 2))

    def _back(self) -> None:
        """Note that the store answered."""
        if self.counters.away:
            _log.warning("ClickHouse answers again")
        self.counters.away, self._pause_s = False, 0.0


@dataclass(slots=True)
class _Report:
    """What became of one batch so far."""

    rejected: list[Rejected]
    limit: int
    rows: int = 0
    skipped: int = 0

    def reject(self, bad: Rejected, table: str) -> None:
        self.rejected.append(bad)
        if len(self.rejected) > self.limit:
            raise SinkError(
                f"more than {self.limit} rows of one batch do not fit {table}: do schema and contracts agree?"
            )


def _insert(table: str, block: Lines, settings: Mapping[str, int]) -> Callable[[Client], object]:
    """Return the insert of `block`; being no bytes, its body is never sent again behind the sink's back."""
    inlet, body = rows.inlet(table), partial(rows.encoded, block)
    return lambda client: client.raw_insert(inlet, insert_block=body(), settings=settings, fmt="JSONEachRow")
