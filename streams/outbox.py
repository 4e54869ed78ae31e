"""What a slice writes: one record batch per output partition, all confirmed before the ack."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    RequestTimedOutError,
)

from streams.codec import NO_HEADERS, Header, partition_of

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
RETRIABLE = (
    KafkaTimeoutError,
    RequestTimedOutError,
    NodeNotReadyError,
    KafkaConnectionError,
    NotEnoughReplicasError,
    NotEnoughReplicasAfterAppendError,
    NotLeaderForPartitionError,
    LeaderNotAvailableError,
)
"""Errors of an election or a broker's restart; aiokafka gives a batch up after its request timeout."""

Record = tuple[bytes | None, bytes | None, Sequence[Header]]


class RecordTooLong(ValueError):
    """A record that does not fit into an empty batch."""


class BatchProducer(Protocol):
    """The part of aiokafka's producer that is used; tests put a memory in its place."""

    def create_batch(self, size: int) -> Any:
        """Return an empty batch builder for about `size` bytes."""
        ...

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        """Queue a batch; the awaitable's result is the future of its confirmation."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """How many partitions each topic has, read from the cluster at start."""

    partitions: Mapping[str, int]

    def of(self, topic: str) -> int:
        """Return the number of partitions of `topic`."""
        return self.partitions[topic]


class Outbox:
    """Records collected while a slice is processed.

    Parameters
    ----------
    layout
        Partition counts, so that keys go where every Kafka client would put them.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._records: dict[tuple[str, int], list[Record]] = {}

    def keyed(self, topic: str, key: str, value: bytes, headers: Sequence[Header] = NO_HEADERS) -> None:
        """Add a record to the partition its key hashes to."""
        raw = key.encode()
        self.placed(topic, partition_of(raw, self._layout.of(topic)), raw, value, headers)

    def placed(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = NO_HEADERS,
    ) -> None:
        """Add a record to a given partition; for logs that keep the partition of their input."""
        place = (topic, partition)
        records = self._records.get(place)
        if records is None:
            records = self._records[place] = []
        records.append((key, value, headers))

    def take(self, other: Outbox) -> None:
        """Add what another one has collected behind what is here."""
        for place, records in other._records.items():
            if (mine := self._records.get(place)) is None:
                self._records[place] = records
            else:
                mine.extend(records)

    def pop(self, place: tuple[str, int]) -> Sequence[Record]:
        """Take out what was added for one topic and partition."""
        return self._records.pop(place)

    def __len__(self) -> int:
        return sum(map(len, self._records.values()))

    def batches(self) -> Mapping[tuple[str, int], Sequence[Record]]:
        """Return the records by topic and partition, in the order they were added."""
        return self._records

    async def send(self, producer: BatchProducer) -> None:
        """Write everything and wait until the brokers have confirmed it.

        Raises
        ------
        aiokafka.errors.KafkaError
            When a batch is refused for good; nothing may be acked then. While brokers are away it waits.
        """
        waiting, pause = list(self._records.items()), FIRST_PAUSE_S
        while waiting:
            results = await asyncio.gather(
                *(self._deliver(producer, place, records) for place, records in waiting),
                return_exceptions=True,
            )
            failed = []
            for (place, records), problem in zip(waiting, results, strict=True):
                if isinstance(problem, RETRIABLE):
                    # It may have been written nevertheless: readers drop repeats by origin and id.
                    log.warning("writing %s/%d again after %s", *place, type(problem).__name__)
                    failed.append((place, records))
                elif problem is not None:
                    raise problem
            waiting = failed
            if waiting:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
        self._records = {}

    @staticmethod
    async def _deliver(producer: BatchProducer, place: tuple[str, int], records: Sequence[Record]) -> None:
        topic, partition = place
        # One after the other: were a later batch confirmed and an earlier one written again, readers
        # would take the earlier one's records for repeats.
        for batch in pack(producer, records):
            await (await producer.send_batch(batch, topic, partition=partition))


def pack(producer: BatchProducer, records: Sequence[Record]) -> list[Any]:
    """Cut `records` into as few batches as the producer's batch size allows."""
    size = sum(len(value) for _, value, _ in records if value is not None)
    batch = producer.create_batch(size)
    batches = [batch]
    for key, value, headers in records:
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            batch = producer.create_batch(size)
            batches.append(batch)
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                raise RecordTooLong(f"a record of {len(value or b'')} bytes does not fit into an empty batch")
    return batches
