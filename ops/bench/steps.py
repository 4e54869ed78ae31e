"""Every agent's step in one process without a broker: what an event costs, stage by stage.

The steps are those `streams.pipeline` builds; records pass from one to the next as bytes, and what
would go to a broker is packed into record batches and compressed as a worker does. Only sockets,
consumer groups and the event loop are missing; the broker run has those.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka.record.memory_records import MemoryRecords

from models.clock import SystemClock
from models.scoring.targets import MODELS
from models.snapshot import Snapshot, config_hash, encode
from models.training import Observer, Trainer
from ops.simulator.world import Produced
from streams import kafka
from streams.codec import loads, partition_of
from streams.outbox import Layout, Outbox, Record
from streams.pipeline import Built, build_decide, build_follow_up, build_intake, build_score
from streams.runner import SliceRunner
from streams.runtime import Runtime
from streams.settings import Settings
from streams.state import PartitionState
from streams.step import Slice
from streams.topics import (
    CATALOG,
    CUSTOMER_LINKS,
    EXAMPLES,
    FEEDBACK_MASKED,
    FEEDBACK_RAW,
    FEEDBACK_SCORED,
    partitions_of,
)

_BUILDERS: Mapping[str, Callable[[Runtime], Built]] = {
    "intake": build_intake,
    "score": build_score,
    "decide": build_decide,
    "follow_up": build_follow_up,
}
BATCH_BYTES = 8_000_000
_SETTINGS = Settings()


class Arrived(NamedTuple):
    """A record as a consumer hands it over."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    offset: int
    timestamp: int


@dataclass(slots=True)
class Costs:
    """CPU seconds and records of each stage.

    Parameters
    ----------
    seconds, records
        By stage: intake, score, decide, learn, and wire (packing, compressing and reading record
        batches, state batches included).
    events
        Records published: feedback and facts.
    feedback
        Of these, on `feedback.raw`.
    """

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    records: Counter[str] = field(default_factory=Counter)
    state_bytes: int = 0
    events: int = 0
    feedback: int = 0

    def stages(self) -> dict[str, float]:
        """Return µs an event, by stage."""
        return {name: round(s / max(1, self.events) * 1e6, 2) for name, s in self.seconds.items()}

    @property
    def us_per_event(self) -> float:
        """CPU µs an event over all stages."""
        return round(sum(self.seconds.values()) / max(1, self.events) * 1e6, 2)


