"""The media process: follows feedback.raw, publishes follow-ups, commits what it has finished."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiokafka import AIOKafkaConsumer
from prometheus_client import Counter

from ops.media.reading import MediaReader
from streams import kafka
from streams.settings import Settings
from streams.topics import FEEDBACK_RAW

log = logging.getLogger(__name__)

READ = Counter("hark_media_read_total", "Attachments looked at, by kind and outcome.", ["kind", "outcome"])
MOST_RECORDS = 50


class MediaWorker:
    """Reads attachments in a thread, one at a time; more processes share the partitions.

    At least once: a follow-up may be published twice after a crash, with the same id.
    """

    def __init__(self, settings: Settings, reader: MediaReader) -> None:
        self._settings = settings
        self._reader = reader
        self.published = 0

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until `stopped` is set."""
        consumer = AIOKafkaConsumer(
            FEEDBACK_RAW,
            **kafka.consuming(self._settings, "media"),
            group_id=f"{self._settings.client_id}-media",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self._settings.session_timeout_s * 1000),
            # Twenty seconds a picture and fifty records a turn, with room.
            max_poll_interval_ms=1_800_000,
        )
        producer = kafka.producer(self._settings, "media")
        await producer.start()
        try:
            await consumer.start()
            try:
                while not stopped.is_set():
                    for records in (
                        await consumer.getmany(timeout_ms=300, max_records=MOST_RECORDS)
                    ).values():
                        for record in records:
                            await self._take(record, producer)
                        await consumer.commit()
            finally:
                await consumer.stop()
        finally:
            await producer.stop()

    async def _take(self, record: Any, producer: Any) -> None:
        found = await asyncio.to_thread(self._reader.read, record.value, record.timestamp)
        for kind, outcome in found.outcomes:
            READ.labels(kind, outcome).inc()
        if found.value is not None:
            await producer.send_and_wait(FEEDBACK_RAW, found.value, key=record.key)
            self.published += 1
