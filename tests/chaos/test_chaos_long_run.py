"""Workers that run for days, on brokers whose days are seconds: the books must agree all the same."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from chaos_arena import CHAIN, Arena, until
from chaos_play import SEED, Play, Report, join_and_leave
from chaos_store_proxy import Fault
from chaos_traffic import Traffic
from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient

from streams import kafka
from streams.topics import CATALOG, FEEDBACK_MASKED, FEEDBACK_RAW

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_available")]

HURRY = {
    "connections.max.idle.ms": "1000",  # 10 minutes
    "log.roll.ms": "500",  # 7 days
    "log.retention.check.interval.ms": "300",  # 5 minutes
    "log.initial.task.delay.ms": "300",  # half a minute
    "log.segment.delete.delay.ms": "100",  # a minute
    "log.cleaner.backoff.ms": "200",  # 15 s
    "log.cleaner.delete.retention.ms": "100",  # a day
    "producer.id.expiration.ms": "1000",  # a day
    "producer.id.expiration.check.interval.ms": "300",  # 10 minutes
    "transactional.id.expiration.ms": "1000",  # 7 days
    "transaction.remove.expired.transaction.cleanup.interval.ms": "300",  # an hour
}
PACE = 500.0
"""Seconds without a poll that one is counted as."""
KEPT_MS = 30 * 86_400_000
"""Events of the harness are dated back."""
QUIET_S = 3.0
"""Longer than connections stay open and producers are known."""
DELETED = [topic for topic in CATALOG if not topic.compacted]


async def retain(arena: Arena, retention_ms: int) -> None:
    """Set how long logs that are not compacted are kept."""
    client = kafka.admin(arena.settings)
    await client.start()
    try:
        kept = {"retention.ms": str(retention_ms)}
        named = [ConfigResource(ConfigResourceType.TOPIC, topic.name, kept) for topic in DELETED]
        await client.alter_configs(named)
    finally:
        await client.close()


async def empty(arena: Arena) -> bool:
    """Tell whether retention has taken all that stood on the way of an event."""
    consumer = kafka.reader(arena.settings, "test")
    await consumer.start()
    try:
        names = ("feedback.raw", "feedback.masked", "feedback.scored", "decisions")
        places = [TopicPartition(name, p) for name in names for p in range(arena.settings.partitions)]
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return all(begins[place] == ends[place] for place in places)


async def days_pass(arena: Arena) -> None:
    """Let nothing happen: logs are emptied, what is idle is cut, producers are forgotten."""
    await retain(arena, 100)
    await until("the logs are empty", 60, lambda: empty(arena), 0.5)
    await retain(arena, KEPT_MS)
    arena.proxy.play(Fault.NONE)  # cuts open connections
    await asyncio.sleep(QUIET_S)


async def forget_offsets(arena: Arena) -> None:
    """Stop all workers for longer than `offsets.retention.minutes`, then start them again."""
    for worker in arena.workers:
        worker.wanted = False
        worker.signal(signal.SIGTERM)
    await until("all workers ended", 30, lambda: not any(worker.alive for worker in arena.workers))
    groups = [f"{arena.settings.client_id}-{agent}" for agent in CHAIN]
    client = AdminClient({"bootstrap.servers": arena.settings.broker})
    await until("the groups are gone", 30, lambda: asyncio.to_thread(deleted, client, groups), 0.5)
    for worker in arena.workers:
        worker.wanted = True
        await arena.launch(worker)


def deleted(client: AdminClient, groups: list[str]) -> bool:
    """Delete groups; False while a member with a name may still come back."""
    answers = client.delete_consumer_groups(groups).values()
    problems = [answer.exception(30) for answer in answers]
    return not any(found and found.args[0].code() == KafkaError.NON_EMPTY_GROUP for found in problems)


async def store_away_for_an_hour(play: Play) -> None:
    """Make the store refuse while workers do not poll because they hold all they may."""
    play.arena.proxy.play(Fault.REFUSE)
    await asyncio.sleep(3600 / PACE)
    play.arena.proxy.play(Fault.NONE)


def test_days_change_no_result(tmp_path: Path, chaos_report: Report) -> None:
    """Idle connections, empty logs, forgotten producers and offsets, a store away for an hour."""

    async def run() -> None:
        settings = {"HARK_ARCHIVE_MAX_ROWS": "50"}
        async with Arena(tmp_path, settings=settings, properties=HURRY) as arena:
            arena.pace = PACE
            play = Play(arena, SEED, chaos_report)
            await play.begin()
            await play.round(0, [])
            await days_pass(arena)
            await play.round(1, [join_and_leave])
            await play.round(2, [store_away_for_an_hour])
            await days_pass(arena)
            for worker in arena.workers:
                worker.signal(signal.SIGKILL)
            await play.round(3, [])
            await days_pass(arena)
            await forget_offsets(arena)
            await play.round(4, [])

    asyncio.run(run())


def test_connections_that_brokers_end_change_no_result(tmp_path: Path, chaos_report: Report) -> None:
    """No client logs in again in time (KIP-368), so the broker cuts connections in use."""

    async def run() -> None:
        async with Arena(tmp_path, locked=True, properties={"connections.max.reauth.ms": "25000"}) as arena:
            play = Play(arena, SEED, chaos_report)
            await play.begin()
            for number in range(4):
                await play.round(number, [])

    asyncio.run(run())


def test_what_retention_takes_unread_is_told(tmp_path: Path, chaos_report: Report) -> None:
    """An agent that is away for longer than its input is kept goes on with what there is, and says so."""

    async def run() -> None:
        async with Arena(tmp_path, properties=HURRY, watched=()) as arena:
            traffic = Traffic(SEED, arena.settings.partitions, int(time.time() * 1000))
            worker = await arena.add("late", ("intake",))

            await arena.publish(FEEDBACK_RAW, traffic.round(0, 100))
            await until("it was read", 60, lambda: arena.watcher.appended(FEEDBACK_MASKED), 0.5)
            worker.wanted = False
            worker.signal(signal.SIGTERM)
            await until("it ended", 30, lambda: not worker.alive)
            await arena.publish(FEEDBACK_RAW, traffic.round(1, 100))
            await days_pass(arena)
            await arena.publish(FEEDBACK_RAW, traffic.round(2, 100))
            await arena.launch(worker)
            await until("it is told", 60, lambda: "will not be read" in worker.log.read_text())
            ends, faults = arena.ends.told()
            chaos_report(f"ends: {ends}")
            assert not faults

    asyncio.run(run())
