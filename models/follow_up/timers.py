"""When a work order's timers are due: a pure function of the work order, so nothing can get out of step.

No timer is ever set or cancelled. What is due follows from the progress and from what has fired; after a
restart, a rebalance or a late answer the same function gives the same timers.
"""

from __future__ import annotations

from models.events.decision import ActionKind
from models.follow_up.order import WorkOrder
from models.follow_up.policy import Desk
from models.follow_up.progress import Progress

EXPIRE = "expire"
MOST_HANDOVERS = 40


def first_response_due(order: WorkOrder, progress: Progress, desk: Desk) -> int:
    """Return when somebody should have taken the work order up, ms."""
    return desk.calendar(progress.team).add(progress.began, min(order.response, order.sla))


def deadline(order: WorkOrder, progress: Progress, desk: Desk, share: float = 1.0) -> int:
    """Return the deadline, or the time at which `share` of the span to it has passed, ms.

    While the work order waits for the customer the clock stands still, for `Policy.waiting` at most: a wait
    that goes on counts as if it used all of that, so the result is always a time.
    """
    calendar, most = desk.calendar(progress.team), desk.policy.waiting
    waited = sum(min(most, calendar.between(since, until)) for since, until in progress.waits)
    if progress.waiting_since is not None:
        waited += most
    return calendar.add(progress.began, int(order.sla * share) + waited)


def escalations(order: WorkOrder, cycle: int) -> int:
    """Return how many levels were asked since the work order was last reopened."""
    prefix = f"escalate:{cycle}:"
    return sum(name.startswith(prefix) for name in order.fired)


def timers(order: WorkOrder, progress: Progress, desk: Desk) -> dict[str, int]:
    """Return the timers that have not fired, by name, with the time (ms) each is due.

    Of two due at the same time the one named first fires first.
    """
    due = _when_done(order, progress, desk) if progress.done else _when_open(order, progress, desk)
    return {name: at for name, at in due.items() if name not in order.fired}


def _when_done(order: WorkOrder, progress: Progress, desk: Desk) -> dict[str, int]:
    policy, cycle = desk.policy, progress.cycle
    due: dict[str, int] = {}
    to_tell = policy.kinds[ActionKind(order.kind)].customer == "tell" or cycle > 0
    if to_tell and progress.told_at is None and progress.resolved_at is not None:
        due[f"tell:{cycle}"] = desk.calendar(progress.team).add(progress.resolved_at, policy.tell_after)
    if progress.state == "resolved" and progress.resolved_at is not None:
        due[f"close:{cycle}"] = progress.resolved_at + policy.reopen.window
    elif progress.closed_at is not None:
        due[EXPIRE] = max(progress.closed_at + policy.keep, *due.values(), 0)
    return due


def _when_open(order: WorkOrder, progress: Progress, desk: Desk) -> dict[str, int]:
    policy, cycle, began = desk.policy, progress.cycle, progress.began
    due: dict[str, int] = {}
    by_people = policy.kinds[ActionKind(order.kind)].by == "people" or cycle > 0
    if cycle:
        due[f"reopen:{cycle}"] = began
    handed = sum(name.startswith("hand:") for name in order.fired)
    if by_people and progress.team != order.holder and handed < MOST_HANDOVERS:
        due[f"hand:{handed}"] = began
    if progress.taken_at is None:
        due[f"respond:{cycle}"] = first_response_due(order, progress, desk)
    due[f"warn:{cycle}"] = deadline(order, progress, desk, policy.warn_at)
    ladder, level = policy.ladder(progress.team), escalations(order, cycle)
    if level == 0 and ladder:
        due[f"escalate:{cycle}:1"] = deadline(order, progress, desk)
    elif level < len(ladder):
        since = order.fired[f"escalate:{cycle}:{level}"]
        due[f"escalate:{cycle}:{level + 1}"] = desk.calendar(progress.team).add(since, ladder[level].after)
    if progress.state == "open" and progress.failures:
        due |= _after_failure(progress, desk)
    due[f"abandon:{cycle}"] = began + policy.abandon_after
    return due


def _after_failure(progress: Progress, desk: Desk) -> dict[str, int]:
    retry, failures = desk.policy.retry, progress.failures
    if failures <= retry.times:
        return {f"retry:{failures}": progress.failed_at + retry.backoff * 2 ** (failures - 1)}
    return {"makegood:1": progress.failed_at}
