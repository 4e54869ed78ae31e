"""learn: one learner a model, on the model's own partition; snapshots carry the offset they were taken at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from models.clock import Clock
from models.learner import State
from models.scoring.model_set import part
from models.scoring.targets import MODELS
from models.snapshot import Snapshot, SnapshotError, config_hash, encode
from models.snapshot_parts import part_key, split
from models.training import Finding, Observer, Trainer
from streams import metrics
from streams.agents.examples import learned
from streams.alerts import add_alert
from streams.codec import cloud_event, dumps, loads
from streams.history import Checkpoints, write
from streams.issues import tell
from streams.outbox import BatchProducer, Layout, Outbox
from streams.polls import Fetched
from streams.snapshots import SnapshotShelf
from streams.tags import LiveTags
from streams.topics import EXAMPLES, FEEDBACK_SCORED, MODEL_METRICS, OBSERVED, ORDER, SNAPSHOTS

log = logging.getLogger(__name__)

TOPICS = (EXAMPLES,)
PART_BYTES = 900_000
CATCH_UP_POLLS, CATCH_UP_SECONDS = 50, 0.1

Earlier = Callable[[str, int], Awaitable[Snapshot | None]]
P = ParamSpec("P")
T = TypeVar("T")


class Learn:
    """Learns the models whose partitions this worker owns.

    A slice is acked only when a snapshot contains it, so a learner that dies goes on from the
    snapshot's offset and ends as if it had never stopped.

    Everything that touches a trainer runs in one thread of its own: refitting trees takes up to 100 ms,
    for which no other agent of the process should wait.

    Parameters
    ----------
    shelf
        The newest snapshot of every model, followed by this process.
    every
        Shortest time between two snapshots of a model, seconds.
    automatic
        Whether a challenger proven better is promoted without a person's word.
    tags
        Where bursts become suggestions.
    earlier
        Fetches a version of a model held on `models.history`.
    """

    drain_seconds = 0.0
    patience_ms = 250

    def __init__(
        self,
        shelf: SnapshotShelf,
        producer: BatchProducer,
        layout: Layout,
        clock: Clock,
        every: float,
        *,
        automatic: bool,
        tags: LiveTags,
        earlier: Earlier,
    ) -> None:
        self._shelf = shelf
        self._producer = producer
        self._layout = layout
        self._clock = clock
        self._every = every
        self._automatic = automatic
        self._tags = tags
        self._earlier = earlier
        self._checkpoints = Checkpoints()
        self._trainers: dict[int, Trainer | Observer] = {}
        self._published: dict[str, float] = {}
        self._waiting: dict[int, list[Fetched]] = {}
        self._owned: dict[int, Callable[[], bool]] = {}
        self._publishing = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "learn")
        self.regular: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to publish at intervals."""
        self.regular = asyncio.create_task(self._regularly(), name="learn")

    async def stop(self) -> None:
        """Publish what was learned since the last snapshot."""
        if self.regular is not None:
            self.regular.cancel()
            await asyncio.gather(self.regular, return_exceptions=True)
        await self.publish(pauses=False)
        self._thread.shutdown(wait=False)

    def assigned(self, partitions: Iterable[int]) -> None:
        """Start again from the newest snapshots: somebody else may have learned meanwhile."""
        self._trainers, self._waiting = {}, {}

    async def take(self, slices: Sequence[Fetched], owned: Callable[[], bool]) -> None:
        """Learn from slices; each is acked when a snapshot contains it."""
        if self.regular is not None and self.regular.done():
            self.regular.result()
        for problem in await asyncio.gather(
            *(self._learn(one, owned) for one in slices), return_exceptions=True
        ):
            if problem is not None:
                raise problem

    async def _learn(self, fetched: Fetched, owned: Callable[[], bool]) -> None:
        partition, records, at = fetched.partition, fetched.records, 0
        if partition > OBSERVED:
            fetched.ack()
            return
        trainer = await self._trainer(partition, records[0].offset)
        while at < len(records):
            found, at = await self._run(learned, trainer, records, at)
            if at < len(records):
                found += await self._ordered(trainer, records[at])
                at += 1
            await self._report(found)
            if isinstance(trainer, Observer):
                await tell(trainer.aliases(), self._producer, self._layout)
        metrics.EVENTS.labels("learn", EXAMPLES).inc(len(records))
        if self._trainers.get(partition) is trainer:  # else the partition went to another worker meanwhile
            self._waiting.setdefault(partition, []).append(fetched)
            self._owned[partition] = owned

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))

    async def _ordered(self, trainer: Trainer | Observer, record: Any) -> list[Finding]:
        if isinstance(trainer, Observer) or record.offset <= trainer.offset:
            return []
        order, state = loads(record.value)[ORDER], None
        if isinstance(version := order.get("version"), int):
            snapshot = await self._earlier(trainer.name, version)
            state = None if snapshot is None else snapshot.state
        return await self._run(trainer.order, order, record.offset, record.timestamp / 1000.0, state)

    async def _trainer(self, partition: int, first: int) -> Trainer | Observer:
        trainer = self._trainers.get(partition)
        if trainer is None:
            made = Observer() if partition == OBSERVED else Trainer(MODELS[partition], self._automatic)
            await self._caught_up(made.name, first)
            trainer = self._trainers[partition] = await self._restored(made)
        return trainer

    async def _caught_up(self, name: str, first: int) -> None:
        """Wait for the snapshot an earlier owner acked up to `first`; it may still be on its way here."""
        for _ in range(CATCH_UP_POLLS):
            snapshot = self._shelf.newest(name)
            if (snapshot.offset if snapshot is not None else -1) >= first - 1:
                return
            await asyncio.sleep(CATCH_UP_SECONDS)
        log.warning("no snapshot of %s reaches offset %d: examples before it may be missing", name, first)

    async def _restored(self, trainer: Trainer | Observer) -> Trainer | Observer:
        """Return the trainer as the newest snapshot left it.

        One of another build's trainer gives the serving model at least; the figures, the drift watch
        and a challenger begin again then, which is told.
        """
        snapshot = self._shelf.newest(trainer.name)
        if snapshot is None:
            return trainer
        try:
            trainer.restore(snapshot.state, snapshot.offset, snapshot.version)
            return trainer
        except (ValueError, KeyError, TypeError) as error:
            reason = f"snapshot {trainer.name} version {snapshot.version} is of another build: {error}"
        fresh: Trainer | Observer = Observer()
        if isinstance(trainer, Trainer):
            fresh = Trainer(trainer.name, self._automatic)
            try:
                fresh.learner.restore(part(snapshot.state, "learner."))
            except (ValueError, KeyError) as error:
                raise SnapshotError(f"{reason}; its model does not fit either: {error}") from error
        fresh.offset, fresh.version = snapshot.offset, snapshot.version
        done = "its model goes on" if isinstance(fresh, Trainer) else "counting begins again"
        await self._report(
            [Finding("model", f"{fresh.name}/restored", reason, "warning", snapshot.created_at, 0.0, done)]
        )
        return fresh

    async def _report(self, found: list[Finding]) -> None:
        out, now_ms = Outbox(self._layout), int(self._clock.now() * 1000)
        for finding in found:
            if finding.fact is not None:
                fact = finding.fact | {"origin": [EXAMPLES, OBSERVED, finding.offset]}
                headers = cloud_event("hark.customer.fact", "learn", fact["id"], now_ms, ())
                out.keyed(FEEDBACK_SCORED, finding.subject, dumps(fact), headers)
                continue
            done = finding.done
            if finding.kind == "drift":
                metrics.DRIFTS.labels(*finding.subject.split("/", 1)).inc()
            if finding.burst is not None:
                tag = self._tags.suggest(finding.burst, out)
                done = f"suggested as tag {tag.id}" if tag else "known already, or dismissed lately"
            add_alert(
                out, finding.kind, finding.subject, finding.message, finding.severity, now_ms,
                since_ms=int(finding.since * 1000), magnitude=finding.magnitude, done=done,
            )  # fmt: skip
        await out.send(self._producer)

    async def publish(self, pauses: bool = True, one: bool = False) -> None:
        """Write a snapshot of every model that learned something, then ack what it contains.

        Parameters
        ----------
        pauses
            Whether learners with large states keep to their longer pauses.
        one
            Only of the model whose last one is oldest, if that is `every` seconds old.
        """
        async with self._publishing:
            now = self._clock.now()
            due = [place for place in self._waiting if self._due(place, now, pauses, one)]
            for partition in sorted(due, key=self._last)[: 1 if one else None]:
                trainer = self._trainers.get(partition)
                if trainer is None:
                    continue  # assigned anew while another model's snapshot was being written
                contained = self._waiting.pop(partition, [])
                if not await self._snapshot(trainer, now, self._owned[partition]):
                    continue
                self._published[trainer.name] = now
                for fetched in contained:
                    fetched.ack()

    async def _snapshot(self, trainer: Trainer | Observer, now: float, owned: Callable[[], bool]) -> bool:
        """Write a snapshot; False when another worker learns the model by now and would be overwritten."""
        trainer.version = max(trainer.version, self._shelf.version(trainer.name)) + 1
        named = config_hash({"model": trainer.name})
        slots = self._checkpoints.due(trainer.name, now) if isinstance(trainer, Trainer) else []

        def take() -> tuple[Snapshot, State, list[dict[str, Any]]]:
            taken = Snapshot(trainer.name, trainer.version, trainer.offset, now, named, trainer.state())
            serving = trainer.serving() if slots and isinstance(trainer, Trainer) else {}
            return taken, serving, trainer.metrics(int(now * 1000))

        taken, serving, figures = await self._run(take)
        data = await asyncio.to_thread(encode, taken)
        if not owned():
            return False
        slot = self._shelf.free_slot(trainer.name)
        for number, piece in enumerate(split(data, PART_BYTES)):
            out = Outbox(self._layout)
            out.placed(SNAPSHOTS, 0, part_key(trainer.name, slot, number).encode(), piece)
            await out.send(self._producer)
        if slots:
            kept = Snapshot(taken.model, taken.version, taken.offset, now, named, serving)
            checkpoint = await asyncio.to_thread(encode, kept)
            for name in slots:
                await write(checkpoint, trainer.name, name, PART_BYTES, self._producer, self._layout)
        out = Outbox(self._layout)
        for metric in figures:
            key = f"{trainer.name}/{metric['role']}"
            ident = f"{key}/{metric['version']}"
            headers = cloud_event("hark.model.metric", "learn", ident, metric["at"], ())
            out.placed(MODEL_METRICS, 0, key.encode(), dumps(metric), headers)
        await out.send(self._producer)
        metrics.SNAPSHOTS.labels(trainer.name, "published").inc()
        if isinstance(trainer, Trainer) and trainer.figures.n:
            metrics.MODEL_ACCURACY.labels(trainer.name).set(trainer.figures.accuracy)
        return True

    def _due(self, partition: int, now: float, pauses: bool, one: bool) -> bool:
        trainer = self._trainers.get(partition)
        pause = max(trainer.pause if trainer and pauses else 0.0, self._every if one else 0.0)
        # A clock set back must not keep snapshots, and with them every ack, waiting until it is there again.
        return not 0.0 <= now - self._last(partition) < pause

    def _last(self, partition: int) -> float:
        trainer = self._trainers.get(partition)
        return 0.0 if trainer is None else self._published.get(trainer.name, 0.0)

    async def _regularly(self) -> None:
        """Publish the models by turns: all at once, they hold the worker up for as long as all take."""
        while True:
            await asyncio.sleep(self._every / (OBSERVED + 1))
            await self.publish(one=True)
