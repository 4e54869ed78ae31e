"""What a worker meets after days, on Apache Kafka whose days are seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from ops.kafka.cluster import Cluster
from ops.topic_admin import apply
from streams import kafka
from streams.fence import Claims
from streams.polls import PartitionLost
from streams.settings import Settings
from streams.state import FENCE, KafkaChangelog, PartitionState
from streams.topics import state_topic

pytestmark = pytest.mark.kafka

TOPIC = state_topic("score")
HURRY = {
    "transactional.id.expiration.ms": "1500",  # 7 days
    "transaction.remove.expired.transaction.cleanup.interval.ms": "300",  # an hour
    "producer.id.expiration.ms": "1500",  # a day
    "producer.id.expiration.check.interval.ms": "300",  # 10 minutes
    "log.cleaner.backoff.ms": "200",  # 15 s
    "log.segment.delete.delay.ms": "100",  # a minute
}
COMPACTING = {
    "cleanup.policy": "compact",
    "max.message.bytes": "8388608",
    "segment.ms": "200",  # 7 days
    "min.cleanable.dirty.ratio": "0.001",
    "delete.retention.ms": "100",  # a day
}
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def settings(kafka_available: None) -> Iterator[Settings]:
    """Yield the settings of a broker in a hurry, with all topics."""
    with Cluster(properties=HURRY) as cluster:
        settings = Settings(broker=cluster.bootstrap, partitions=4)
        asyncio.run(apply(settings))
        asyncio.run(hurry(settings, TOPIC))
        yield settings


async def hurry(settings: Settings, topic: str) -> None:
    client = kafka.admin(settings)
    await client.start()
    try:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, COMPACTING)])
    finally:
        await client.close()


class Worker:
    """A worker as far as partition state goes: a producer of its own and the changelog on it."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self.producer = kafka.producer(settings, name)
        builder = partial(kafka.batch, settings, kafka.MAX_REQUEST_BYTES - 65_536)
        writer = kafka.BatchWriter(self.producer, settings)
        self.claims = Claims(self.producer, "hark-score")
        self.log = KafkaChangelog(TOPIC, writer, self.reader, builder, self.claims)

    async def reader(self) -> AIOKafkaConsumer:
        consumer = kafka.reader(self._settings, "reader")
        await consumer.start()
        return consumer

    async def write(self, state: PartitionState, key: bytes, value: bytes | None) -> None:
        """Finish a slice that changes one key."""
        state.begin()
        state.delete(key) if value is None else state.put(key, value)
        state.marks = {"in": state.marks.get("in", -1) + 1}
        await self.log.write(state)
        state.commit()

    async def keys(self, partition: int) -> list[bytes]:
        """Return the keys of every record that still stands in the log."""
        place, found = TopicPartition(TOPIC, partition), list[bytes]()
        consumer = await self.reader()
        try:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end = (await consumer.end_offsets([place]))[place]
            while await consumer.position(place) < end:
                got = await consumer.getmany(place, timeout_ms=200)
                found += [record.key for record in got.get(place, ())]
        finally:
            await consumer.stop()
        return found


@asynccontextmanager
async def two_workers(settings: Settings) -> AsyncIterator[tuple[Worker, Worker]]:
    one, other = Worker(settings, "one"), Worker(settings, "other")
    await asyncio.gather(one.producer.start(), other.producer.start())
    try:
        yield one, other
    finally:
        await asyncio.gather(one.producer.stop(), other.producer.stop())


def test_a_zombie_is_found_out_when_the_broker_has_forgotten_its_producer_id(settings: Settings) -> None:
    """A week without a takeover, and an epoch fences nobody any more: both find out by offsets."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S), two_workers(settings) as (zombie, owner):
            stale = await zombie.log.load(0)
            await zombie.write(stale, b"k", b"old")
            pause, before = 1.0, zombie.log._held[0]
            assert before is not None
            while True:  # each look counts as use, so the next must come later
                await asyncio.sleep(pause)
                state = await owner.log.load(0)
                held = owner.log._held[0]
                if held is not None and held.producer_id != before.producer_id:
                    break
                pause *= 2
            await owner.write(state, b"k", b"new")
            with pytest.raises(PartitionLost):
                await zombie.write(stale, b"k", b"stale")
            with pytest.raises(PartitionLost):
                await owner.write(state, b"other", b"1")
            healed = await owner.log.load(0)
            assert dict(healed.items()) == {b"k": b"new", b"other": b"1"}
            # What compaction would keep of the key is the owner's again.
            assert (await owner.keys(0))[-3:-1].count(b"k") == 1

    asyncio.run(run())


def test_an_owner_writes_on_after_its_sequence_was_forgotten(settings: Settings) -> None:
    """A day without a record in a partition, and the broker has forgotten who wrote to it last."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S), two_workers(settings) as (zombie, owner):
            stale = await zombie.log.load(1)
            await zombie.write(stale, b"k", b"old")
            state = await owner.log.load(1)
            await owner.write(state, b"k", b"new")
            await asyncio.sleep(3.0)  # twice the expiry
            await owner.write(state, b"k", b"newer")
            with pytest.raises(PartitionLost):
                await zombie.write(stale, b"k", b"stale")
            await owner.write(state, b"k", b"newest")
            await asyncio.sleep(3.0)
            with pytest.raises(PartitionLost):
                await zombie.write(stale, b"k", b"stale")
            with pytest.raises(PartitionLost):
                await owner.write(state, b"more", b"1")
            healed = await owner.log.load(1)
            assert healed.get(b"k") == b"newest"

    asyncio.run(run())


def test_what_was_erased_while_a_worker_was_cut_off_stays_erased(settings: Settings) -> None:
    """More than `delete.retention.ms` without a broker: the tombstones of that time are gone."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S), two_workers(settings) as (isolated, owner):
            known = await isolated.log.load(2)
            await isolated.write(known, b"person", b"name")
            state = await owner.log.load(2)
            await owner.write(state, b"person", None)
            while b"person" in await owner.keys(2):
                await owner.write(state, b"beat", b"1")
            back = await isolated.log.load(2, known)
            assert dict(back.items()) == dict(state.items()) == {b"beat": b"1"}
            assert back.marks == state.marks

    asyncio.run(run())


def test_compaction_keeps_the_state_and_the_fences(settings: Settings) -> None:
    """Fences have keys of their own, so that a record of an older owner behind one stays ignored."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S), two_workers(settings) as (one, other):
            state = await one.log.load(3)
            written = 0
            while len(await one.keys(3)) >= written:  # until something was compacted
                state = await (one, other)[written % 2].log.load(3)
                for _ in range(2):
                    await (one, other)[written % 2].write(state, b"k", b"%d" % written)
                written += 6
            keys = await one.keys(3)
            assert len({key for key in keys if key.startswith(FENCE)}) >= 2
            found = await one.log.load(3)
            assert (dict(found.items()), found.marks) == (dict(state.items()), state.marks)

    asyncio.run(run())
