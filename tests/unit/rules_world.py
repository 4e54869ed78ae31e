"""Customers before some rules."""

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
    return Limits.model_validate({"global_holdout": 0, "quiet_hours": {"start": 0, "end": 0}} | changes)


class World:
    def __init__(self, *rules: Rule, **changes: Any) -> None:
        self.engine = Engine(Catalog.of(rules), limits(**changes))
        self.states: dict[str, CustomerState] = {}
        self.partition = PartitionState(0, 1)

    def take(self, record: dict[str, Any]) -> list[Decided]:
        return self.engine.process(record, self.states, self.partition, 7)

    def restart(self) -> None:
        """Go through JSON, as a worker that takes over the partition does."""
        dumped = json.loads(json.dumps({key: state.dump() for key, state in self.states.items()}))
        self.partition = PartitionState.load(0, 1, json.loads(json.dumps(self.partition.dump())))
        self.states = {key: CustomerState.load(data) for key, data in dumped.items()}
        for key, state in self.states.items():
            self.partition.index(key, state)
