"""The sink on the embedded store, over HTTP: what the engine itself must do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
from sink_records import a_slice, count, decision, feedback, sink_on, write

from ops.embedded.store import EmbeddedStore
from sinks.base import Rejected, Slice, Written
from sinks.clickhouse import ClickHouseSink, Client, Schema, connect


def test_overlapping_writers_are_one_to_readers(store: EmbeddedStore, client: Client) -> None:
    """Both ask before either writes, as in a rebalance; the engine collapses what both insert."""

    async def run() -> list[Written]:
        one, two = sink_on(store, client), sink_on(store, client)
        await one.start()
        await two.start()
        first = a_slice("decisions", [decision(n) for n in range(60)])
        second = a_slice("decisions", [decision(n) for n in range(20, 100)], first=20)
        found = await asyncio.gather(one.write([first]), two.write([second]))
        await one.close()
        await two.close()
        return found

    assert asyncio.run(run()) == [Written(rows=60), Written(rows=80)]
    assert count(client, "decisions", final=False) == 140
    assert count(client, "decisions") == 100
    client.command("OPTIMIZE TABLE decisions FINAL")
    assert count(client, "decisions", final=False) == 100


def test_a_record_produced_twice_is_one_to_readers(store: EmbeddedStore, client: Client) -> None:
    """After a crash upstream the same decision stands at two offsets."""
    write(store, client, [a_slice("decisions", [decision(1), decision(2), decision(1)])])
    assert count(client, "decisions") == 2


def test_a_new_sink_skips_what_is_there(store: EmbeddedStore, client: Client) -> None:
    batch = [a_slice("feedback.scored", [feedback(n) for n in range(30)])]
    assert write(store, client, batch) == [Written(rows=30)]
    longer = [a_slice("feedback.scored", [feedback(n) for n in range(10, 50)], first=10)]
    assert write(store, client, longer) == [Written(rows=20, skipped=20)]
    assert count(client, "feedback", final=False) == 50


def test_bad_rows_do_not_sink_their_batch(store: EmbeddedStore, client: Client) -> None:
    rejected: list[Rejected] = []
    values = [orjson.dumps(decision(n)) for n in range(40)]
    values[3] = b'{"decision_id":"x","rule_version":"three"}'
    values[17] = b'{"decision_id":"x","decision_id":"y"}'
    values[39] = b'{"decision_id":'

    async def run() -> Written:
        sink = sink_on(store, client, rejected)
        await sink.start()
        written = await sink.write([Slice("decisions", 2, 0, 39, list(enumerate(values)))])
        await sink.close()
        return written

    assert asyncio.run(run()) == Written(rows=37, rejected=3)
    assert sorted(bad.offset for bad in rejected) == [3, 17, 39]
    assert count(client, "decisions") == 37


def test_positions_are_those_of_the_store(store: EmbeddedStore, client: Client) -> None:
    async def run() -> dict[tuple[str, int], int]:
        sink = sink_on(store, client)
        await sink.start()
        await sink.write([a_slice("feedback.scored", [feedback(1), {"event": "label", "id": "x"}], first=4)])
        await sink.write([a_slice("alerts", [{"alert_id": "a"}], first=9, partition=1)])
        found = dict(await sink.positions())
        await sink.close()
        return found

    assert asyncio.run(run()) == {("feedback.scored", 0): 5, ("alerts", 1): 9}


def test_a_store_that_dies_and_returns_misses_and_doubles_nothing(tmp_path: Path) -> None:
    """Stopped and started again in the middle of writing, twice."""
    deaths = (1500, 4000)

    async def run() -> tuple[int, int]:
        store = EmbeddedStore(tmp_path / "store")
        await store.start()
        port = store.port
        client = connect(store.url)
        Schema(client).migrate()
        client.close()
        paused, reached, dying = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def pause(seconds: float) -> None:
            paused.set()
            await asyncio.sleep(seconds)

        sink = ClickHouseSink(store.url, pauses=(0.02, 0.2), sleep=pause)
        await sink.start()

        async def produce() -> None:
            for n in range(0, 6000, 100):
                if n in deaths:
                    reached.set()
                    await dying.wait()
                await sink.write([a_slice("decisions", [decision(n + i) for i in range(100)], first=n)])

        producing = asyncio.create_task(produce())
        for _ in deaths:
            await reached.wait()
            reached.clear()
            paused.clear()
            stopping = asyncio.create_task(store.stop())
            dying.set()
            await stopping
            await paused.wait()
            dying.clear()
            store = EmbeddedStore(tmp_path / "store", port)
            await store.start()
        await producing
        await sink.close()
        client = connect(store.url, database="hark")
        found = count(client, "decisions"), count(client, "decisions", final=False)
        client.close()
        await store.stop()
        return found

    assert asyncio.run(run()) == (6000, 6000)
