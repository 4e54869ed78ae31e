"""One Faust app an agent: its own consumer group, so agents scale, fail and are authorised apart.

A worker process runs any choice of agents in one event loop with one producer (decision record
0002: several apps in one process cost 2 MB and no thread each).
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol

import faust
from yarl import URL

from streams.dead_letters import StopStream
from streams.kafka import consuming
from streams.polls import Fetched, PartitionLost, Poll, each_poll
from streams.runner import SliceRunner
from streams.settings import Settings
from streams.slices import PromptTableManager, SliceTransport
from streams.suspects import Suspicion, take_watched
from streams.ticks import TimedRunner

log = logging.getLogger(__name__)


def group_of(settings: Settings, agent: str) -> str:
    """Return the consumer group of an agent."""
    return f"{settings.client_id}-{agent}"


class Frozen(StopStream):
    """The process stood still past its session: what it holds may belong to another worker by now."""


uptime = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
"""Seconds that count on while the machine is suspended, as Linux's monotonic clock does not."""


class Pulse:
    """Notices when the event loop stood still (SIGSTOP, a suspended machine).

    Parameters
    ----------
    limit
        Seconds of standstill after which the session must be taken for lost.
    now
        Seconds, through suspensions too.

    Attributes
    ----------
    turn
        Held by the one suspect of the process that is at work, see `streams.suspects`.
    """

    def __init__(self, limit: float, now: Callable[[], float] = uptime) -> None:
        self._limit = limit
        self._now = now
        self._last = now()
        self.freezes = 0
        self.turn = asyncio.Lock()

    def check(self) -> int:
        """Return how many standstills there were up to now."""
        now = self._now()
        if now - self._last > self._limit:
            self.freezes += 1
        self._last = now
        return self.freezes

    async def beat(self) -> None:
        """Check five times a limit, forever."""
        while True:
            self.check()
            await asyncio.sleep(self._limit / 5)


class Handler(Protocol):
    """What an agent does with slices: `SliceRunner`, or one that gathers several before it acks."""

    patience_ms: int
    """Shortest time between two polls, and longest a broker may hold an empty fetch; 0 takes the settings."""
    regular: asyncio.Task[None] | None
    """What it does at intervals; the worker must not go on without, so nothing else may end it."""
    drain_seconds: float
    """Longest wait at a rebalance for slices begun; 0 where another owner may just as well redo them."""

    async def start(self) -> None:
        """Prepare before the first slice."""
        ...

    async def stop(self) -> None:
        """Finish what was taken."""
        ...

    def assigned(self, partitions: Iterable[int]) -> None:
        """Note a new assignment."""
        ...

    async def take(self, slices: Sequence[Fetched], owned: Callable[[], bool]) -> None:
        """Process what a poll brought and ack each slice, now or later."""
        ...


def create_app(
    settings: Settings, agent: str, topics: Sequence[str], handler: Handler, pulse: Pulse
) -> faust.App:
    """Return the Faust app of one agent.

    Parameters
    ----------
    topics
        What it reads; what a poll brings goes to `handler`, one poll at a time.
    """
    brokers = [URL(f"kafka://{address.strip()}") for address in settings.broker.split(",")]
    app = faust.App(
        group_of(settings, agent),
        broker=brokers,
        autodiscover=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        store="memory://",
        datadir=tempfile.gettempdir(),
        TableManager=PromptTableManager,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=f"{settings.worker_name}-{agent}" if settings.worker_name else None,
        broker_max_poll_records=settings.max_poll_records,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 4,
        broker_rebalance_timeout=max(15.0, settings.session_timeout_s),
        broker_request_timeout=max(30.0, settings.session_timeout_s + 5),
        broker_commit_interval=0.5,
        stream_wait_empty=True,
        stream_buffer_maxsize=4,
    )
    app.transport = SliceTransport(brokers, app, loop=asyncio.get_event_loop())
    app.client_options = consuming(settings, agent) | {
        "fetch_max_wait_ms": max(settings.fetch_max_wait_ms, handler.patience_ms)
    }
    app.poll_seconds = max(settings.poll_ms, handler.patience_ms) / 1000.0
    app.drain_seconds = handler.drain_seconds
    app.agent_name = agent
    app.copartitioned = isinstance(handler, SliceRunner) and handler.stateful

    async def note_assignment(sender: Any, **kwargs: Any) -> None:
        handler.assigned({tp.partition for tp in app.consumer.assignment()})

    async def note_revocation(sender: Any, revoked: Any, **kwargs: Any) -> None:
        if isinstance(handler, TimedRunner):
            await handler.revoked()

    # Faust sends its signal `on_partitions_assigned` while the flow resumes beside it: what a handler had
    # taken of the new generation by then would be forgotten, and never acked. This one it awaits before.
    app.on_rebalance_complete.connect(note_assignment, weak=False)
    app.on_partitions_revoked.connect(note_revocation, weak=False)

    def ownership(generation: int) -> Callable[[], bool]:
        freezes = pulse.freezes

        def owned() -> bool:
            if pulse.check() != freezes:
                raise Frozen(f"{agent} was frozen for longer than its session; restart to rejoin")
            return bool(app.consumer_generation_id == generation)

        return owned

    async def take(poll: Poll) -> None:
        owned, plain = ownership(poll.generation), []
        try:
            for one in poll.slices:
                one.begun = True
                if (suspicion := suspects(one)) is None or not isinstance(handler, SliceRunner):
                    plain.append(one)
                    continue
                note = partial(app.consumer.note, one.place, poll.generation)
                await take_watched(handler, one, owned, suspicion, pulse.turn, note)
                if suspicion.left <= 0:
                    app.consumer.suspects.pop(one.place, None)
            if plain:
                await handler.take(plain, owned)
        except PartitionLost as lost:
            if app.consumer_generation_id == poll.generation:
                # Nobody will redeliver the slices to this generation, so only a restart is safe.
                raise Frozen(f"{lost}; restart to rejoin") from lost
            raise

    def suspects(one: Fetched) -> Suspicion | None:
        found: Suspicion | None = app.consumer.suspects.get(one.place)
        return found

    if isinstance(handler, TimedRunner):
        handler.bind(lambda: ownership(app.consumer_generation_id), app.crash)

    async def body(stream: Any) -> None:
        await each_poll(app, stream, take)

    app.agent(app.topic(*topics, key_serializer="raw", value_serializer="raw"), name=agent)(body)
    app.finalize()
    return app
