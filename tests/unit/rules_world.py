"""Customers before some rules, shared by the tests of `rules`."""

from __future__ import annotations

import json
from typing import Any

from rules.decided import Decided
from rules.engine import Engine
from rules.limits import Limits
from rules.loader import Catalog
from rules.rule import Rule
from rules.state import CustomerState, PartitionState


def limits(**changes: Any) -> Limits:
    """Return limits that hold nobody out and know no quiet hours, with some keys changed."""
    return Limits.model_validate({"global_holdout": 0, "quiet_hours": {"start": 0, "end": 0}} | changes)


class World:
    """A partition's customers before some rules, with limits."""

    def __init__(self, *rules: Rule, partition: int = 0, partitions: int = 1, **changes: Any) -> None:
        self.engine = Engine(Catalog.of(rules), limits(**changes))
        self.states: dict[str, CustomerState] = {}
        self.partition = PartitionState(partition, partitions)

    def take(self, record: dict[str, Any], now: int = 7) -> list[Decided]:
        return self.engine.process(record, self.states, self.partition, now)

    def decide(self, record: dict[str, Any]) -> dict[str, str]:
        """Return what each rule came to, at the time the record was received."""
        decided = self.take(record, record["received_at"])
        return {d.decision["rule_id"]: d.decision["reason"] or d.decision["arm"] for d in decided}

    def restart(self) -> None:
        """Go through JSON, as a worker that takes over the partition does."""
        dumped = json.loads(json.dumps({key: state.dump() for key, state in self.states.items()}))
        self.partition = PartitionState.load(0, 1, json.loads(json.dumps(self.partition.dump())))
        self.states = {key: CustomerState.load(data) for key, data in dumped.items()}
        for key, state in self.states.items():
            self.partition.index(key, state)
