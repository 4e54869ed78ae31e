"""Handlers hear of an assignment before its first slice, never beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from aiokafka import TopicPartition

from streams.app import Pulse, create_app
from streams.polls import Fetched
from streams.settings import Settings


class Holding:
    """A handler that acks later, as archive and learn do."""

    drain_seconds = 0.0
    patience_ms = 0

    def __init__(self) -> None:
        self.heard: list[set[int]] = []

    async def start(self) -> None:
        """Nothing to prepare."""

    async def stop(self) -> None:
        """Nothing to finish."""

    def assigned(self, partitions: Iterable[int]) -> None:
        self.heard.append(set(partitions))

    async def take(self, slices: Sequence[Fetched], owned: Callable[[], bool]) -> None:
        """Ack nothing."""


class Assignment:
    """The part of a consumer that is asked."""

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition("in", 1), TopicPartition("in", 3)}


def test_the_handler_hears_of_it_in_the_step_that_faust_awaits_before_the_flow_resumes() -> None:
    """A chaos round missed a record: the archive forgot a slice of the new generation it had just taken."""

    async def run() -> None:
        handler = Holding()
        app = create_app(Settings(), "sample", ["in"], handler, Pulse(10.0))
        app.consumer = Assignment()
        await app.on_partitions_assigned.send({TopicPartition("in", 1)})
        assert handler.heard == []
        await app.on_rebalance_complete.send()
        assert handler.heard == [{1, 3}]

    asyncio.run(run())
