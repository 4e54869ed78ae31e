"""learn: one learner a model, on the model's own partition; snapshots carry the offset they were taken at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from models.clock import Clock
from models.drift.watch import Drift
from models.scoring.targets import MODELS
from models.snapshot import Snapshot, config_hash, encode
from models.snapshot_parts import part_key, split
from models.training import Trainer
from streams import metrics
from streams.alerts import add_alert
from streams.codec import dumps, loads
from streams.outbox import BatchProducer, Layout, Outbox
from streams.snapshots import SnapshotShelf
from streams.topics import EXAMPLES, MODEL_METRICS, SNAPSHOTS

log = logging.getLogger(__name__)

TOPICS = (EXAMPLES,)
PART_BYTES = 900_000
BREATH = 32


class Learn:
    """Learns the models whose partitions this worker owns.

    A slice is acked only when a snapshot contains it, so a learner that dies goes on from the
    snapshot's offset and ends as if it had never stopped.

    Parameters
    ----------
    shelf
        The newest snapshot of every model, followed by this process.
    every
        Shortest time between two snapshots of a model, seconds.
    """

    drain_seconds = 0.0

    def __init__(
        self, shelf: SnapshotShelf, producer: BatchProducer, layout: Layout, clock: Clock, every: float
    ) -> None:
        self._shelf = shelf
        self._producer = producer
        self._layout = layout
        self._clock = clock
        self._every = every
        self._trainers: dict[int, Trainer] = {}
        self._waiting: dict[int, list[Any]] = {}
        self._publishing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to publish at intervals."""
        self._task = asyncio.create_task(self._regularly(), name="learn")

    async def stop(self) -> None:
        """Publish what was learned since the last snapshot."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.publish()

    def assigned(self, partitions: Iterable[int]) -> None:
        """Start again from the newest snapshots: somebody else may have learned meanwhile."""
        self._trainers, self._waiting = {}, {}

    async def take(self, event: Any, owned: Callable[[], bool]) -> bool:
        """Learn from a slice; it is acked when a snapshot contains it."""
        if self._task is not None and self._task.done():
            self._task.result()
        partition = event.message.partition
        if partition >= len(MODELS):
            return True
        trainer = self._trainer(partition)
        now_ms = int(self._clock.now() * 1000)
        found: list[Drift] = []
        for number, record in enumerate(event.value, 1):
            found += trainer.step(loads(record.value), record.offset, record.timestamp / 1000.0)
            if number % BREATH == 0:
                await asyncio.sleep(0)  # heartbeats and the other agents must not wait for a whole slice
        if found:
            await self._report(found, now_ms)
        metrics.EVENTS.labels("learn", EXAMPLES).inc(len(event.value))
        self._waiting.setdefault(partition, []).append(event)
        return False

    def _trainer(self, partition: int) -> Trainer:
        trainer = self._trainers.get(partition)
        if trainer is None:
            trainer = self._trainers[partition] = Trainer(MODELS[partition])
            snapshot = self._shelf.newest(trainer.name)
            if snapshot is not None:
                trainer.restore(snapshot.state, snapshot.offset, snapshot.version)
        return trainer

    async def _report(self, drifts: list[Drift], now_ms: int) -> None:
        out = Outbox(self._layout)
        for drift in drifts:
            metrics.DRIFTS.labels(drift.model, drift.series).inc()
            message = f"{drift.series} of {drift.model} went from {drift.before:.3f} to {drift.after:.3f}"
            add_alert(
                out, "drift", f"{drift.model}/{drift.series}", message, "warning", now_ms,
                since_ms=int(drift.since * 1000), magnitude=drift.magnitude, done="challenger started",
            )  # fmt: skip
        await out.send(self._producer)

    async def publish(self) -> None:
        """Write a snapshot of every model that learned something, then ack what it contains."""
        async with self._publishing:
            waiting, self._waiting = self._waiting, {}
            for partition, events in waiting.items():
                trainer = self._trainers[partition]
                await self._snapshot(trainer)
                for event in events:
                    event.ack()

    async def _snapshot(self, trainer: Trainer) -> None:
        now = self._clock.now()
        trainer.version = max(trainer.version, self._shelf.version(trainer.name)) + 1
        snapshot = Snapshot(
            trainer.name,
            trainer.version,
            trainer.offset,
            now,
            config_hash({"model": trainer.name}),
            trainer.state(),
        )
        data = await asyncio.to_thread(encode, snapshot)
        slot = self._shelf.free_slot(trainer.name)
        parts = split(data, PART_BYTES)
        for number, piece in enumerate(parts):
            out = Outbox(self._layout)
            out.placed(SNAPSHOTS, 0, part_key(trainer.name, slot, number).encode(), piece)
            await out.send(self._producer)
        out = Outbox(self._layout)
        out.placed(MODEL_METRICS, 0, trainer.name.encode(), dumps(trainer.metric(int(now * 1000))))
        await out.send(self._producer)
        metrics.SNAPSHOTS.labels(trainer.name, "published").inc()
        if trainer.figures.n:
            metrics.MODEL_ACCURACY.labels(trainer.name).set(trainer.figures.accuracy)

    async def _regularly(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self.publish()
