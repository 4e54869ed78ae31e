"""The live rule catalogue of a worker: records of `rules.catalog`, applied as they arrive."""

from __future__ import annotations

import logging
from pathlib import Path

from rules.engine import Engine
from rules.loader import Catalog, load_catalog, rule_from_record
from rules.source import RuleError
from streams import metrics
from streams.codec import loads

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parent.parent / "rules" / "catalog"


class LiveCatalog:
    """Keeps an engine on the newest valid catalogue; a bad record changes nothing and is reported.

    Parameters
    ----------
    folder
        Rules that hold until `rules.catalog` names them; the shipped ones by default.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record of `rules.catalog`: key rule id, value the published rule, null to remove."""
        rule_id = key.decode(errors="replace") if key else ""
        current = self._engine.catalog
        try:
            if value is None:
                kept = (rule for rule in current.rules.values() if rule.id != rule_id)
                self._engine.swap(Catalog.of(kept, current.sources))
            else:
                self._engine.swap(current.replaced(rule_from_record(loads(value))))
        except (RuleError, ValueError) as error:
            log.error("rule %s from rules.catalog is refused, the last good one stays: %s", rule_id, error)
            metrics.RULE_ERRORS.labels(rule_id).inc()
        metrics.RULES_VERSION.set(len(self._engine.catalog.rules))


def shipped_catalog(folder: Path | None) -> Catalog:
    """Return the catalogue of a folder, the shipped one when None."""
    return load_catalog(folder or SHIPPED)
