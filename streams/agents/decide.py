"""decide: windows, rules, arbitration, holdout; one decision row for each eligible trigger."""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

from models.clock import Clock
from models.intake.facts import is_erasure
from rules.decided import Decided
from rules.engine import Engine
from rules.holdout import GLOBAL
from rules.state import CustomerState
from rules.state import PartitionState as RuleState
from streams import metrics
from streams.codec import cloud_event, dumps, loads
from streams.origin import OriginFence
from streams.outbox import Outbox
from streams.parcels import forget_customer
from streams.state import PartitionState
from streams.step import Slice, Untimed
from streams.topics import DECISIONS, FEEDBACK_SCORED, HOLDOUTS, action_topic

log = logging.getLogger(__name__)

TOPICS = (FEEDBACK_SCORED,)
CUSTOMER = b"c:"
PARTITION = b"~rules"
DROPPED = "dropped"


class CustomerStates(MutableMapping[str, CustomerState]):
    """Customer states of one slice: read from the partition state when asked for, written back once."""

    def __init__(self, state: PartitionState) -> None:
        self._state = state
        self._open: dict[str, CustomerState] = {}

    def get(self, customer: str, default: Any = None) -> Any:
        """Return a customer's state; a mapping's own raises an error for most customers on its way."""
        found = self._open.get(customer)
        if found is None:
            held = self._state.get(CUSTOMER + customer.encode())
            if held is None:
                return default
            found = self._open[customer] = CustomerState.load(loads(held))
        return found

    def __getitem__(self, customer: str) -> CustomerState:
        found: CustomerState | None = self.get(customer)
        if found is None:
            raise KeyError(customer)
        return found

    def __setitem__(self, customer: str, value: CustomerState) -> None:
        self._open[customer] = value
        self._state.put(CUSTOMER + customer.encode(), dumps(value.dump()))
        value.changed = False

    def __delitem__(self, customer: str) -> None:
        self._open.pop(customer, None)
        self._state.delete(CUSTOMER + customer.encode())

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __len__(self) -> int:
        return len(self._open)


class DecideStep(Untimed):
    """Puts each record of a log before the rules.

    Parameters
    ----------
    partitions
        Partitions of the log, over which daily budgets are split.
    """

    def __init__(self, engine: Engine, partitions: int, clock: Clock) -> None:
        self._engine = engine
        self._partitions = partitions
        self._clock = clock
        self._rules: dict[int, RuleState] = {}

    def open(self, state: PartitionState) -> None:
        """Rebuild budgets, clusters and timers from the loaded state."""
        held = state.get(PARTITION)
        rules = RuleState.load(state.partition, self._partitions, loads(held) if held else None)
        for key, value in state.items(CUSTOMER):
            if b'"t":' in value:
                rules.index(key[2:].decode(), CustomerState.load(loads(value)))
        self._rules[state.partition] = rules

    def rollback(self, state: PartitionState) -> None:
        """Rebuild from what is committed; a slice failed, so this is rare."""
        self.open(state)

    def process(self, piece: Slice, out: Outbox) -> None:
        """Decide on every record of the slice."""
        state = piece.state
        assert state is not None
        rules, states, fence = self._rules[piece.partition], CustomerStates(state), OriginFence(state.marks)
        arms: dict[tuple[str, str], int] = {}
        for record in piece.records:
            event = loads(record.value)
            if event["event"] == DROPPED:
                continue
            if not fence.passes(event["origin"]):
                metrics.REPEATED.labels("decide").inc()
                continue
            if is_erasure(event):
                states.pop(event["customer_id"], None)
                self._forget(piece, event["customer_id"], out)
                continue
            now_ms = int(self._clock.now() * 1000)
            for decided in self._engine.process(event, states, rules, now_ms):
                self._emit(piece, record, decided, out)
                where = (decided.decision["rule_id"], decided.decision["arm"])
                arms[where] = arms.get(where, 0) + 1
        state.put(PARTITION, dumps(rules.dump()))
        for (rule, arm), count in arms.items():
            metrics.DECISIONS.labels(rule, arm).inc(count)
        for (rule, _), count in self._engine.failures.items():
            metrics.RULE_ERRORS.labels(rule).inc(count)
        self._engine.failures.clear()

    def _forget(self, piece: Slice, customer: str, out: Outbox) -> None:
        """Have a customer's sticky assignments removed from their compacted topic, and what is parked."""
        assert piece.state is not None
        forget_customer(piece.state, customer)
        for rule in (*self._engine.catalog.rules, GLOBAL):
            out.placed(HOLDOUTS, piece.partition, f"{customer}:{rule}".encode(), None)

    def _emit(self, piece: Slice, record: Any, decided: Decided, out: Outbox) -> None:
        decision = decided.decision
        source, at = f"rules/{decision['rule_id']}", decision["decided_at"]
        headers = cloud_event("hark.decision", source, decision["decision_id"], at, record.headers)
        out.placed(DECISIONS, piece.partition, record.key, dumps(decision), headers)
        for action in decided.actions:
            kind = action["kind"]
            headers = cloud_event(f"hark.action.{kind}", source, action["action_id"], at, record.headers)
            out.keyed(action_topic(kind), decided.key, dumps(action), headers)
        if decided.assignment is not None:
            assignment = decided.assignment
            key = f"{assignment['customer_id']}:{assignment['rule_id']}"
            headers = cloud_event("hark.assignment", source, key, at, record.headers)
            out.placed(HOLDOUTS, piece.partition, key.encode(), dumps(assignment), headers)
