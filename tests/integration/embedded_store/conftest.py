"""A store with a password and a reader, and a table in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from asking import PASSWORD, READER, READER_PASSWORD, USER, connect
from clickhouse_connect.driver.client import Client

from ops.embedded.store import EmbeddedStore


@pytest.fixture(scope="session")
def store() -> Iterator[EmbeddedStore]:
    """Yield the store; it starts once a process of the run."""
    with asyncio.Runner() as runner:
        store = EmbeddedStore(user=USER, password=PASSWORD, readers={READER: READER_PASSWORD})
        runner.run(store.start())
        yield store
        runner.run(store.stop())


@pytest.fixture
def client(store: EmbeddedStore) -> Iterator[Client]:
    """Yield a client and an empty table `t`."""
    client = connect(store)
    columns = "a UInt64, b String, d DateTime64(3, 'UTC')"
    client.command(f"CREATE TABLE t ({columns}) ENGINE = MergeTree ORDER BY a")
    yield client
    client.command("DROP TABLE t SYNC")
    client.close()
