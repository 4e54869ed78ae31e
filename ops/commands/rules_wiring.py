"""`hark rules` on the broker and the store the settings name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ops.commands.rules import Wiring, app, why, wiring
from ops.failures import settings
from ops.wiring.catalog import KafkaPublisher
from ops.wiring.history import history
from rules.publish import Publisher
from sinks.clickhouse.client import connect


def wire(onto: Wiring = wiring) -> None:
    """Set what the commands connect to; settings are read and connections made when a command asks."""

    def publisher() -> Publisher:
        config = settings()
        onto.needs_approval = config.rules_approval
        return KafkaPublisher(config)

    onto.publisher = publisher
    onto.history = _history


def _history(customer: str | None) -> Iterable[dict[str, Any]]:
    config = settings()
    password = config.clickhouse_password.get_secret_value()
    client = connect(config.clickhouse_url, config.clickhouse_user, password, config.clickhouse_database)
    try:
        yield from history(client, customer)
    finally:
        client.close()


wire()

__all__ = ["app", "why", "wire"]
