"""One running store for all modules that need no store of their own; databases keep them apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databases import fresh, running_store

from ops.embedded.store import EmbeddedStore
from sinks.clickhouse import Client


@pytest.fixture(scope="session")
def store() -> Iterator[EmbeddedStore]:
    """Yield a running store; it starts once a process of the run."""
    with running_store() as store:
        yield store


@pytest.fixture
def client(store: EmbeddedStore) -> Iterator[Client]:
    """Yield a client of a new database with the schema, which is dropped afterwards."""
    client = fresh(store)
    yield client
    client.command(f"DROP DATABASE {client.database} SYNC")
    client.close()
