"""Kafka clients as the settings say: one producer a process, plain consumers, admin."""

from __future__ import annotations

import ssl
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.helpers import create_ssl_context
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.settings import Settings
from streams.vital import close_at_once

MAX_BATCH_BYTES = 262_144
MAX_REQUEST_BYTES = 8_388_608
"""A state batch must go as one record batch to be atomic; topics `state.*` accept this much."""

METADATA_MAX_AGE_MS = 5_000
"""aiokafka looks for no new leader when asking for an offset fails with NotLeaderForPartition: after a
broker's death a partition without a commit stood still until the next refresh, five minutes by default."""


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context, or None where the protocol has no TLS."""
    if "SSL" not in settings.security_protocol.split("_"):
        return None
    close_at_once()
    context: ssl.SSLContext = create_ssl_context(
        cafile=str(settings.ssl_ca) if settings.ssl_ca else None,
        certfile=str(settings.ssl_cert) if settings.ssl_cert else None,
        keyfile=str(settings.ssl_key) if settings.ssl_key else None,
    )
    return context


def connection(settings: Settings, role: str) -> dict[str, Any]:
    """Return the keyword arguments every aiokafka client shares."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.broker,
        "client_id": f"{settings.client_id}-{role}",
        "security_protocol": settings.security_protocol,
        "ssl_context": ssl_context(settings),
        "metadata_max_age_ms": METADATA_MAX_AGE_MS,
    }
    if settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value(),
        }
    return options


def consuming(settings: Settings, role: str) -> dict[str, Any]:
    """Return the keyword arguments of consumers, which may read from a replica in their rack (KIP-392)."""
    return {**connection(settings, role), "client_rack": settings.client_rack or None}


_CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
SMALL_BATCH_BYTES = 8_192
"""Batches of fewer bytes go uncompressed: setting up a codec costs more than it saves, on both sides.
At 300 events/s a worker spent 2.2 ms an event with every batch compressed, 1.9 with none."""


def batch(settings: Settings, most: int, size: int) -> BatchBuilder:
    """Return an empty record batch.

    Parameters
    ----------
    most
        Bytes it may grow to.
    size
        Bytes of keys and values meant for it; decides whether it is compressed.
    """
    return BatchBuilder(most, _CODECS[settings.compression] if size >= SMALL_BATCH_BYTES else 0)


class BatchWriter:
    """An aiokafka producer's batches, compressed where that is worth it."""

    def __init__(self, producer: AIOKafkaProducer, settings: Settings) -> None:
        self._settings = settings
        self._producer = producer

    def create_batch(self, size: int) -> BatchBuilder:
        """Return an empty record batch for about `size` bytes."""
        return batch(self._settings, MAX_BATCH_BYTES, size)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Any:
        """Queue a batch; the awaitable's result is the future of its confirmation."""
        return await self._producer.send_batch(batch, topic, partition=partition)


def producer(settings: Settings, role: str) -> AIOKafkaProducer:
    """Return a producer that confirms every batch on all in-sync replicas."""
    return AIOKafkaProducer(
        **connection(settings, role),
        acks="all",
        compression_type=settings.compression if settings.compression != "none" else None,
        linger_ms=settings.linger_ms,
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
        request_timeout_ms=30_000,
    )


def reader(settings: Settings, role: str, **options: Any) -> AIOKafkaConsumer:
    """Return a consumer without a group, for topics every process reads whole."""
    return AIOKafkaConsumer(
        **consuming(settings, role),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_REQUEST_BYTES,
        **options,
    )


def admin(settings: Settings, role: str = "admin") -> AIOKafkaAdminClient:
    """Return an admin client."""
    return AIOKafkaAdminClient(**connection(settings, role))
