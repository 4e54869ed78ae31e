"""Rules published on `rules.catalog`, over those every worker starts with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from pydantic import ValidationError

from ops.wiring.log import read, send
from rules.loader import load_catalog
from rules.publish import CatalogRecord
from streams.catalog import SHIPPED
from streams.codec import cloud_event, dumps, loads
from streams.outbox import Outbox
from streams.settings import Settings
from streams.topics import RULES_CATALOG
from streams.whole import Records

AUTHOR = "shipped"
"""Author of the rules a worker starts with."""


class KafkaPublisher:
    """The topic as `rules.publish.Publisher`.

    Shipped rules count as published by `shipped` at the beginning of time, because workers act on them:
    so they can be paused, and a new version must be higher than theirs.

    Parameters
    ----------
    settings
        Broker, and the folder of rules workers start with.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def records(self) -> Iterable[CatalogRecord]:
        """Return every record still known, oldest first; malformed ones are left out, as workers do."""
        return [*self.shipped(), *parsed(read(self._settings, RULES_CATALOG))]

    def shipped(self) -> list[CatalogRecord]:
        """Return the rules workers start with as records."""
        catalog = load_catalog(self._settings.rules_dir or SHIPPED)
        return [
            CatalogRecord(
                rule_id=rule.id,
                version=rule.version,
                state="in_force",
                change="publish",
                author=AUTHOR,
                at=0,
                rule=json.loads(json.dumps(catalog.sources[rule.id].data, default=str)),
            )
            for rule in catalog.rules.values()
        ]

    def send(self, record: CatalogRecord, also: Callable[[Outbox], None] | None = None) -> None:
        """Append a record, with what else belongs to it, and return once every in-sync replica has them."""

        def fill(out: Outbox) -> None:
            ident = f"{record.key}/{record.version}/{record.at}"
            headers = cloud_event("hark.rule.change", f"rules/{record.rule_id}", ident, record.at, ())
            value = dumps(record.model_dump(mode="json"))
            out.placed(RULES_CATALOG, 0, record.key.encode(), value, headers)
            if also is not None:
                also(out)

        send(self._settings, fill)


def parsed(records: Records) -> list[CatalogRecord]:
    """Return the well-formed records of the topic."""
    found = []
    for _, value in records:
        if value is None:
            continue
        try:
            found.append(CatalogRecord.model_validate(loads(value)))
        except (ValidationError, ValueError):
            continue
    return found
