"""Apache Kafka from its own jars: serves, survives kills and freezes, keeps strangers out."""

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from ops.kafka.acls import Grant, Operation, Resource, allow
from ops.kafka.cluster import Cluster

pytestmark = pytest.mark.kafka

USERS = ("intake", "score")


@pytest.fixture(scope="module")
def single(kafka_available: None) -> Iterator[Cluster]:
    with Cluster(nodes=1) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def locked(kafka_available: None) -> Iterator[Cluster]:
    with Cluster(nodes=1, tls=True, sasl=True, acls=True, users=USERS) as cluster:
        asyncio.run(create(cluster.client_settings(), "feedback.raw"))
        yield cluster


async def create(settings: dict[str, Any], topic: str, copies: int = 1) -> None:
    admin = AIOKafkaAdminClient(**settings)
    try:
        await admin.start()
        answer = await admin.create_topics([NewTopic(topic, 2, copies)])
        assert [error[1] for error in answer.topic_errors] == [0]
    finally:
        await admin.close()


async def produce(settings: dict[str, Any], topic: str, values: list[bytes], patient: bool = False) -> None:
    # An idempotent producer retries until the batch is in, however long the election takes.
    producer = AIOKafkaProducer(**settings, acks="all", request_timeout_ms=4_000, enable_idempotence=patient)
    try:
        await producer.start()
        async with asyncio.timeout(90):
            for value in values:
                await producer.send_and_wait(topic, value, partition=0)
    finally:
        await producer.stop()


async def read(settings: dict[str, Any], topic: str, wanted: int, group: str | None = None) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic, **settings, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        await consumer.start()
        found: list[bytes] = []
        async with asyncio.timeout(30):
            while len(found) < wanted:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [record.value for record in records]
        return found
    finally:
        await consumer.stop()


def test_one_node_serves_and_reports_its_start_time(single: Cluster) -> None:
    settings = single.client_settings()
    asyncio.run(create(settings, "served"))
    before = single.log_bytes()
    asyncio.run(produce(settings, "served", [b"1", b"2"]))
    assert 2 <= single.log_bytes() - before < 1_000
    assert asyncio.run(read(settings, "served", 2)) == [b"1", b"2"]
    assert 0 < single.start_seconds < 90
    assert single.bootstrap.startswith("127.0.0.1:")


def test_a_killed_node_is_gone_and_comes_back_with_its_data(single: Cluster) -> None:
    settings = single.client_settings()
    asyncio.run(create(settings, "kept"))
    asyncio.run(produce(settings, "kept", [b"before"]))
    single.kill(1)
    with pytest.raises(KafkaConnectionError):
        asyncio.run(read(settings, "kept", 1))
    single.restart(1)
    assert asyncio.run(read(settings, "kept", 1)) == [b"before"]


def test_three_nodes_go_on_without_one(kafka_available: None) -> None:
    async def all_of_it(cluster: Cluster) -> list[bytes]:
        settings = cluster.client_settings()
        await create(settings, "replicated", copies=3)
        await produce(settings, "replicated", [b"three"])
        cluster.kill(1)
        await produce(settings, "replicated", [b"two"], patient=True)
        cluster.restart(1)
        cluster.pause(2)
        await produce(settings, "replicated", [b"frozen"], patient=True)
        cluster.resume(2)
        return await read(settings, "replicated", 3)

    with Cluster(nodes=3) as cluster:
        assert cluster.node_ids == [1, 2, 3]
        assert asyncio.run(all_of_it(cluster)) == [b"three", b"two", b"frozen"]


def test_acls_let_only_intake_read_raw_feedback(locked: Cluster) -> None:
    grants = [
        Grant("intake", Resource.TOPIC, "feedback.raw", (Operation.READ,)),
        Grant("intake", Resource.GROUP, "hark-", (Operation.READ,), prefixed=True),
        Grant("score", Resource.GROUP, "hark-", (Operation.READ,), prefixed=True),
    ]
    assert asyncio.run(allow(locked.client_settings(), grants)) == 3
    asyncio.run(produce(locked.client_settings(), "feedback.raw", [b"{}"]))
    intake, score = locked.client_settings("intake"), locked.client_settings("score")
    assert asyncio.run(read(intake, "feedback.raw", 1, "hark-intake")) == [b"{}"]
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(read(score, "feedback.raw", 1))
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(produce(intake, "feedback.raw", [b"{}"]))
    with pytest.raises(GroupAuthorizationFailedError):
        asyncio.run(read(intake, "feedback.raw", 1, "another-group"))


def test_a_wrong_password_is_refused(locked: Cluster) -> None:
    settings = locked.client_settings("score") | {"sasl_plain_password": "made-up"}
    with pytest.raises(KafkaError):
        asyncio.run(produce(settings, "feedback.raw", [b"{}"]))


def test_a_client_that_trusts_another_authority_does_not_connect(locked: Cluster) -> None:
    settings = locked.client_settings() | {"ssl_context": ssl.create_default_context()}
    with pytest.raises(KafkaConnectionError):
        asyncio.run(produce(settings, "feedback.raw", [b"{}"]))


def test_passwords_are_in_no_log_and_no_settings_file(locked: Cluster) -> None:
    folder = locked.log_of(1).parent
    text = "".join(path.read_text(errors="replace") for path in folder.iterdir() if path.is_file())
    assert "Kafka Server started" in text
    assert not [user for user, password in locked.passwords.items() if password in text]
