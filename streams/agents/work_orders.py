"""The work orders of one partition: in its state by id, in a heap by when they need attention."""

from __future__ import annotations

import heapq
from typing import Any

from models.follow_up import Follower, WorkOrder
from streams.codec import dumps, loads
from streams.state import PartitionState

ORDER = b"o:"
CUSTOMER = b"c:"
DERIVED = b"d:"
UNKNOWN = b"u:"
UNKNOWN_MS = 3 * 86_400_000
"""How long a status waits for the action it is about."""
MOST_UNKNOWN = 10_000
"""Ids with waiting statuses in a partition."""
MOST_WAITING = 16
"""Statuses that wait for one action."""


class WorkOrders:
    """Work orders of a partition, with their timers.

    Keys of the state: `o:` id → work order; `c:` Kafka key of the customer → ids of the work orders;
    `d:` id of an action sent by follow_up → id of the work order; `u:` id nobody knows → what was said.

    Parameters
    ----------
    state
        Loaded; read completely once.
    """

    def __init__(self, state: PartitionState, follower: Follower) -> None:
        self._state = state
        self._follower = follower
        self._open: dict[str, WorkOrder] = {}
        self._changed: set[str] = set()
        self._policy = follower.desk.fingerprint
        self._heap: list[tuple[int, str]] = []
        self._due: dict[str, int] = {}
        self.count = 0
        self._unknown = 0
        for key, value in state.items(ORDER):
            held = loads(value)
            self.count += 1
            # Reading the due time costs a tenth of computing it; it holds as long as the policy does.
            known = held["policy"] == self._policy
            due = held["due"] if known else follower.next_due(WorkOrder.load(held))
            self._schedule(key[2:].decode(), due)
        for key, value in state.items(UNKNOWN):
            self._unknown += 1
            self._schedule(key[2:].decode(), loads(value)["until"])

    def get(self, ident: str) -> WorkOrder | None:
        """Return a work order by the id of its own action."""
        order = self._open.get(ident)
        if order is None:
            held = self._state.get(ORDER + ident.encode())
            if held is not None:
                order = self._open[ident] = WorkOrder.load(loads(held))
        return order

    def find(self, action_id: str) -> WorkOrder | None:
        """Return the work order an action belongs to, its own or one that followed from it."""
        order = self.get(action_id)
        if order is None and (root := self._state.get(DERIVED + action_id.encode())) is not None:
            order = self.get(root.decode())
        return order

    def of_customer(self, key: bytes) -> list[str]:
        """Return the ids of a customer's work orders."""
        held = self._state.get(CUSTOMER + key)
        return loads(held) if held is not None else []

    def put(self, order: WorkOrder) -> None:
        """Keep a work order that is new or changed; its timers are set anew."""
        ident = order.ident
        if ident not in self._open and self._state.get(ORDER + ident.encode()) is None:
            self.count += 1
            idents = self.of_customer(order.key.encode())
            if ident not in idents:
                self._state.put(CUSTOMER + order.key.encode(), dumps([*idents, ident]))
        self._open[ident] = order
        self._changed.add(ident)
        self._schedule(ident, self._follower.next_due(order))

    def remove(self, order: WorkOrder) -> None:
        """Forget a work order and everything that points to it."""
        ident, key = order.ident, CUSTOMER + order.key.encode()
        self._open.pop(ident, None)
        self._changed.discard(ident)
        self._due.pop(ident, None)
        self.count -= 1
        self._state.delete(ORDER + ident.encode())
        for derived in order.derived:
            self._state.delete(DERIVED + derived.encode())
        left = [known for known in self.of_customer(order.key.encode()) if known != ident]
        if left:
            self._state.put(key, dumps(left))
        else:
            self._state.delete(key)

    def save(self) -> None:
        """Write what changed to the state; called once a slice or tick."""
        for ident in self._changed:
            order = self._open[ident]
            held = order.dump() | {"due": self._due.get(ident), "policy": self._policy}
            self._state.put(ORDER + ident.encode(), dumps(held))
            for derived in order.derived:
                self._state.put(DERIVED + derived.encode(), ident.encode())
        self._changed.clear()
        self._open.clear()

    def keep_unknown(self, action_id: str, status: dict[str, Any], now_ms: int) -> bool:
        """Keep a status until its action comes; False when there is no more room."""
        key = UNKNOWN + action_id.encode()
        held = self._state.get(key)
        if held is None:
            if self._unknown >= MOST_UNKNOWN:
                return False
            self._unknown += 1
            waiting: dict[str, Any] = {"until": now_ms + UNKNOWN_MS, "said": []}
            self._schedule(action_id, waiting["until"])
        else:
            waiting = loads(held)
            if len(waiting["said"]) >= MOST_WAITING:
                return False
        waiting["said"].append(status)
        self._state.put(key, dumps(waiting))
        return True

    def take_unknown(self, action_id: str) -> list[dict[str, Any]]:
        """Return and forget what was said of an action before it came."""
        held = self._state.get(UNKNOWN + action_id.encode())
        if held is None:
            return []
        self.forget_unknown(action_id)
        said: list[dict[str, Any]] = loads(held)["said"]
        return said

    def forget_unknown(self, action_id: str) -> None:
        """Forget what was said of an action that never came."""
        if self._state.get(UNKNOWN + action_id.encode()) is not None:
            self._state.delete(UNKNOWN + action_id.encode())
            self._unknown -= 1
        self._due.pop(action_id, None)

    def next_due(self) -> int | None:
        """Return when (ms) the next timer of the partition is due."""
        while self._heap:
            at, ident = self._heap[0]
            if self._due.get(ident) == at:
                return at
            heapq.heappop(self._heap)
        return None

    def pop_due(self, now_ms: int) -> str | None:
        """Return an id whose timer is due, the earliest first, and take it off the heap."""
        at = self.next_due()
        if at is None or at > now_ms:
            return None
        ident = heapq.heappop(self._heap)[1]
        del self._due[ident]
        return ident

    def _schedule(self, ident: str, at: int | None) -> None:
        if at is None:
            self._due.pop(ident, None)
        elif self._due.get(ident) != at:
            heapq.heappush(self._heap, (at, ident))
            self._due[ident] = at
