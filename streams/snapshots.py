"""The newest snapshot of every model, as `models.snapshots` gives it to this process."""

from __future__ import annotations

import logging
from collections.abc import Callable

from models.scoring.targets import MODELS
from models.snapshot import Snapshot, SnapshotError, decode
from models.snapshot_parts import Assembler
from streams import metrics

log = logging.getLogger(__name__)


class SnapshotShelf:
    """Collects parts, keeps the newest complete snapshot of each model, tells who wants to know.

    Attributes
    ----------
    installers
        Called with the bytes of each new snapshot; may raise `SnapshotError` to refuse it.
    """

    def __init__(self) -> None:
        self._assembler = Assembler()
        self.installers: list[Callable[[bytes], Snapshot]] = []
        self._held: dict[str, bytes] = {}

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record of `models.snapshots`."""
        name = (key or b"").decode(errors="replace")
        try:
            data = self._assembler.add(name, value)
            if data is None:
                return
            model = name.rsplit("/", 2)[0]
            serving = self.installers if model in MODELS else ()
            if not serving:
                decode(data, model)
            for install in serving:
                snapshot = install(data)
                metrics.MODEL_VERSION.labels(snapshot.model).set(snapshot.version)
                metrics.SNAPSHOTS.labels(snapshot.model, "installed").inc()
            self._held[model] = data
        except SnapshotError as error:
            log.error("snapshot record %s is refused, the last good model stays: %s", name, error)
            metrics.SNAPSHOT_REFUSED.labels(name.split("/")[0]).inc()

    def newest(self, model: str) -> Snapshot | None:
        """Return the newest good snapshot of a model, None when there is none."""
        data = self._held.get(model)
        return decode(data) if data is not None else None

    def version(self, model: str) -> int:
        """Return the newest version seen of a model, 0 when there is none."""
        return self._assembler.version(model)

    def versions(self) -> dict[str, int]:
        """Return the version held of each model."""
        return {model: self._assembler.version(model) for model in sorted(self._held)}

    def free_slot(self, model: str) -> str:
        """Return the slot the next snapshot of a model goes to."""
        return self._assembler.free_slot(model)
