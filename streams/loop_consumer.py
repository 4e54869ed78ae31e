"""aiokafka's consumer in the worker's own event loop, where Faust would give it a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any

import aiokafka
from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    GroupCoordinatorNotAvailableError,
    IllegalStateError,
    KafkaError,
    NoError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from mode import Service
from mode.utils.futures import maybe_set_exception

from streams.records import as_parsed

CLOSING_SECONDS = 1.0
"""Longest a commit may take of a consumer that is being closed; what it says comes again otherwise."""
NEVER_MS = 2**31 - 1
"""Longest time between two polls. A store or a partition that is away for an hour is no reason to leave the
group, and aiokafka 0.14 lets a member that has left only back in when it polls, which Faust does not do
before it is back: the worker stood still for ever."""


def heed_group_errors(coordinator: Any) -> None:
    """Make a coordinator's refusal to tell committed offsets an error, which aiokafka then repeats.

    From version 2 of OffsetFetch on a broker that is loading the group, or no longer its coordinator,
    answers with an error code beside an empty list of partitions (KIP-88). aiokafka 0.14 looks at the list
    alone and takes it for "never committed": a consumer then starts at the beginning, or at the end.

    Parameters
    ----------
    coordinator
        `aiokafka.consumer.group_coordinator.GroupCoordinator`.
    """
    ask = coordinator._send_req

    async def strictly(request: Any) -> Any:
        answer = await ask(request)
        if isinstance(request, OffsetFetchRequest):
            error = for_code(getattr(answer, "error_code", 0))
            if error in (NotCoordinatorForGroupError, GroupCoordinatorNotAvailableError):
                coordinator.coordinator_dead()
            if error is not NoError:
                raise error(coordinator.group_id)
        return answer

    coordinator._send_req = strictly


class LoopConsumerThread(AIOKafkaConsumerThread):
    """aiokafka's consumer without the thread Faust gives it: no hand-over between loops."""

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        kwargs["loop"] = kwargs["thread_loop"] = asyncio.get_event_loop()
        super().__init__(consumer, **kwargs)

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        # The range assignor gives partition p of every topic to one worker, where its state is.
        copartitioned = self.app.copartitioned
        self._assignor = RangePartitionAssignor if copartitioned else RoundRobinPartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            **self.app.client_options,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id or None,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset=conf.consumer_auto_offset_reset,
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=NEVER_MS,
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            retry_backoff_ms=100,
            key_deserializer=as_parsed,
        )

    async def on_start(self) -> None:
        """Connect; then answers that hold an error for the whole group count as errors."""
        await super().on_start()
        consumer = self._ensure_consumer()
        heed_group_errors(consumer._coordinator)
        self.consumer.pace(consumer._fetcher)

    async def committed(self, places: Iterable[TP]) -> Mapping[TP, tuple[int, str]]:
        """Return the offsets the group has committed with their metadata; never committed ones are left out.

        Raises
        ------
        aiokafka.errors.GroupAuthorizationFailedError
            When the group may not be read; whatever else stands in the way is waited for.
        """
        asked = [TopicPartition(tp.topic, tp.partition) for tp in places]
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(asked)
        return {TP(tp.topic, tp.partition): (at.offset, at.metadata or "") for tp, at in found.items()}

    async def missed(self, place: TP, read: int, first: int, last: int) -> int:
        """Return how many records will never be read because the log is not the one it was.

        Retention makes a log begin later, where compaction and transactions leave holes in it. Of one that
        was deleted and made anew the first ones are passed over: their offsets were there before.

        Parameters
        ----------
        read
            The offset that should have come.
        first, last
            Offsets of what came instead.
        """
        asked, consumer = TopicPartition(place.topic, place.partition), self._ensure_consumer()
        try:
            if first > read:
                begins: int = (await consumer.beginning_offsets([asked]))[asked]
                return max(0, min(begins, first) - read)
            ends: int = (await consumer.end_offsets([asked]))[asked]
            return min(last + 1, read) - first if ends < read else 0
        except KafkaError:
            return 0  # it is only counted

    async def note(self, offsets: Mapping[TP, tuple[int, str]]) -> bool:
        """Commit offsets with metadata; False when the group has rebalanced and they are another's now.

        Why not Faust's: its commits have no metadata, which here tell how the last owner left.
        """
        consumer, mine, now = self._ensure_consumer(), self.assignment(), monotonic()
        kept = {TopicPartition(tp.topic, tp.partition): at for tp, at in offsets.items() if tp in mine}
        if not kept or len(kept) < len(offsets):
            return not offsets
        self.tp_last_committed_at.update(dict.fromkeys(offsets, now))
        # aiokafka repeats a commit for ever and looks for no coordinator once it is being closed, and closing
        # waits for the rebalance that waits for this commit: a third of the stops after a freeze hung.
        closing = consumer._coordinator._closing
        commit = asyncio.ensure_future(
            consumer.commit({tp: OffsetAndMetadata(*at) for tp, at in kept.items()})
        )
        try:
            await asyncio.wait({commit, closing}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({commit}, timeout=CLOSING_SECONDS)
            return commit.done() and commit.result() is None
        except (CommitFailedError, IllegalStateError):
            return False
        finally:
            commit.cancel()

    async def start(self) -> None:
        """Serve in the worker's loop."""
        self._thread_started.set()
        self._thread_running = self.parent_loop.create_future()
        self._serving = self.parent_loop.create_task(self._serve())
        try:
            await self._thread_running
        finally:
            self._thread_running = None

    async def crash(self, reason: BaseException) -> None:
        """Pass a crash to whoever waits for the start, then to the supervisor."""
        maybe_set_exception(self._thread_running, reason)
        await Service.crash(self, reason)

    async def stop(self) -> None:
        """Stop the service; there is no thread to join."""
        if self._started.is_set():
            await Service.stop(self)

    async def _gather_remaining_tasks(self) -> None:
        """Leave the loop's other tasks alone: they are the worker's."""

    async def wait_until_stopped(self) -> None:
        """Outlive a crash of the app: the stop that follows still commits and leaves the group."""
        await self._stopped.wait()

    async def on_thread_started(self) -> None:
        """Nothing to set up: there is no thread."""

    async def on_thread_stop(self) -> None:
        """Close the aiokafka consumer."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call in the same loop what Faust would send to the consumer's thread."""
        result = fun(*args, **kwargs)
        if asyncio.iscoroutine(result) or isinstance(result, asyncio.Future):
            return await result
        return result

    async def on_partitions_revoked(self, revoked: Iterable[TP]) -> None:
        """Pass the revocation on."""
        await self.consumer.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TP], generation_id: int = 0) -> None:
        """Pass the assignment on."""
        await self.consumer.on_partitions_assigned(assigned, generation_id)
