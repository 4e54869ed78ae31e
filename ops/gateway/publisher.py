"""Publishes what the gateway accepts, and knows whether the brokers can be reached."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka.errors import KafkaError

from ops.gateway.body import Entry
from streams.codec import Header, cloud_event
from streams.outbox import BatchProducer, Layout, Outbox
from streams.vital import ended, of_producer

log = logging.getLogger(__name__)

PROBE_SECONDS = 2.0
PROBE_PAUSE_S = 1.0
LONGEST_PAUSE_S = 10.0


class Unavailable(Exception):
    """The brokers did not confirm; nothing is known of the events, a repeat is harmless."""


class Publisher:
    """One producer with a guard: while the brokers are away requests are refused at once.

    Parameters
    ----------
    new_producer
        Makes an aiokafka producer that is not started.
    writer
        Makes what writes batches through it.
    topics
        Topics that must be there.
    confirm_s
        Longest wait for confirmations.
    clock
        Seconds since the epoch, for `ce_time`.
    """

    def __init__(
        self,
        new_producer: Callable[[], Any],
        writer: Callable[[Any], BatchProducer],
        topics: Sequence[str],
        confirm_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._new_producer = new_producer
        self._writer = writer
        self._topics = topics
        self._confirm_s = confirm_s
        self._clock = clock
        self._producer: Any = None
        self._layout = Layout({})
        self._task: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
        self.problem = "not connected yet"

    async def start(self) -> None:
        """Begin connecting; the gateway answers 503 until the brokers do."""
        self._broken.set()
        self._task = asyncio.create_task(self._mend(), name="gateway publisher")

    async def stop(self) -> None:
        """Finish what was sent and close."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._producer is not None:
            try:
                async with asyncio.timeout(self._confirm_s):
                    await self._producer.stop()
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("the producer did not close in time: %s", type(error).__name__)

    @property
    def ready(self) -> bool:
        """Whether the brokers answered last."""
        return not self._broken.is_set()

    async def publish(
        self, topic: str, kind: str, source: str, entries: Sequence[Entry], passed: Sequence[Header]
    ) -> None:
        """Append the events and wait for the confirmations.

        Raises
        ------
        Unavailable
            When the brokers are away or do not confirm in time.
        """
        if not self.ready:
            raise Unavailable(self.problem)
        out, at_ms = Outbox(self._layout), int(self._clock() * 1000)
        for entry in entries:
            out.keyed(topic, entry.key, entry.value, cloud_event(kind, source, entry.ident, at_ms, passed))
        try:
            async with asyncio.timeout(self._confirm_s):
                await out.send(self._writer(self._producer))
        except (KafkaError, OSError, TimeoutError) as error:
            self._fail(f"{topic} was not confirmed ({type(error).__name__})")
            raise Unavailable(self.problem) from None

    def _fail(self, problem: str) -> None:
        if not self._broken.is_set():
            log.warning("not ready: %s", problem)
        self.problem = problem
        self._broken.set()

    async def _mend(self) -> None:
        """Connect, and again whenever a publish failed."""
        pause = PROBE_PAUSE_S
        while True:
            await self._broken.wait()
            try:
                async with asyncio.timeout(self._confirm_s):
                    await self._connect()
            except (KafkaError, OSError, TimeoutError) as error:
                self.problem = f"no broker answers ({type(error).__name__})"
            except LookupError as error:
                self.problem = str(error.args[0])
            else:
                self._broken.clear()
                pause = PROBE_PAUSE_S
                log.info("ready")
                continue
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _connect(self) -> None:
        if self._producer is not None and ended(of_producer(self._producer)):
            # It would refuse everything from now on, however well the brokers are.
            lost, self._producer = self._producer, None
            await lost.stop()
        if self._producer is None:
            producer = self._new_producer()
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        found = await asyncio.wait_for(self._producer.client.fetch_all_metadata(), PROBE_SECONDS)
        counts = {name: len(found.partitions_for_topic(name) or ()) for name in found.topics()}
        if missing := [topic for topic in self._topics if not counts.get(topic)]:
            raise LookupError(f"topic {missing[0]} is missing: run `hark topics apply`")
        self._layout = Layout(counts)
