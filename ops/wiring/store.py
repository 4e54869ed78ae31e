"""The store that the settings name, for as long as a command asks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sinks.clickhouse.client import Client, connect
from streams.settings import Settings


@contextmanager
def opened(config: Settings, *, schema: bool = True) -> Iterator[Client]:
    """Yield a client, closed afterwards.

    Parameters
    ----------
    schema
        Whether Hark's database is there; without it the client has the server's own as default.

    Raises
    ------
    SinkError
        When the address does not parse.
    clickhouse_connect.driver.exceptions.ClickHouseError
        When the store does not answer or refuses.
    """
    client = connect(
        config.clickhouse_url,
        config.clickhouse_user,
        config.clickhouse_password.get_secret_value(),
        config.clickhouse_database if schema else "",
    )
    try:
        yield client
    finally:
        client.close()
