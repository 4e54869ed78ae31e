"""Hark's own steps on Quix Streams: the same masking, scoring and rules, its consumer and state store.

What differs is only what carries the events: a callback a record, RocksDB with a changelog a
stateful step, librdkafka. Learners, archive and what spans customers within a partition (clusters'
durability, budgets' durability) are left out, which favours this peer.
"""

from __future__ import annotations

import secrets
import sys
import time
from typing import Any

from quixstreams import Application, State

from models.churn.delayed import DelayedLabels
from models.identity import Links
from models.intake import Admission, FactAdmission, FieldMask
from models.near_duplicate import ClusterIndex
from models.outcome import Emit
from models.pii import Finder, Masker
from models.pii.keyring import Keyring
from models.scoring.customer import CustomerMemory
from models.scoring.model_set import ModelSet
from models.scoring.scorer import PartitionScoring, Scorer
from models.scoring.targets import targets
from models.topics.analyser import Analyser
from ops.bench.peers.meter import Meter
from rules.engine import Engine
from rules.limits import Limits
from rules.state import CustomerState, PartitionState
from streams.catalog import shipped_catalog
from streams.codec import dumps, loads

WEEK_S = 7 * 86_400.0


class Steps:
    """Hark's pure steps and what they keep."""

    def __init__(self, count: int) -> None:
        mask = FieldMask(Masker(Finder(), {}, Keyring.from_secret(secrets.token_hex())))
        self._feedback, self._fact = Admission(mask, Links()), FactAdmission("customer", mask)
        self._outcome = FactAdmission("outcome", mask)
        models = ModelSet()
        models.warm()
        self._scorer = Scorer(models, Analyser())
        self._waiting: dict[str, bytes] = {}
        waiting = DelayedLabels(targets(14.0), self._waiting, limit=2, spacing=WEEK_S)
        self._partition = PartitionScoring(ClusterIndex(4096), waiting)
        self._engine = Engine(shipped_catalog(None), Limits(clock="occurred"))
        self._rules = PartitionState(0, 1)
        self._meter = Meter(count)
        self._offset = 0

    def admit(self, value: bytes, key: Any, timestamp: int, headers: Any) -> list[dict[str, Any]]:
        """Validate and mask."""
        self._meter.add()
        self._offset += 1
        step = self._feedback.step
        if b'"text"' not in value:
            step = self._outcome.step if b'"value"' in value else self._fact.step
        outcome = step(value, ("bench.in", 0, self._offset), timestamp)
        return [outcome.value] if isinstance(outcome, Emit) else []

    def score(self, event: dict[str, Any], state: State) -> list[dict[str, Any]]:
        """Score with the customer's memory in the state store."""
        held = state.get("m")
        memory = CustomerMemory(loads(held) if held else None, WEEK_S)
        event["late"] = False
        outcome = self._scorer.step(event, memory, self._partition)
        state.set("m", dumps(memory.state).decode())
        self._partition.waiting.flush()
        state.set("w", self._waiting.get(event["customer_id"], b"").decode())
        if not isinstance(outcome, Emit):
            return []
        record = outcome.value.record
        record["scored_at"] = int(time.time() * 1000)
        return [record]

    def decide(self, event: dict[str, Any], state: State) -> list[dict[str, Any]]:
        """Decide with windows in the state store."""
        self._meter.touch()
        customer, held = event["customer_id"], state.get("c")
        states = {customer: CustomerState.load(loads(held))} if held else {}
        decided = self._engine.process(event, states, self._rules, int(time.time() * 1000))
        if customer in states:
            state.set("c", dumps(states[customer].dump()).decode())
        return [one.decision for one in decided]

    def report(self) -> None:
        """Print the figures."""
        self._meter.report()


def main(broker: str, count: int, folder: str) -> None:
    """Run the three hops in one process until `count` records have gone in and come out."""
    app = Application(
        broker_address=broker, consumer_group="quix", auto_offset_reset="earliest", state_dir=folder,
        loglevel="ERROR", commit_interval=1.0, producer_extra_config={"compression.type": "zstd"},
    )  # fmt: skip
    steps = Steps(count)
    arrived = app.topic("bench.in", value_deserializer="bytes", key_deserializer="bytes")
    masked = app.topic("quix.masked", value_serializer="json", value_deserializer="json")
    scored = app.topic("quix.scored", value_serializer="json", value_deserializer="json")
    decided = app.topic("quix.decisions", value_serializer="json")
    for topic in (masked, scored):
        # The embedded broker does not tell a topic's retention, which changelogs take theirs from.
        topic.broker_config.extra_config.setdefault("retention.ms", "604800000")
    first = app.dataframe(arrived).apply(steps.admit, expand=True, metadata=True)
    first.to_topic(masked, key=lambda event: event["customer_id"])
    second = app.dataframe(masked).apply(steps.score, stateful=True, expand=True)
    second.to_topic(scored, key=lambda event: event["customer_id"])
    third = app.dataframe(scored).apply(steps.decide, stateful=True, expand=True)
    third.to_topic(decided, key=lambda event: event["customer_id"])
    app.run(timeout=8.0)
    steps.report()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
