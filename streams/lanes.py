"""Slices of a partition in order, partitions side by side; what fails stops the app before its ack."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from streams.slices import PartitionLost

log = logging.getLogger(__name__)

LANE_DEPTH = 2
"""Slices of one partition that may wait behind the one being processed."""


class Lanes:
    """One queue and one task a partition: slices of a partition in order, partitions side by side.

    A slice spends most of its time waiting for confirmations (20–40 ms against 1–2 ms of work at
    low load), so partitions must not wait for each other.

    Parameters
    ----------
    take
        Processes one event; False when whoever took it acks it later.
    """

    def __init__(self, app: Any, stream: Any, take: Callable[[Any], Awaitable[bool]]) -> None:
        self._app = app
        self._stream = stream
        self._take = take
        self._queues: dict[int, asyncio.Queue[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def put(self, event: Any) -> None:
        """Hand an event to its partition's lane; waits while the lane is full."""
        partition = event.message.partition
        queue = self._queues.get(partition)
        if queue is None:
            queue = self._queues[partition] = asyncio.Queue(LANE_DEPTH)
            self._tasks.append(asyncio.create_task(self._serve(queue), name=f"lane {partition}"))
        await queue.put(event)

    async def close(self) -> None:
        """Stop every lane."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, queue: asyncio.Queue[Any]) -> None:
        while True:
            event = await queue.get()
            try:
                finished = await self._take(event)
            except PartitionLost as lost:
                log.info("%s", lost)  # the new generation starts from the committed offset
                continue
            except Exception as problem:
                await self._app.crash(problem)
                return
            if finished:
                await self._stream.ack(event)


async def each_slice(app: Any, stream: Any, take: Callable[[Any], Awaitable[bool]]) -> None:
    """Give each partition's slices to its lane; an exception stops the app before the slice is acked.

    Faust would restart the agent and go on with the next slice, which commits past the failed one
    and loses it; so the app crashes and the restart redelivers.
    """
    lanes = Lanes(app, stream, take)
    try:
        async for event in stream.noack().events():
            await lanes.put(event)
    finally:
        await lanes.close()