class Steps:
    """The agents of `streams.pipeline` in memory; make it inside a running event loop.

    Parameters
    ----------
    partitions
        Of every topic keyed by customer.
    slice_records
        Published records that make one round of slices; a slice has `slice_records / partitions`.
    snapshot_every
        Examples of a model between two of its snapshots.
    """

    def __init__(
        self,
        partitions: int = 4,
        slice_records: int = 400,
        snapshot_every: int = 400,
        settings: Settings | None = None,
    ) -> None:
        base = settings or Settings.model_validate(
            {"pii_keys": secrets.token_hex(), "partitions": partitions, "rules_clock": "occurred"}
        )
        run = Runtime(base, SystemClock(), "bench")
        run.layout = Layout({topic.name: partitions_of(topic, partitions) for topic in CATALOG})
        self._run = run
        self._partitions = partitions
        self._slice = slice_records
        self._every = snapshot_every
        self._runners: dict[str, SliceRunner] = {}
        for agent, build in _BUILDERS.items():
            handler = build(run)[1]
            assert isinstance(handler, SliceRunner)
            self._runners[agent] = handler
        self._trainers: list[Trainer | Observer] = [*(Trainer(name) for name in MODELS), Observer()]
        self._learned = [0] * len(self._trainers)
        stateful = ("score", "decide", "follow_up")
        self.states = {(agent, p): PartitionState(p) for agent in stateful for p in range(partitions)}
        for (agent, _), state in self.states.items():
            self._runners[agent].step.open(state)
        self._offsets: Counter[tuple[str, int]] = Counter()
        self.costs = Costs()
        self.outputs: Counter[str] = Counter()

    async def close(self) -> None:
        """Close the producer, which was never started."""
        await self._run.producer.stop()

    def adopt(self, agent: str, state: PartitionState) -> None:
        """Go on with a state loaded elsewhere."""
        self.states[agent, state.partition] = state
        self._runners[agent].step.open(state)

    def feed(self, records: Iterable[Produced]) -> None:
        """Let published records go through everything, in rounds of slices."""
        held: list[Produced] = []
        for record in records:
            if record.topic == CUSTOMER_LINKS:
                continue
            held.append(record)
            if len(held) >= self._slice:
                self._round(held)
                held = []
        if held:
            self._round(held)

    def _round(self, records: Sequence[Produced]) -> None:
        costs = self.costs
        costs.events += len(records)
        costs.feedback += sum(record.topic == FEEDBACK_RAW for record in records)
        places: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in records:
            places[record.topic, partition_of(record.key or b"?", self._partitions)].append(
                (record.key, record.value, [])
            )
        masked = self._stage("intake", places)
        scored = self._stage("score", {p: r for p, r in masked.items() if p[0] == FEEDBACK_MASKED})
        log = {p: r for p, r in scored.items() if p[0] == FEEDBACK_SCORED}
        decided = self._stage("decide", log)
        acted = {p: r for p, r in decided.items() if p[0].startswith("actions.")}
        self._stage("follow_up", {**log, **acted})
        for (topic, number), examples in scored.items():
            if topic == EXAMPLES:
                self._learn(number, examples)

    def _stage(
        self, agent: str, inputs: dict[tuple[str, int], list[Record]]
    ) -> dict[tuple[str, int], list[Record]]:
        runner, costs = self._runners[agent], self.costs
        collected: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for (topic, partition), records in inputs.items():
            arrived = self._arrive(topic, partition, records)
            state = self.states.get((agent, partition))
            out = Outbox(self._run.layout)
            if state is not None:
                state.begin()
            began = time.thread_time()
            runner.step.process(Slice(topic, partition, arrived, state), out)
            costs.seconds[agent] += time.thread_time() - began
            costs.records[agent] += len(arrived)
            began = time.thread_time()
            for batch in out.batches().values():
                costs.records["wire"] += len(batch)
                wired(batch)
            if state is not None:
                changes = [(key, value, [("e", b"0")]) for key, value in state.changes()]
                costs.state_bytes += sum(len(key) + len(value or b"") for key, value, _ in changes)
                wired(changes, read=False)
                state.commit()
            costs.seconds["wire"] += time.thread_time() - began
            for place, batch in out.batches().items():
                collected[place] += batch
                self.outputs[place[0]] += len(batch)
        return collected

    def _learn(self, number: int, examples: Sequence[Record]) -> None:
        trainer, arrived = self._trainers[number], self._arrive(EXAMPLES, number, examples)
        began = time.thread_time()
        for record in arrived:
            trainer.step(loads(record.value or b""), record.offset, record.timestamp / 1000.0)
        self._learned[number] += len(arrived)
        if self._learned[number] >= self._every and isinstance(trainer, Trainer):
            self._learned[number] = 0
            trainer.version += 1
            data = encode(
                Snapshot(
                    trainer.name, trainer.version, trainer.offset, 0.0,
                    config_hash({"model": trainer.name}), trainer.state(),
                )
            )  # fmt: skip
            for models in self._run.shelf.sets:
                models.install(data)
        self.costs.seconds["learn"] += time.thread_time() - began
        self.costs.records["learn"] += len(arrived)

    def _arrive(self, topic: str, partition: int, records: Sequence[Record]) -> list[Arrived]:
        offset, now = self._offsets[topic, partition], int(time.time() * 1000)
        self._offsets[topic, partition] += len(records)
        return [Arrived(k, v, h, offset + i, now) for i, (k, v, h) in enumerate(records)]


def wired(records: Sequence[Any], read: bool = True) -> int:
    """Pack records into a record batch and, as their reader would, read it; returns its bytes."""
    size = sum(len(value or b"") for _, value, _ in records)
    builder = kafka.batch(_SETTINGS, BATCH_BYTES, size)
    for key, value, headers in records:
        builder.append(key=key, value=value, timestamp=None, headers=list(headers))
    data = bytes(builder._build())
    if read:
        batches = MemoryRecords(data)
        while batches.has_next():
            for _ in batches.next_batch():
                pass
    return len(data)
