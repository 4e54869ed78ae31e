"""What aiokafka lives by: a broken connection is a Kafka error, and a dead task is noticed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from streams.vital import VitalTaskEnded, ended, heed_closed_transports, watch


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
        with pytest.raises(VitalTaskEnded, match="three ended: ValueError"):
            await asyncio.wait_for(watch(lambda: tasks, 0.0), 10)
        lives.cancel()

    asyncio.run(run())
