"""Repeats, batches that time out and floods of dead letters, under random histories, against plain models."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any
from unittest import mock

from aiokafka.errors import KafkaTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from memory_broker import MemoryBatch, confirmed

from streams import outbox as outbox_module
from streams.dead_letters import FloodGuard
from streams.origin import OriginFence
from streams.outbox import Layout, Outbox


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6), st.integers(0, 6)), max_size=40),
)
def test_an_origin_passes_once_however_often_its_writer_begins_again(
    history: list[tuple[int, int, int]],
) -> None:
    """Each entry: an input partition, how many new records, how far its writer had gone back before."""
    fence, ends, passed = OriginFence({}), [0, 0, 0], list[tuple[int, int]]()
    for partition, fresh, back in history:
        begin = max(0, ends[partition] - back)
        ends[partition] += fresh
        for offset in range(begin, ends[partition]):
            if fence.passes(["raw", partition, offset]):
                passed.append((partition, offset))
    for partition, end in enumerate(ends):
        assert [offset for where, offset in passed if where == partition] == list(range(end))


@given(st.integers(1, 3), st.lists(st.integers(0, 2), max_size=60), st.lists(st.integers(0, 2), max_size=12))
def test_an_outbox_keeps_order_and_loses_nothing_whatever_times_out(
    size: int, places: list[int], outcomes: list[int]
) -> None:
    """0: confirmed, 1: refused before it was written, 2: written and the answer lost."""
    written: dict[int, list[int]] = {0: [], 1: [], 2: []}
    outcomes_left = deque(outcomes)

    class Small(MemoryBatch):
        def append(self, **record: Any) -> object:
            return super().append(**record) if len(self.records) < size else None

    class Producer:
        def create_batch(self, size: int) -> Small:
            return Small()

        async def send_batch(self, batch: Small, topic: str, *, partition: int) -> asyncio.Future[None]:
            outcome = outcomes_left.popleft() if outcomes_left else 0
            if outcome != 1:
                written[partition].extend(int(value or b"") for _, value, _ in batch.records)
            if outcome == 0:
                return confirmed()
            answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            answer.set_exception(KafkaTimeoutError())
            return answer

    out = Outbox(Layout({"out": 3}))
    for number, partition in enumerate(places):
        out.placed("out", partition, b"k", str(number).encode())
    with mock.patch.object(outbox_module, "FIRST_PAUSE_S", 0.0):
        asyncio.run(out.send(Producer()))
    for partition in range(3):
        first_seen = list(dict.fromkeys(written[partition]))
        assert first_seen == [number for number, place in enumerate(places) if place == partition]
    assert len(out) == 0


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 1)), max_size=60), st.floats(0.05, 0.95))
def test_a_flood_is_judged_over_at_least_the_window_and_no_more_than_a_slice_beyond(
    slices: list[tuple[int, float]], limit: float
) -> None:
    window, least = 50, 20
    guard, history = FloodGuard(limit, window=window, least=least), list[tuple[int, int]]()
    for records, share in slices:
        dead = round(records * share)
        guard.add(records, dead)
        history.append((records, dead))
        while sum(count for count, _ in history[1:]) >= window:
            history.pop(0)
        total, bad = sum(count for count, _ in history), sum(count for _, count in history)
        assert guard.share == bad / total
        assert guard.tripped == (total >= least and bad / total > limit)
