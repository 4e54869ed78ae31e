"""The live rule catalogue of a worker: records of `rules.catalog`, applied as they arrive."""

from __future__ import annotations

import logging
from pathlib import Path

from rules.engine import Engine
from rules.loader import Catalog, load_catalog
from rules.publish import CatalogRecord, apply
from rules.source import RuleError
from streams import metrics
from streams.codec import loads

log = logging.getLogger(__name__)

_RULES = Path(__file__).resolve().parent.parent / "rules"
SHIPPED = _RULES / "catalog"
LIMITS = _RULES / "limits.yaml"


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
        """Take one record of `rules.catalog`; proposals and tombstones change nothing."""
        if value is None:
            return
        name = key.decode(errors="replace") if key else ""
        try:
            record = CatalogRecord.model_validate(loads(value))
            changed = apply(self._engine.catalog, record)
            if changed is not self._engine.catalog:
                self._engine.swap(changed)
                log.info("rule %s is now version %s, %s", record.rule_id, record.version, record.change)
        except (RuleError, ValueError) as error:
            log.error("rule %s from rules.catalog is refused, the last good one stays: %s", name, error)
            metrics.RULE_ERRORS.labels(name).inc()
        metrics.RULES_VERSION.set(len(self._engine.catalog.rules))


def shipped_catalog(folder: Path | None) -> Catalog:
    """Return the catalogue of a folder, the shipped one when None."""
    return load_catalog(folder or SHIPPED)
