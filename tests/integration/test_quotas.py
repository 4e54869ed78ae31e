"""Quotas of the access control file on a real broker: they hold, they go, and what they delay is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import DescribeClientQuotasRequest

from ops.kafka.cluster import Cluster
from ops.topic_admin import apply, apply_acls
from streams import kafka
from streams.settings import Settings

pytestmark = pytest.mark.kafka

USER, OTHER = "hark-producers", "hark-score"
EXACT = 0
"""Of the request: entities of exactly this name."""


@pytest.fixture(scope="module")
def cluster(kafka_available: None) -> Iterator[Cluster]:
    with Cluster(nodes=1, tls=True, sasl=True, acls=True, users=[USER, OTHER]) as cluster:
        asyncio.run(apply(settings(cluster, "admin")))
        yield cluster


def settings(cluster: Cluster, user: str) -> Settings:
    return Settings.model_validate({
        "broker": cluster.bootstrap, "security_protocol": "SASL_SSL", "ssl_ca": str(cluster.ca_file),
        "sasl_username": user, "sasl_password": cluster.passwords[user], "partitions": 2,
    })  # fmt: skip


async def quotas_of(cluster: Cluster, user: str) -> dict[str, float]:
    client = AIOKafkaClient(**cluster.client_settings())
    await client.bootstrap()
    try:
        request = DescribeClientQuotasRequest([("user", EXACT, user)], True)
        answer = await client.send(client.get_random_node(), request)
        return {key: value for _, values in answer.entries or () for key, value in values}
    finally:
        await client.close()


async def become(cluster: Cluster, user: str, wanted: dict[str, float]) -> None:
    """Wait until the broker has read from the controller's log what was set."""
    async with asyncio.timeout(20):
        while await quotas_of(cluster, user) != wanted:
            await asyncio.sleep(0.05)


async def publish(cluster: Cluster, values: list[bytes]) -> tuple[int, int]:
    """Send values one after the other; returns the last offset and how many ms the broker asked to wait."""
    producer: AIOKafkaProducer = kafka.producer(settings(cluster, USER), "quota")
    await producer.start()
    asked, send = 0, producer.client.send

    async def watched(*args: Any, **kwargs: Any) -> Any:
        nonlocal asked
        answer = await send(*args, **kwargs)
        asked += getattr(answer, "throttle_time_ms", 0)
        return answer

    producer.client.send = watched
    try:
        async with asyncio.timeout(120):
            for value in values:
                last = await producer.send_and_wait("feedback.raw", value, key=b"k", partition=0)
        return last.offset, asked
    finally:
        await producer.stop()


def test_a_quota_delays_loses_nothing_and_is_gone_when_the_file_no_longer_has_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    path, admin = tmp_path / "acls.yaml", settings(cluster, "admin")
    may = "write: [feedback.raw]"
    values = [Random(i).randbytes(40_000) for i in range(6)]  # nothing to compress

    path.write_text(f"users: {{{USER}: {{{may}, quota: {{produce_bytes: 20000, request_percent: 150}}}}}}")
    assert asyncio.run(apply_acls(admin, path)) == (1, 1)
    asyncio.run(become(cluster, USER, {"producer_byte_rate": 20_000.0, "request_percentage": 150.0}))
    assert asyncio.run(quotas_of(cluster, OTHER)) == {}
    offset, asked = asyncio.run(publish(cluster, values))
    assert offset == len(values) - 1
    assert asked > 0

    path.write_text(f"users: {{{USER}: {{{may}, quota: {{request_percent: 150}}}}}}")
    asyncio.run(apply_acls(admin, path))
    asyncio.run(become(cluster, USER, {"request_percentage": 150.0}))

    path.write_text(f"users: {{{USER}: {{{may}}}}}")
    assert asyncio.run(apply_acls(admin, path)) == (1, 0)
    assert asyncio.run(quotas_of(cluster, USER)) == {"request_percentage": 150.0}
