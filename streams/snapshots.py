"""The newest snapshot of every model, as `models.snapshots` gives it to this process."""

from __future__ import annotations

import asyncio
import logging

from models.scoring.model_set import ModelSet
from models.scoring.targets import MODELS
from models.snapshot import Snapshot, SnapshotError, decode, verify
from models.snapshot_parts import Assembler
from streams import metrics

log = logging.getLogger(__name__)


class SnapshotShelf:
    """Collects parts, keeps the newest complete snapshot of each model, tells who wants to know.

    Attributes
    ----------
    sets
        Models that serve; each new snapshot is installed in them.
    """

    def __init__(self) -> None:
        self._assembler = Assembler()
        self.sets: list[ModelSet] = []
        self._held: dict[str, bytes] = {}

    async def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record of `models.snapshots`.

        A snapshot is unpacked in a thread (sentiment: 20 to 200 ms): events must not wait for it.
        """
        name = (key or b"").decode(errors="replace")
        try:
            data = self._assembler.add(name, value)
            if data is None:
                return
            model = name.rsplit("/", 2)[0]
            serving = self.sets if model in MODELS else []
            if not serving:
                # An observer's 5 MB are unpacked by who goes on from them.
                await asyncio.to_thread(verify, data)
            for models in serving:
                ready = await asyncio.to_thread(models.read, data)
                models.use(ready)
                metrics.MODEL_VERSION.labels(model).set(ready.snapshot.version)
                metrics.SNAPSHOTS.labels(model, "installed").inc()
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
