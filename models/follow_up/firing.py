"""What each timer of a work order does when it fires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.events.decision import ActionKind
from models.follow_up.answers import ESCALATE, HAND, MAKEGOOD, REOPEN, RETRY, TELL
from models.follow_up.effects import FOLLOW_UP, Alarm, Effect, Record, Send, derive, record
from models.follow_up.order import WorkOrder
from models.follow_up.policy import Desk, Wording
from models.follow_up.progress import Entry, Progress
from models.follow_up.timers import deadline


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that is due.

    Parameters
    ----------
    progress
        Where the work order stood before it fired.
    name
        "step:number"; with the work order's id it makes the ids of whatever is sent.
    at, now_ms
        When it was due and when it fires, ms.
    """

    order: WorkOrder
    progress: Progress
    name: str
    at: int
    now_ms: int

    @property
    def step(self) -> str:
        """What is to be done."""
        return self.name.partition(":")[0]

    @property
    def number(self) -> str:
        """Which time it is done."""
        return self.name.partition(":")[2]

    @property
    def work(self) -> str:
        """The work in words, for people."""
        return f"{self.order.kind} of {self.order.action['rule_id']}"


class Firing:
    """Fires timers.

    Parameters
    ----------
    desk
        Policy and calendars.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._policy = desk.policy
        self._steps: Mapping[str, Callable[[Due], list[Effect]]] = {
            "respond": self._respond,
            "warn": self._warn,
            ESCALATE: self._escalate,
            HAND: self._hand,
            REOPEN: self._reopen,
            RETRY: self._retry,
            MAKEGOOD: self._make_good,
            TELL: self._tell,
            "close": self._close,
            "abandon": self._abandon,
        }

    def fire(self, due: Due) -> list[Effect]:
        """Do what the timer is for; the caller has noted in `WorkOrder.fired` that it fired."""
        return self._steps[due.step](due)

    def _respond(self, due: Due) -> list[Effect]:
        """Hand work nobody took up to the backup, if the team has one and people do the work."""
        order, progress, done = due.order, due.progress, "waits"
        backup = self._policy.team(progress.team).backup
        by_people = self._policy.kinds[ActionKind(order.kind)].by == "people" or progress.cycle > 0
        if backup is not None and by_people:
            self._say(due, Entry(due.name, "assigned", due.at, FOLLOW_UP, "no_response", backup))
            done = f"reassigned to {backup}"
        message = f"nobody of {progress.team} took up {due.work} in time"
        return [self._note(due, "unanswered"), self._alarm(due, message, "warning", done)]

    def _warn(self, due: Due) -> list[Effect]:
        """Warn of the deadline; when it is over already the escalation says enough."""
        if deadline(due.order, due.progress, self._desk) <= due.now_ms:
            return []
        message = f"{due.work} at {due.progress.team} is near its deadline"
        return [self._note(due, "warned"), self._alarm(due, message, "warning", "warned")]

    def _escalate(self, due: Due) -> list[Effect]:
        """Ask the next level of the team's ladder."""
        team, now_ms = due.progress.team, due.now_ms
        position = int(due.number.rpartition(":")[2])
        ladder = self._policy.ladder(team)
        level = ladder[position - 1]
        until = self._desk.calendar(team).add(now_ms, ladder[min(position, len(ladder) - 1)].after)
        message = f"{due.work} at {team} is past its deadline"
        sent = self._derive(
            due, "escalation", level.team, self._policy.texts.escalate,
            f"{message}: level {position} of {len(ladder)}, {level.level}", until,
            {"level": level.level, "overdue_team": team},
        )  # fmt: skip
        done = f"escalated to {level.level}"
        return [sent, self._note(due, "escalated", sent), self._alarm(due, message, "critical", done)]

    def _hand(self, due: Due) -> list[Effect]:
        """Send the work to the team that has it now."""
        order, team = due.order, due.progress.team
        before, order.holder = order.holder, team
        sent = self._derive(
            due, order.kind, team, None, f"handed from {before} to {team}: {order.action['explanation']}",
            self._deadline(due), dict(order.action["parameters"]) | {"handed_from": before},
        )  # fmt: skip
        return [sent, self._note(due, "handed", sent)]

    def _reopen(self, due: Due) -> list[Effect]:
        """Send what did not help once to a person, whatever it was."""
        order, progress = due.order, due.progress
        order.holder = progress.team
        sent = self._derive(
            due, "ticket", progress.team, self._policy.texts.reopen,
            f"the customer complained again after {due.work}", self._deadline(due),
            {"topic": order.topic, "reopened": progress.cycle},
        )  # fmt: skip
        message = f"{due.work} did not settle the matter"
        return [
            sent,
            self._note(due, "sent_again", sent),
            self._alarm(due, message, "warning", "ticket sent"),
        ]

    def _retry(self, due: Due) -> list[Effect]:
        """Send the action again under an id of its own: consumers drop ids they know."""
        action = due.order.action
        sent = self._derive(
            due, due.order.kind, due.progress.team, None,
            f"attempt {int(due.number) + 1}: {action['explanation']}", self._deadline(due),
            dict(action["parameters"]),
        )  # fmt: skip
        return [sent, self._note(due, "retried", sent)]

    def _make_good(self, due: Due) -> list[Effect]:
        """Put something else in the place of what failed however often it was tried."""
        order = due.order
        kind = self._policy.kinds[ActionKind(order.kind)].failed
        texts = self._policy.texts
        message = f"{due.work} failed {due.progress.failures} times"
        sent = self._derive(
            due, kind, due.progress.team, texts.compensation if kind == "compensation" else texts.ticket,
            message, self._deadline(due), dict(order.action["parameters"]) | {"instead_of": order.kind},
        )  # fmt: skip
        return [
            sent,
            self._note(due, "made_good", sent),
            self._alarm(due, message, "warning", f"{kind} sent"),
        ]

    def _tell(self, due: Due) -> list[Effect]:
        """Tell the customer of the outcome, since nobody has."""
        until = self._desk.calendar(due.progress.team).add(due.now_ms, self._policy.tell_after)
        sent = self._derive(
            due, "notify", due.progress.team, self._policy.texts.tell,
            f"{due.work} is resolved and the customer was not told", until,
            {"audience": "customer", "topic": due.order.topic},
        )  # fmt: skip
        return [sent, self._note(due, "telling", sent)]

    def _close(self, due: Due) -> list[Effect]:
        self._say(due, Entry(due.name, "closed", due.at, FOLLOW_UP))
        return [self._note(due, "closed")]

    def _abandon(self, due: Due) -> list[Effect]:
        self._say(due, Entry(due.name, "abandoned", due.at, FOLLOW_UP))
        message = f"{due.work} at {due.progress.team} was never finished"
        return [self._note(due, "abandoned"), self._alarm(due, message, "critical", "closed as abandoned")]

    def _say(self, due: Due, entry: Entry) -> None:
        due.order.add(entry, self._policy.reopen.window, self._policy.reopen.most)

    def _deadline(self, due: Due) -> int:
        return deadline(due.order, due.progress, self._desk)

    def _note(self, due: Due, change: str, sent: Send | None = None) -> Record:
        after = due.order.progress(self._policy.reopen.window, self._policy.reopen.most)
        return record(
            due.order, due.progress, after, self._desk, change=change, ident=due.name, at=due.at,
            now_ms=due.now_ms, sent=sent.action["action_id"] if sent else "",
        )  # fmt: skip

    def _alarm(self, due: Due, message: str, severity: str, done: str) -> Alarm:
        return Alarm(f"{due.order.action['rule_id']}/{due.order.ident}", message, severity, due.at, done)

    def _derive(
        self, due: Due, kind: str, team: str, text: Wording | None, explanation: str, until: int,
        parameters: dict[str, Any],
    ) -> Send:  # fmt: skip
        template = due.order.action["template"]
        if text is not None:
            template = text.of(due.order.action["lang"])
            for name, value in parameters.items():
                template = template.replace("{" + name + "}", str(value))
        return derive(
            due.order, due.step, due.number, due.now_ms, kind=kind, team=team, template=template,
            explanation=explanation, deadline_at=until, parameters=parameters,
        )  # fmt: skip
