"""follow_up: every action becomes a work order with clocks, until someone has finished it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from models.clock import Clock
from models.events import ActionStatus
from models.follow_up import Alarm, Effect, Follower, Send, WorkOrder, derived_of, status_ident
from models.intake.facts import is_erasure
from models.outcome import DeadLetter, DeadReason
from streams import metrics
from streams.agents.work_orders import WorkOrders
from streams.alerts import add_alert
from streams.codec import cloud_event, dumps, loads
from streams.dead_letters import add_dead_letter
from streams.outbox import Outbox
from streams.parcels import forget_customer
from streams.state import PartitionState
from streams.step import Slice
from streams.topics import ACTION_STATUS, ACTION_TOPICS, FEEDBACK_SCORED, WORK_ORDERS, action_topic

log = logging.getLogger(__name__)

TOPICS = (*ACTION_TOPICS, ACTION_STATUS, FEEDBACK_SCORED)
FIRINGS = 100
"""Work orders that fire in one batch, about 30 ms of work."""
COMPLAINT = b'"complaint"'
ERASURE = b'"erase"'
"""Looked for before a record is decoded: most are neither."""


class FollowUpStep:
    """Keeps the work orders of its partitions.

    Parameters
    ----------
    most_orders
        Work orders held at once in a partition; past it, new actions are counted but not followed.
    """

    def __init__(self, follower: Follower, clock: Clock, most_orders: int) -> None:
        self._follower = follower
        self._clock = clock
        self._most = most_orders
        self._partitions: dict[int, WorkOrders] = {}

    def open(self, state: PartitionState) -> None:
        """Rebuild the timers from the loaded state."""
        self._partitions[state.partition] = WorkOrders(state, self._follower)

    def rollback(self, state: PartitionState) -> None:
        """Rebuild from what is committed; a slice failed, so this is rare."""
        self.open(state)

    def next_due(self, partition: int) -> int | None:
        """Return when (ms) the partition's next timer is due."""
        orders = self._partitions.get(partition)
        return orders.next_due() if orders is not None else None

    def due(self, state: PartitionState, now_ms: int, out: Outbox) -> None:
        """Fire the timers that are due, of at most `FIRINGS` work orders."""
        orders = self._partitions[state.partition]
        for _ in range(FIRINGS):
            ident = orders.pop_due(now_ms)
            if ident is None:
                break
            order = orders.get(ident)
            if order is None:
                orders.forget_unknown(ident)
                continue
            try:
                effects = self._follower.fire(order, now_ms)
            except Exception as problem:
                self._give_up(orders, order, problem, now_ms, out)
                continue
            self._emit(order, effects, state.partition, now_ms, out)
            if self._follower.expired(order, now_ms):
                orders.remove(order)
            else:
                orders.put(order)
        orders.save()

    def process(self, piece: Slice, out: Outbox) -> None:
        """Take every record of the slice."""
        assert piece.state is not None
        orders = self._partitions[piece.partition]
        now_ms = int(self._clock.now() * 1000)
        handle = self._handlers.get(piece.topic, FollowUpStep._action)
        for record in piece.records:
            handle(self, piece, record, orders, now_ms, out)
        orders.save()

    def _action(self, piece: Slice, record: Any, orders: WorkOrders, now_ms: int, out: Outbox) -> None:
        action = loads(record.value)
        ident = action["action_id"]
        if derived_of(action) is not None or orders.get(ident) is not None:
            return
        if orders.count >= self._most:
            metrics.DROPPED.labels("follow_up", "too_many_orders").inc()
            add_alert(
                out, "sla", f"follow_up/{piece.partition}", f"more than {self._most} work orders are open",
                "critical", now_ms, since_ms=now_ms // 3_600_000 * 3_600_000, done="new actions not followed",
            )  # fmt: skip
            return
        key = (record.key or action["customer_id"].encode()).decode()
        order, effects = self._follower.open(action, key, now_ms)
        for status in orders.take_unknown(ident):
            effects += self._follower.answer(order, ident, now_ms=now_ms, **status)
        orders.put(order)
        self._emit(order, effects, piece.partition, now_ms, out)

    def _status(self, piece: Slice, record: Any, orders: WorkOrders, now_ms: int, out: Outbox) -> None:
        said = self._admit(piece, record, now_ms, out)
        if said is None:
            return
        ident, status = said
        order = orders.find(ident)
        if order is None:
            metrics.UNKNOWN_STATUS.inc()
            if not orders.keep_unknown(ident, status, now_ms):
                metrics.DROPPED.labels("follow_up", "unknown_status").inc()
            return
        effects = self._follower.answer(order, ident, now_ms=now_ms, **status)
        if not effects:
            metrics.DROPPED.labels("follow_up", "no_news").inc()
            return
        orders.put(order)
        self._emit(order, effects, piece.partition, now_ms, out)

    def _admit(
        self, piece: Slice, record: Any, now_ms: int, out: Outbox
    ) -> tuple[str, dict[str, Any]] | None:
        """Return the action's id and what was said; a status that breaks the contract is a dead letter."""
        try:
            status = ActionStatus.model_validate_json(record.value or b"")
        except ValidationError as error:
            path = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
            known = path if path in ActionStatus.model_fields else ""
            dead = DeadLetter(DeadReason.INVALID if record.value else DeadReason.EMPTY, known)
            place = (piece.topic, piece.partition, record.offset)
            add_dead_letter(out, "follow_up", place, dead, record.timestamp, now_ms, record.headers)
            metrics.DEAD.labels("follow_up", dead.reason).inc()
            return None
        at = record.timestamp
        if status.occurred_at is not None:
            at = min(at, int(status.occurred_at.timestamp() * 1000))
        raw = status.model_dump(include={"action_id", "status", "by", "reason", "team"})
        said = raw | {"occurred_at": None if status.occurred_at is None else at}
        return status.action_id, {
            "ident": status_ident(said, record.timestamp),
            "status": status.status,
            "at": at,
            "by": status.by or "",
            "reason": status.reason or "",
            "team": status.team or "",
        }

    def _feedback(self, piece: Slice, record: Any, orders: WorkOrders, now_ms: int, out: Outbox) -> None:
        """Note a complaint about what a work order of the same customer was about."""
        idents, erasing = orders.of_customer(record.key), ERASURE in record.value
        if not erasing and (not idents or COMPLAINT not in record.value):
            return
        event = loads(record.value)
        if is_erasure(event):
            for forgotten in filter(None, map(orders.get, idents)):
                orders.remove(forgotten)
            assert piece.state is not None
            forget_customer(piece.state, record.key.decode())
            return
        if event["event"] != "feedback" or event["scores"]["kind"] != "complaint":
            return
        topics, at = set(event["scores"]["topics"]), event["occurred_at"]
        for ident in idents:
            order = orders.get(ident)
            if order is None or order.topic not in topics:
                continue
            effects = self._follower.complain(order, event["feedback_id"], at, now_ms)
            if effects:
                orders.put(order)
                self._emit(order, effects, piece.partition, now_ms, out)

    def _emit(
        self, order: WorkOrder, effects: list[Effect], partition: int, now_ms: int, out: Outbox
    ) -> None:
        key = order.key.encode()
        for effect in effects:
            if isinstance(effect, Send):
                action = effect.action
                kind, ident = action["kind"], action["action_id"]
                headers = cloud_event(f"hark.action.{kind}", "follow_up", ident, now_ms, ())
                out.placed(action_topic(kind), partition, key, dumps(action), headers)
            elif isinstance(effect, Alarm):
                add_alert(
                    out, "sla", effect.subject, effect.message, effect.severity, now_ms,
                    since_ms=effect.since, done=effect.done,
                )  # fmt: skip
            else:
                change = effect.change
                headers = cloud_event("hark.work_order.change", "follow_up", change["change_id"], now_ms, ())
                out.placed(WORK_ORDERS, partition, key, dumps(change), headers)
                if change["change"] == "escalated":
                    metrics.ESCALATIONS.labels(str(change["level"])).inc()
                    if change["level"] == 1:
                        metrics.SLA_BREACHES.labels(change["team"]).inc()

    def _give_up(
        self, orders: WorkOrders, order: WorkOrder, problem: Exception, now_ms: int, out: Outbox
    ) -> None:
        """Let go of a work order whose timers cannot be fired, loudly: it must not stop the others."""
        log.error("work order %s cannot be followed up: %s", order.ident, type(problem).__name__)
        orders.remove(order)
        add_alert(
            out, "poison", f"work order {order.ident}", f"work order {order.ident} cannot be followed up",
            "critical", now_ms, since_ms=order.opened_at, done="not followed any more",
        )  # fmt: skip

    _handlers: Mapping[str, Callable[[FollowUpStep, Slice, Any, WorkOrders, int, Outbox], None]] = {
        ACTION_STATUS: _status,
        FEEDBACK_SCORED: _feedback,
    }
