"""Any order of arrival, any restart and any crash end the same; no loop feeds itself."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args

from follow_up_world import HOUR, NOW, action, desk
from hypothesis import given, settings
from hypothesis import strategies as st

from models.events import ActionStatus
from models.follow_up import BusinessHours, Effect, Follower, Progress, Send, WorkOrder, load_policy
from models.follow_up.order import MOST_ENTRIES

STATUSES = get_args(ActionStatus.model_fields["status"].annotation)
KINDS = ("ticket", "coupon", "escalation", "notify")

Said = tuple[str, int, str]


@cache
def follower() -> Follower:
    return Follower(desk())


def order_of(kind: str) -> WorkOrder:
    given = action(kind=kind, team="support", topic="service.response", deadline=NOW + 4 * HOUR)
    return follower().open(given, "c", NOW)[0]


def tell(order: WorkOrder, said: Said) -> list[Effect]:
    status, at, ident = said
    if status == "complained":
        return follower().complain(order, ident, at, at)
    return follower().answer(order, "a1", ident, status, at, at, team="payments")


sayings = st.lists(
    st.tuples(st.sampled_from((*STATUSES, "complained")), st.integers(NOW - HOUR, NOW + 200 * HOUR)),
    max_size=12,
    unique=True,
).map(lambda rows: [(status, at, f"s{number}") for number, (status, at) in enumerate(rows)])


@given(st.sampled_from(KINDS), sayings, st.randoms(use_true_random=False))
def test_any_order_of_arrival_ends_the_same(kind: str, said: list[Said], rng: Any) -> None:
    """Late, repeated and shuffled answers lead to the same progress and the same timers."""
    orders = [order_of(kind), order_of(kind)]
    shuffled = said + said[: len(said) // 2]
    rng.shuffle(shuffled)
    for order, heard in zip(orders, (said, shuffled), strict=True):
        for each in heard:
            tell(order, each)
    first, second = (follower().progress(order) for order in orders)
    assert first == second
    assert follower().next_due(orders[0]) == follower().next_due(orders[1])


@given(st.sampled_from(KINDS), sayings, st.integers(0, 12))
def test_a_restart_anywhere_changes_nothing(kind: str, said: list[Said], cut: int) -> None:
    whole, parts = order_of(kind), order_of(kind)
    for number, each in enumerate(said):
        tell(whole, each)
        if number == cut:
            parts = WorkOrder.load(parts.dump())
        tell(parts, each)
    assert whole == parts


@settings(max_examples=60)
@given(st.sampled_from(KINDS), sayings, st.lists(st.integers(1, 400), min_size=1, max_size=12), st.booleans())
def test_timers_fire_once_and_come_to_an_end(
    kind: str, said: list[Said], gaps: list[int], crash: bool
) -> None:
    """Wherever ticks and answers fall, ids are never sent twice and in the end nothing is due."""
    order, sent, now = order_of(kind), [], NOW
    waiting = sorted(said, key=lambda each: each[1])
    horizon = iter(gaps + [24 * 30] * 8)
    while not follower().expired(order, now):
        now += next(horizon) * HOUR
        while waiting and waiting[0][1] <= now:
            tell(order, waiting.pop(0))
        if crash:
            follower().fire(WorkOrder.load(order.dump()), now)  # died before its state was written
        sent += [made.action["action_id"] for made in follower().fire(order, now) if isinstance(made, Send)]
        assert (follower().next_due(order) or now + 1) > now or follower().expired(order, now)
    assert len(sent) == len(set(sent)) == len(order.derived)
    assert len(order.derived) <= 40
    assert len(order.entries) <= MOST_ENTRIES


@given(st.sampled_from(KINDS), sayings)
def test_progress_is_always_one_of_the_states(kind: str, said: list[Said]) -> None:
    order = order_of(kind)
    for each in said:
        tell(order, each)
        progress = follower().progress(order)
        check(progress)


def check(progress: Progress) -> None:
    assert progress.state in ("open", "assigned", "in_progress", "waiting", "resolved", "closed")
    assert (progress.waiting_since is not None) == (progress.state == "waiting")
    assert (progress.resolved_at is None) or progress.done
    assert (progress.state == "closed") == (progress.closed_at is not None)


spans = st.integers(0, 90 * HOUR)
instants = st.integers(NOW - 400 * 24 * HOUR, NOW + 400 * 24 * HOUR)


@cache
def calendars() -> list[BusinessHours]:
    days = load_policy().calendars["default"]
    return [
        BusinessHours("09:00-12:00,13:30-18:00", "Asia/Shanghai", days.workdays, days.holidays, days.working),
        BusinessHours("06:00-22:00", "America/New_York"),
    ]


@settings(max_examples=50)
@given(instants, spans, spans)
def test_adding_and_measuring_agree(start: int, first: int, second: int) -> None:
    for calendar in calendars():
        end = calendar.add(start, first)
        assert end >= start
        assert calendar.between(start, end) == first
        if first:
            assert calendar.add(end, second) >= calendar.add(start, second)
            assert calendar.between(start, calendar.add(end, second)) == first + second
