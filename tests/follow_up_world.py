"""A desk with round hours and made-up actions, shared by the tests of follow_up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.events import Action, WorkOrderChange
from models.follow_up import Alarm, Desk, Effect, Follower, Record, Send, WorkOrder, load_policy

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = int(datetime.fromisoformat("2026-03-11T10:00+08:00").timestamp() * 1000)
"""A Wednesday, an hour after the shop opened."""


def desk(*, always: bool = False) -> Desk:
    return Desk(load_policy(), "09:00-18:00", "Asia/Shanghai", always=always)


def action(ident: str = "a1", kind: str = "ticket", **changes: Any) -> dict[str, Any]:
    made = {
        "action_id": ident, "decision_id": "d1", "feedback_id": "f1", "customer_id": "cust-1", "kind": kind,
        "rule_id": "rescue", "rule_version": 3, "team": "retention", "template": "text", "lang": "en",
        "parameters": {"points": 5}, "explanation": "three complaints", "priority": 0.8,
        "topic": "service.attitude", "urgency": "normal", "deadline": NOW + 6 * HOUR, "received_at": NOW,
        "decided_at": NOW,
    } | changes  # fmt: skip
    Action.model_validate(made)
    return made


class Play:
    """One work order and everything that came of it."""

    def __init__(self, given: dict[str, Any] | None = None, *, always: bool = False) -> None:
        self.follower = Follower(desk(always=always))
        self.effects: list[Effect] = []
        self.order, effects = self.follower.open(given or action(), "cust-1", NOW)
        self.take(effects)

    def take(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            if isinstance(effect, Send):
                Action.model_validate(effect.action)
            elif isinstance(effect, Record):
                WorkOrderChange.model_validate(effect.change)
        self.effects += effects
        return effects

    def says(
        self, status: str, at: int, action_id: str = "", team: str = "", ident: str = ""
    ) -> list[Effect]:
        target = action_id or self.order.ident
        name = ident or f"{target}/{status}/{at}"
        return self.take(self.follower.answer(self.order, target, name, status, at, at, by="desk", team=team))

    def until(self, at: int) -> list[Effect]:
        """Let time pass; the state goes through JSON each time, as in a restart."""
        found: list[Effect] = []
        while (due := self.follower.next_due(self.order)) is not None and due <= at:
            self.order = WorkOrder.load(self.order.dump())
            if self.follower.expired(self.order, due):
                break
            found += self.take(self.follower.fire(self.order, due))
        return found

    @property
    def state(self) -> str:
        return self.follower.progress(self.order).state

    def sent(self) -> list[dict[str, Any]]:
        return [effect.action for effect in self.effects if isinstance(effect, Send)]

    def steps(self) -> list[str]:
        return [made["parameters"]["follow_up"]["step"] for made in self.sent()]

    def changes(self) -> list[str]:
        return [effect.change["change"] for effect in self.effects if isinstance(effect, Record)]

    def alarms(self) -> list[Alarm]:
        return [effect for effect in self.effects if isinstance(effect, Alarm)]
