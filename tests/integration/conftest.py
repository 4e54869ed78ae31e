"""One store for all modules that need none of their own; the command line on a module's broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from databases import fresh, running_store
from typer.testing import CliRunner

from ops.cli import app
from ops.embedded.store import EmbeddedStore
from sinks.clickhouse import Client
from streams.settings import Settings


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


@pytest.fixture
def hark(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return the command line against the broker of the module's `settings`; gives what it printed."""
    monkeypatch.setenv("HARK_BROKER", settings.broker)
    monkeypatch.setenv("HARK_PARTITIONS", str(settings.partitions))

    def run(*words: str, ok: bool = True) -> str:
        result = CliRunner().invoke(app, words)
        assert (result.exit_code == 0) is ok, result.output
        return result.output

    return run
