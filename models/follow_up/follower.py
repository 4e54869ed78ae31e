"""Follows work orders up: opens them, takes answers and complaints, fires what is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.events.decision import ActionKind
from models.follow_up.answers import REOPEN, translate
from models.follow_up.effects import Effect, record
from models.follow_up.firing import Due, Firing
from models.follow_up.order import WorkOrder, stable_id
from models.follow_up.policy import Desk
from models.follow_up.progress import Entry, Progress
from models.follow_up.timers import EXPIRE, timers

MOST_FIRINGS = 64
"""Timers of one work order fired in one go; more would mean that firing makes itself due."""


class Endless(RuntimeError):
    """A work order's timers do not come to an end."""


class Follower:
    """Applies a policy to work orders; keeps nothing of its own.

    Parameters
    ----------
    desk
        Policy and calendars.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._policy = desk.policy
        self._firing = Firing(desk)

    def progress(self, order: WorkOrder) -> Progress:
        """Return where a work order stands."""
        return order.progress(self._policy.reopen.window, self._policy.reopen.most)

    def open(self, action: Mapping[str, Any], key: str, now_ms: int) -> tuple[WorkOrder, list[Effect]]:
        """Return the work order of an action, and the first line of its trail.

        An action whose deadline was over when it was decided (replayed history) gets the policy's time.
        """
        opened, kind = action["decided_at"], action["kind"]
        topic = action.get("topic") or (action.get("parameters") or {}).get("topic") or ""
        urgency = action.get("urgency") or "normal"
        sla = action["deadline"] - opened
        team = self._policy.route(topic, kind, action["team"])
        order = WorkOrder(
            action=dict(action),
            key=key,
            opened_at=opened,
            sla=sla if sla > 0 else self._policy.resolution.of(urgency),
            response=self._policy.response.of(urgency),
            topic=topic,
            urgency=urgency,
            holder=action["team"],
            start=Progress(team, opened),
        )
        change = record(
            order, None, self.progress(order), self.desk,
            change="opened", ident="opened", at=opened, now_ms=now_ms, reason=action["rule_id"],
        )  # fmt: skip
        return order, [change]

    def answer(
        self,
        order: WorkOrder,
        action_id: str,
        ident: str,
        status: str,
        at: int,
        now_ms: int,
        *,
        by: str = "",
        reason: str = "",
        team: str = "",
    ) -> list[Effect]:
        """Take a service's status on the work order's action, or on one that followed from it.

        Parameters
        ----------
        ident
            Tells a repeat from news.
        at
            When it happened, ms; before the opening (a service's clock, played history) counts as then.
        """
        at = max(at, order.opened_at)
        step = order.derived.get(action_id, "")
        kind = self._policy.kinds[ActionKind("ticket" if step == REOPEN else order.kind)]
        entry = translate(ident, status, at, kind, step, by=by, reason=reason, team=team)
        return [] if entry is None else self._add(order, entry, status, now_ms)

    def complain(self, order: WorkOrder, feedback_id: str, at: int, now_ms: int) -> list[Effect]:
        """Note that the customer complained about the work order's topic again."""
        if at <= order.opened_at or feedback_id == order.action["feedback_id"]:
            return []
        entry = Entry(f"complaint:{feedback_id}", "complained", at, "customer")
        return self._add(order, entry, "complained", now_ms)

    def next_due(self, order: WorkOrder) -> int | None:
        """Return when the work order needs attention next, ms."""
        return min(timers(order, self.progress(order), self.desk).values(), default=None)

    def expired(self, order: WorkOrder, now_ms: int) -> bool:
        """Tell whether the work order can be forgotten."""
        due = timers(order, self.progress(order), self.desk).get(EXPIRE)
        return due is not None and due <= now_ms

    def fire(self, order: WorkOrder, now_ms: int) -> list[Effect]:
        """Fire everything that is due, in order of time, also what becomes due by it.

        Raises
        ------
        Endless
            When firing makes itself due again and again, which would be a fault of ours.
        """
        effects: list[Effect] = []
        for _ in range(MOST_FIRINGS):
            progress = self.progress(order)
            waiting = timers(order, progress, self.desk)
            waiting.pop(EXPIRE, None)
            name, at = min(waiting.items(), key=lambda item: item[1], default=("", now_ms + 1))
            if at > now_ms:
                return effects
            order.fired[name] = now_ms
            effects += self._firing.fire(Due(order, progress, name, at, now_ms))
        raise Endless(f"work order {order.ident} does not come to rest")

    def _add(self, order: WorkOrder, entry: Entry, change: str, now_ms: int) -> list[Effect]:
        if order.has(entry):
            return []
        before = self.progress(order)
        order.add(entry, self._policy.reopen.window, self._policy.reopen.most)
        after = self.progress(order)
        if change == "complained" and after.cycle > before.cycle:
            change = "reopened"
        line = record(
            order, before, after, self.desk, change=change, ident=f"said:{entry.ident}",
            at=entry.at, now_ms=now_ms, by=entry.by, reason=entry.reason,
        )  # fmt: skip
        return [line]


def status_ident(raw: Mapping[str, Any], appended_ms: int) -> str:
    """Return what tells a repeated status from news: its content, and its time as far as it has one.

    Examples
    --------
    >>> same = {"action_id": "a", "status": "resolved", "occurred_at": 7}
    >>> status_ident(same, 10) == status_ident(same, 11)
    True
    """
    at = raw.get("occurred_at")
    parts = [str(raw.get(name) or "") for name in ("action_id", "status", "by", "reason", "team")]
    return stable_id("status", *parts, str(appended_ms if at is None else at))[:16]
