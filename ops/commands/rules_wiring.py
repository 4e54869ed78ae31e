"""`hark rules` on the broker and the store the settings name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from models.events.decision import Arm, Suppression
from ops.commands.rules import Wiring, app, why, wiring
from ops.failures import settings
from ops.wiring.catalog import KafkaPublisher
from ops.wiring.history import history
from rules.publish import Publisher
from rules.why import Kept
from sinks.clickhouse.client import Client, connect

_DECISIONS = """SELECT feedback_id, rule_id, arm, reason, rule_version FROM decisions FINAL
WHERE customer_id = {customer:String} ORDER BY decided_at"""


def wire(onto: Wiring = wiring) -> None:
    """Set what the commands connect to; settings are read and connections made when a command asks."""

    def publisher() -> Publisher:
        config = settings()
        onto.needs_approval = config.rules_approval
        return KafkaPublisher(config)

    onto.publisher = publisher
    onto.history = _history
    onto.decisions = _decisions


def _history(customer: str | None) -> Iterable[dict[str, Any]]:
    with _store() as client:
        yield from history(client, customer)


def _decisions(customer: str) -> Iterable[tuple[str, Kept]]:
    with _store() as client:
        rows = client.query(_DECISIONS, parameters={"customer": customer}).result_rows
    for identity, rule_id, arm, reason, version in rows:
        yield str(identity), Kept(str(rule_id), Arm(arm), Suppression(reason), int(version))


@contextmanager
def _store() -> Iterator[Client]:
    config = settings()
    password = config.clickhouse_password.get_secret_value()
    client = connect(config.clickhouse_url, config.clickhouse_user, password, config.clickhouse_database)
    try:
        yield client
    finally:
        client.close()


wire()

__all__ = ["app", "why", "wire"]
