"""The archive while the store is away: bounded memory, nothing acked early, nothing lost or doubled."""

from __future__ import annotations

import asyncio

from aiokafka import TopicPartition
from clickhouse_connect.driver.exceptions import OperationalError
from fake_store import Bench
from memory_broker import Record

from models.clock import VirtualClock
from streams.agents.archive import Archive
from streams.outbox import Layout
from streams.polls import Fetched

PLACE = TopicPartition("decisions", 0)
MOST, SLICE, ROWS, AWAY_S = 200, 10, 3000, 600.0


def test_a_store_away_for_ten_minutes_stops_the_reading_and_misses_nothing() -> None:
    """Ten minutes of the store's clock, begun by an insert whose answer is lost."""
    bench = Bench()
    store, acked, behind = bench.store, [], []

    async def run() -> None:
        archive = Archive(bench.sink, [], None, Layout({}), VirtualClock(0.0), "log", 0.0, MOST)
        await archive.start()
        for first in range(0, ROWS, SLICE):
            if first == 1000:
                store.faults = [("after", OperationalError("timed out"))]
                store.back_at = store.now + AWAY_S
            found = [Record(n, b'{"decision_id":"d%d"}' % n) for n in range(first, first + SLICE)]

            def noticed(last: int = first + SLICE - 1) -> None:
                assert store.offsets("decisions")[last] == last, "acked before it was stored"
                acked.append(last)

            await archive.take([Fetched(PLACE, found, noticed)], lambda: True)
            behind.append(first + SLICE - len(acked) * SLICE)
        await archive.stop()

    asyncio.run(run())
    assert sum(bench.pauses) >= AWAY_S and max(bench.pauses) <= 30.0
    assert max(behind) <= 2 * MOST, "one batch waits for the store, one is gathered, then reading stops"
    assert store.offsets("decisions") == list(range(ROWS))
    assert acked == list(range(SLICE - 1, ROWS, SLICE))


def test_two_workers_that_take_turns_store_every_row_once() -> None:
    """What one had read and not acked comes to the other, who has stored less of it by its own count."""
    benches = Bench(), Bench()
    store = benches[0].store
    benches[1].sink._open = lambda: store

    async def run() -> None:
        workers = [
            Archive(bench.sink, [], None, Layout({}), VirtualClock(0.0), "log", 3600.0, MOST)
            for bench in benches
        ]
        for worker in workers:
            await worker.start()
        for turn in range(6):
            worker, first = workers[turn % 2], turn * SLICE
            worker.assigned([0])
            # Every owner stores its slice and the next one, and dies before its offsets are committed.
            for begin in (first, first + SLICE):
                found = [Record(n, b'{"decision_id":"d%d"}' % n) for n in range(begin, begin + SLICE)]
                await worker.take([Fetched(PLACE, found, lambda: None)], lambda: True)
            await worker.flush()
        for worker in workers:
            await worker.stop()

    asyncio.run(run())
    assert store.offsets("decisions") == list(range(7 * SLICE))
