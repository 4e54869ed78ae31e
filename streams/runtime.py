"""What the agents of one worker process share: settings, clock, producer, layout, broadcasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from models.clock import Clock
from streams import kafka
from streams.broadcast import Broadcast, Handler
from streams.fence import Claims
from streams.outbox import Layout
from streams.readiness import NotReady, patiently
from streams.records import as_parsed
from streams.settings import Settings
from streams.snapshots import SnapshotShelf
from streams.state import KafkaChangelog
from streams.tags import LiveTags
from streams.topics import needed_by, read_by, state_topic
from streams.vital import Vital, of_producer

CHECK_MS = 100
"""How long an input is asked for a record; a refusal comes at once."""


class Runtime:
    """Shared parts of a worker process.

    Parameters
    ----------
    settings, clock
        Injected.
    role
        Part of the client id.
    producer
        Not started yet; one as the settings say when None.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        role: str = "worker",
        producer: AIOKafkaProducer | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.role = role
        self.producer = producer or kafka.producer(settings, role)
        self.batches = kafka.BatchWriter(self.producer, settings)
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
        builder = partial(kafka.batch, self.settings, kafka.MAX_REQUEST_BYTES - 65_536)
        claims = Claims(self.producer, f"{self.settings.client_id}-{agent}")
        return KafkaChangelog(state_topic(agent), self.batches, self.open_reader, builder, claims)

    async def open_reader(self) -> AIOKafkaConsumer:
        """Return a started consumer without a group, whose records are as `streams.records` says."""
        consumer = kafka.reader(self.settings, f"{self.role}-reader", key_deserializer=as_parsed)
        await consumer.start()
        return consumer

    async def connect(self, agents: Sequence[str]) -> None:
        """Start the producer and learn the topics' partition counts; waits for brokers and topics.

        Raises
        ------
        aiokafka.errors.TopicAuthorizationFailedError
            When one of the agents may not read an input: a consumer in a group would wait for ever
            without a word (decision record 0002).
        """
        await patiently(f"Kafka at {self.settings.broker}", self._reach)
        await patiently("topics", partial(self._learn_layout, agents))
        if self.settings.sasl_username or self.settings.ssl_cert:
            await self._check_readable(agents)

    async def _reach(self) -> None:
        try:
            await self.producer.start()
        except KafkaConnectionError as error:
            raise NotReady("no broker answers; check HARK_BROKER and how to log in") from error

    async def _learn_layout(self, agents: Sequence[str]) -> None:
        try:
            found = await self.producer.client.fetch_all_metadata()
            client = kafka.admin(self.settings, self.role)
            try:
                await client.start()
                self.cluster_id = str((await client.describe_cluster()).get("cluster_id") or "")
            finally:
                await client.close()
        except KafkaError as error:
            raise NotReady(f"the brokers do not say what they have: {type(error).__name__}") from error
        counts = {name: len(found.partitions_for_topic(name) or ()) for name in found.topics()}
        if missing := [topic.name for topic in needed_by(agents) if not counts.get(topic.name)]:
            raise NotReady(
                f"{len(missing)} topics are missing or hidden by ACLs ({', '.join(missing[:4])}…): "
                "run `hark topics apply`"
            )
        self.layout = Layout(counts)

    async def _check_readable(self, agents: Sequence[str]) -> None:
        consumer = kafka.reader(self.settings, f"{self.role}-check", fetch_max_wait_ms=1)
        try:
            await consumer.start()
            places = [TopicPartition(name, 0) for agent in agents for name in read_by(agent)]
            consumer.assign(sorted(set(places)))
            for place in consumer.assignment():
                await consumer.getmany(place, timeout_ms=CHECK_MS, max_records=1)
        finally:
            await consumer.stop()

    async def start_broadcast(self) -> None:
        """Read the broadcast topics and follow them from then on."""
        self._broadcast = Broadcast(self.open_reader, self._handlers)
        await self._broadcast.start()

    def vital(self) -> Iterator[Vital]:
        """Yield the tasks that all agents live by."""
        yield from of_producer(self.producer)
        if self._broadcast is not None:
            yield from self._broadcast.vital()

    async def close(self) -> None:
        """Stop following and flush the producer."""
        if self._broadcast is not None:
            await self._broadcast.stop()
        await self.producer.stop()
