"""What the agents of one worker process share: settings, clock, producer, layout, broadcasts."""

from __future__ import annotations

from functools import partial

from aiokafka import AIOKafkaConsumer
from aiokafka.producer.message_accumulator import BatchBuilder

from models.clock import Clock
from streams import kafka
from streams.broadcast import Broadcast, Handler
from streams.fence import Claims
from streams.outbox import Layout
from streams.settings import Settings
from streams.snapshots import SnapshotShelf
from streams.state import KafkaChangelog
from streams.tags import LiveTags
from streams.topics import CATALOG, state_topic


class NotReady(RuntimeError):
    """The cluster lacks something a worker needs; the message says what to do."""


class Runtime:
    """Shared parts of a worker process.

    Parameters
    ----------
    settings, clock
        Injected.
    role
        Part of the client id.
    """

    def __init__(self, settings: Settings, clock: Clock, role: str = "worker") -> None:
        self.settings = settings
        self.clock = clock
        self.role = role
        self.producer = kafka.producer(settings, role)
        self.layout = Layout({})
        self.cluster_id = ""
        self.shelf = SnapshotShelf()
        self.tags = LiveTags()
        self._handlers: dict[str, Handler] = {}
        self._broadcast: Broadcast | None = None

    def follow(self, topic: str, handler: Handler) -> None:
        """Have every record of a broadcast topic handed to `handler`, from the beginning."""
        self._handlers[topic] = handler

    def changelog(self, agent: str) -> KafkaChangelog:
        """Return the changelog of an agent's partition state."""
        builder = partial(BatchBuilder, kafka.MAX_REQUEST_BYTES - 65_536, kafka.codec_of(self.settings))
        claims = Claims(self.producer, f"{self.settings.client_id}-{agent}")
        return KafkaChangelog(state_topic(agent), self.producer, self.open_reader, builder, claims)

    async def open_reader(self) -> AIOKafkaConsumer:
        """Return a started consumer without a group."""
        consumer = kafka.reader(self.settings, f"{self.role}-reader")
        await consumer.start()
        return consumer

    async def connect(self) -> None:
        """Start the producer and learn the topics' partition counts.

        Raises
        ------
        NotReady
            When topics are missing.
        """
        await self.producer.start()
        found = await self.producer.client.fetch_all_metadata()
        counts = {name: len(found.partitions_for_topic(name) or ()) for name in found.topics()}
        if missing := [topic.name for topic in CATALOG if not counts.get(topic.name)]:
            raise NotReady(f"topics are missing ({', '.join(missing[:4])}…): run `hark topics apply` first")
        self.layout = Layout(counts)
        client = kafka.admin(self.settings, self.role)
        try:
            await client.start()
            self.cluster_id = str((await client.describe_cluster()).get("cluster_id") or "")
        finally:
            await client.close()

    async def start_broadcast(self) -> None:
        """Read the broadcast topics and follow them from then on."""
        self._broadcast = Broadcast(self.open_reader, self._handlers)
        await self._broadcast.start()

    async def close(self) -> None:
        """Stop following and flush the producer."""
        if self._broadcast is not None:
            await self._broadcast.stop()
        await self.producer.stop()
