"""One running store and a database of its own for whoever asks, filled as the archive fills it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sink_records import a_slice, write

from ops.embedded.store import EmbeddedStore
from sinks.clickhouse import Client, Schema, connect

_serial = itertools.count()


@contextmanager
def running_store(**options: Any) -> Iterator[EmbeddedStore]:
    """Yield a running embedded store."""
    with asyncio.Runner() as runner:
        store = EmbeddedStore(**options)
        runner.run(store.start())
        try:
            yield store
        finally:
            runner.run(store.stop())


def fresh(store: EmbeddedStore) -> Client:
    """Return a client of a new database with the schema."""
    client = connect(store.url)
    Schema(client, f"p{next(_serial)}").migrate()
    return client


def fill(
    store: EmbeddedStore,
    client: Client,
    records: Mapping[str, Sequence[Mapping[str, Any]]],
    partition: int = 0,
) -> None:
    """Write records by topic; each of them becomes a row."""
    slices = [a_slice(topic, rows, partition=partition) for topic, rows in records.items() if rows]
    (written,) = write(store, client, slices)
    assert written.rejected == 0
    assert written.rows == sum(map(len, records.values()))
