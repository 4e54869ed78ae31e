"""What aiokafka lives by: a broken connection is a Kafka error, and a dead task is noticed."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
)
from aiokafka.protocol.metadata import MetadataRequest

from sinks.base import SinkError
from streams.app import Pulse
from streams.broadcast import CUT_OFF_S, Broadcast
from streams.vital import VitalTaskEnded, ended, heed_closed_transports, of_consumer, waits, watch
from streams.worker import WorkerService


class Connection(AIOKafkaConnection):
    """A connection of its own to mend, the library's stays as it is."""


async def broken(connection: Any) -> None:
    """Connect, break the transport, and write before anybody has noticed."""
    accepted = asyncio.Event()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        accepted.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made = connection("127.0.0.1", server.sockets[0].getsockname()[1], request_timeout_ms=1000)
    made._versions, made._read_task = {MetadataRequest.API_KEY: (0, 4)}, asyncio.create_task(asyncio.sleep(0))
    made._reader, made._writer = await asyncio.open_connection(made.host, made.port)
    await accepted.wait()
    try:
        made._writer.transport.abort()
        await asyncio.sleep(0)
        made.send(MetadataRequest([]))
    finally:
        made.close()
        server.close()


def test_a_write_to_a_connection_that_has_just_broken_is_a_kafka_error() -> None:
    with pytest.raises(RuntimeError, match="closed") as found:
        uvloop.run(broken(AIOKafkaConnection))
    assert type(found.value) is RuntimeError, "aiokafka itself heeds it by now: take ours out"
    heed_closed_transports(Connection)
    once = Connection.send
    heed_closed_transports(Connection)
    assert Connection.send is once
    with pytest.raises(KafkaConnectionError):
        uvloop.run(broken(Connection))


def test_a_task_that_ends_is_named_with_what_ended_it() -> None:
    async def run() -> None:
        async def fails() -> None:
            raise ValueError("why")

        lives, dies = asyncio.create_task(asyncio.sleep(60)), asyncio.create_task(fails())
        tasks = [("one", lives), ("two", None), ("three", dies)]
        assert ended(tasks) is None
        with pytest.raises(VitalTaskEnded, match="three ended: ValueError") as found:
            await asyncio.wait_for(watch(lambda: tasks, 0.0), 10)
        assert isinstance(found.value.__cause__, ValueError)
        lives.cancel()

    asyncio.run(run())


def test_an_error_that_waits_for_a_poll_is_noticed_without_one() -> None:
    async def run() -> None:
        coordinator = SimpleNamespace(_pending_exception=None)
        consumer = SimpleNamespace(
            _client=SimpleNamespace(_sync_task=None), _fetcher=None, _coordinator=coordinator
        )
        assert ended(of_consumer("one", consumer)) is None
        coordinator._pending_exception = GroupAuthorizationFailedError("one")
        assert str(ended(of_consumer("one", consumer))) == (
            "one's membership ended: GroupAuthorizationFailedError"
        )

    asyncio.run(run())


def test_who_waits_is_asked_where() -> None:
    async def run() -> list[str]:
        async def inner() -> None:
            await asyncio.Event().wait()

        async def outer() -> None:
            await inner()

        task = asyncio.create_task(outer())
        await asyncio.sleep(0)
        found = waits(asyncio.get_running_loop())
        task.cancel()
        return [wait for wait in found if "outer" in wait]

    (told,) = asyncio.run(run())
    names, _, line = told.rpartition(":")
    assert [name.rpartition(".")[2] for name in names.split(" > ")] == ["outer", "inner", "wait"]
    assert int(line)


class Reader:
    """Gives nothing three times, then is refused."""

    def __init__(self) -> None:
        self.cluster = SimpleNamespace(_last_successful_refresh_ms=time.time() * 1000)
        self._client = SimpleNamespace(_sync_task=None, cluster=self.cluster)
        self._fetcher = self._coordinator = None
        self.asked = 0

    def assign(self, places: object) -> None:
        """Note nothing."""

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    async def seek_to_beginning(self) -> None:
        """Be there."""

    async def stop(self) -> None:
        """Hold nothing."""

    async def getmany(self, **options: Any) -> dict[Any, list[Any]]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.asked > 3:
            raise TopicAuthorizationFailedError("rules.catalog")
        return {}


def test_a_worker_does_not_live_on_without_new_rules_and_models() -> None:
    async def run() -> None:
        reader = Reader()

        async def opened() -> Reader:
            return reader

        broadcast = Broadcast(opened, {"rules.catalog": lambda key, value: None})
        assert list(broadcast.vital()) == []
        await broadcast.start()
        with pytest.raises(VitalTaskEnded, match="rules and models ended: TopicAuthorizationFailedError"):
            await asyncio.wait_for(watch(broadcast.vital, 0.0), 10)
        await broadcast.stop()

    asyncio.run(run())


def test_a_worker_cut_off_for_hours_reads_rules_and_consents_anew() -> None:
    """Tombstones stay a day: what was deleted meanwhile may never be told."""

    async def run() -> None:
        reader = Reader()
        reader.asked = -1000

        async def opened() -> Reader:
            return reader

        broadcast = Broadcast(opened, {"rules.catalog": lambda key, value: None})
        await broadcast.start()
        assert ended(broadcast.vital()) is None
        reader.cluster._last_successful_refresh_ms -= (CUT_OFF_S + 1) * 1000
        assert str(ended(broadcast.vital())) == "contact with the brokers ended: CutOff"
        await broadcast.stop()

    asyncio.run(run())


def test_a_worker_does_not_live_on_without_an_agents_regular_work() -> None:
    async def run() -> None:
        async def fails() -> None:
            raise SinkError("a table is missing")

        regular = asyncio.create_task(fails())
        app = SimpleNamespace(conf=SimpleNamespace(id="hark-archive"), _consumer=None, should_stop=False)
        runtime = SimpleNamespace(vital=lambda: [])
        service = WorkerService(cast(Any, runtime), [SimpleNamespace(regular=regular)], [app], Pulse(1.0))
        await asyncio.wait([regular])
        assert str(ended(service._vital())) == "regular work of hark-archive ended: SinkError"

    asyncio.run(run())
