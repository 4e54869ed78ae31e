"""What becomes of a work order: answers, silence, failure, complaints, and the end of every loop."""

from __future__ import annotations

import pytest
from follow_up_world import DAY, HOUR, NOW, Play, action

from models.follow_up import Effect, Record, Send, WorkOrder, derived_of, load_policy, status_ident, suggest
from models.follow_up.order import MOST_ENTRIES
from models.follow_up.policy import Route


def test_a_ticket_goes_through_its_states() -> None:
    play = Play()
    seen = [play.state]
    for hour, status in enumerate(("assigned", "in_progress", "waiting", "resolved"), 1):
        play.says(status, NOW + hour * HOUR // 2)
        seen.append(play.state)
    play.says("customer_told", NOW + 3 * HOUR)
    assert seen == ["open", "assigned", "in_progress", "waiting", "resolved"]
    play.until(NOW + 60 * DAY)
    assert play.state == "closed"
    assert play.sent() == [] and play.alarms() == []
    assert play.changes() == [
        "opened", "assigned", "in_progress", "waiting", "resolved", "customer_told", "closed",
    ]  # fmt: skip


def test_silence_warns_then_goes_up_the_ladder_and_ends() -> None:
    play = Play()
    play.says("accepted", NOW + HOUR)
    play.until(NOW + 60 * DAY)
    ladder = load_policy().ladder("retention")
    escalations = [made for made in play.sent() if made["kind"] == "escalation"]
    assert [made["team"] for made in escalations] == [level.team for level in ladder]
    assert play.changes() == ["opened", "accepted", "warned", *["escalated"] * len(ladder), "abandoned"]
    assert [alarm.severity for alarm in play.alarms()] == ["warning", *["critical"] * (len(ladder) + 1)]
    assert play.follower.expired(play.order, NOW + 60 * DAY)


def test_the_deadline_counts_business_hours() -> None:
    """Six hours from Wednesday 15:00 are Thursday 12:00 for the shop, Wednesday 21:00 on the clock."""
    given = action(decided_at=NOW + 5 * HOUR, deadline=NOW + 11 * HOUR)
    shop, clock = Play(given), Play(given, always=True)
    opened = [play.effects[0] for play in (shop, clock)]
    due = [effect.change["deadline"] for effect in opened if isinstance(effect, Record)]
    assert due == [NOW + 26 * HOUR, NOW + 11 * HOUR]


def test_waiting_for_the_customer_stops_the_clock() -> None:
    play = Play()
    play.says("accepted", NOW + HOUR)
    play.says("waiting", NOW + 2 * HOUR)
    play.says("in_progress", NOW + 5 * HOUR)
    change = play.effects[-1]
    assert isinstance(change, Record)
    assert change.change["deadline"] == NOW + 24 * HOUR  # 16:00 plus 3 h: an hour after opening next day


def test_waiting_for_ever_does_not_stop_it_for_ever() -> None:
    play = Play()
    play.says("waiting", NOW + HOUR)
    play.until(NOW + 20 * DAY)
    assert "escalated" in play.changes()


def test_nobody_answers_so_the_backup_gets_it() -> None:
    play = Play()
    play.until(NOW + 5 * HOUR)
    assert play.changes() == ["opened", "unanswered", "handed", "warned"]
    (handed,) = play.sent()
    assert (handed["kind"], handed["team"]) == ("ticket", "support")
    assert handed["parameters"]["points"] == 5
    play.says("resolved", NOW + 5 * HOUR, handed["action_id"])
    assert play.state == "resolved"


def test_a_coupon_is_never_handed_to_another_team() -> None:
    play = Play(action(kind="coupon"))
    play.until(NOW + 5 * HOUR)
    assert play.sent() == []
    assert "unanswered" in play.changes()


def test_a_person_hands_it_to_another_team() -> None:
    play = Play()
    play.says("assigned", NOW + HOUR, team="logistics")
    play.until(NOW + HOUR)
    (handed,) = play.sent()
    assert handed["team"] == "logistics" and play.order.holder == "logistics"


def test_routing_sends_it_to_the_team_of_its_topic() -> None:
    play = Play(action(team="support", topic="payment.refund"))
    play.until(NOW)
    assert [made["team"] for made in play.sent()] == ["payments"]
    same = Play(action(team="retention", topic="payment.refund"))
    same.until(NOW)
    assert same.sent() == []


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (Route(to="x"), True),
        (Route(to="x", topics=["payment.*"]), True),
        (Route(to="x", topics=["price.*"]), False),
        (Route(to="x", kinds=["coupon"]), False),
        (Route(to="x", teams=["support"], topics=["payment.refund"]), True),
        (Route(to="x", teams=["retention"]), False),
    ],
)
def test_routes_match_by_all_they_name(route: Route, expected: bool) -> None:
    assert route.matches("payment.refund", "ticket", "support") is expected


def test_a_failed_coupon_is_tried_again_then_made_good() -> None:
    play = Play(action(kind="coupon"), always=True)
    play.says("failed", NOW + 1000)
    play.until(NOW + 700_000)
    (retry,) = play.sent()
    assert (retry["kind"], retry["parameters"]["points"]) == ("coupon", 5)
    play.says("failed", NOW + 701_000, retry["action_id"])
    play.until(NOW + 2_000_000)
    second = play.sent()[-1]
    play.says("failed", NOW + 2_001_000, second["action_id"])
    play.until(NOW + 2_001_000)
    assert play.steps() == ["retry", "retry", "makegood"]
    good = play.sent()[-1]
    assert good["kind"] == "compensation" and good["parameters"]["instead_of"] == "coupon"
    play.says("delivered", NOW + 2_002_000, good["action_id"])
    assert play.state == "resolved"


def test_a_retry_that_is_not_needed_any_more_is_not_sent() -> None:
    play = Play(action(kind="coupon"), always=True)
    play.says("failed", NOW + 1000)
    play.says("delivered", NOW + 2000)
    play.until(NOW + 5 * HOUR)
    assert play.sent() == [] and play.state == "resolved"


def test_the_customer_is_told_when_the_service_does_not() -> None:
    play = Play()
    play.says("resolved", NOW + HOUR)
    play.until(NOW + 5 * HOUR)
    (told,) = play.sent()
    assert told["kind"] == "notify" and told["parameters"]["audience"] == "customer"
    play.says("delivered", NOW + 5 * HOUR, told["action_id"])
    assert play.follower.progress(play.order).told_at == NOW + 5 * HOUR


def test_what_reaches_the_customer_anyway_needs_no_telling() -> None:
    play = Play(action(kind="coupon"))
    play.says("delivered", NOW + HOUR)
    play.until(NOW + 3 * DAY)
    assert play.sent() == []
    assert play.follower.progress(play.order).told_at == NOW + HOUR


def test_a_notice_inside_the_company_tells_no_customer() -> None:
    play = Play(action(kind="notify", team="pr", parameters={"audience": "pr"}))
    play.says("resolved", NOW + 60_000)
    play.until(NOW + 60 * DAY)
    assert play.sent() == []
    assert play.follower.progress(play.order).told_at is None


def test_the_same_complaint_again_reopens_and_goes_to_a_person() -> None:
    play = Play(action(kind="coupon"))
    play.says("delivered", NOW + HOUR)
    play.take(play.follower.complain(play.order, "f9", NOW + DAY, NOW + DAY))
    assert play.state == "open"
    play.until(NOW + DAY)
    (ticket,) = play.sent()
    assert ticket["kind"] == "ticket" and ticket["parameters"]["reopened"] == 1
    play.says("resolved", NOW + DAY + HOUR, ticket["action_id"])
    play.until(NOW + 3 * DAY)
    assert play.steps() == ["reopen", "tell"]


@pytest.mark.parametrize(
    ("feedback", "at", "why"),
    [
        ("f9", NOW + 30 * 60_000, "said before the resolution"),
        ("f9", NOW + 20 * DAY, "after the window"),
        ("f1", NOW + DAY, "the complaint it was about"),
        ("f9", NOW - HOUR, "said before the action"),
    ],
)
def test_other_complaints_reopen_nothing(feedback: str, at: int, why: str) -> None:
    play = Play()
    play.says("resolved", NOW + HOUR)
    play.take(play.follower.complain(play.order, feedback, at, NOW + DAY))
    assert play.state == "resolved", why


def test_a_complaint_read_before_the_resolution_it_follows_reopens_all_the_same() -> None:
    play = Play()
    play.take(play.follower.complain(play.order, "f9", NOW + 2 * HOUR, NOW + 2 * HOUR))
    play.says("resolved", NOW + HOUR)
    assert play.state == "open"
    assert play.follower.progress(play.order).cycle == 1


def test_a_quarrel_ends() -> None:
    play, at = Play(), NOW
    for number in range(10):
        at += HOUR
        play.says("resolved", at)
        at += HOUR
        play.take(play.follower.complain(play.order, f"f{number + 2}", at, at))
        play.until(at)
    assert play.steps().count("reopen") == load_policy().reopen.most
    assert play.state == "resolved"


def test_what_follow_up_sends_is_marked_as_its_own() -> None:
    play = Play()
    play.until(NOW + 60 * DAY)
    assert len(play.sent()) >= 4
    for made in play.sent():
        about = derived_of(made)
        assert about is not None and about["of"] == "a1"
    assert derived_of(action()) is None


def test_an_escalation_that_fails_fails_nothing_else() -> None:
    play = Play()
    play.says("accepted", NOW + HOUR)
    play.until(NOW + 7 * HOUR)
    (escalation,) = play.sent()
    assert play.says("failed", NOW + 7 * HOUR, escalation["action_id"]) == []
    play.says("resolved", NOW + 8 * HOUR, escalation["action_id"])
    assert play.state == "resolved"


def test_a_repeat_is_no_news() -> None:
    play = Play()
    assert play.says("accepted", NOW + HOUR, ident="same")
    assert play.says("accepted", NOW + HOUR, ident="same") == []


def test_what_is_late_by_weeks_changes_nothing_that_is_closed() -> None:
    play = Play()
    play.says("resolved", NOW + HOUR)
    play.says("customer_told", NOW + HOUR)
    play.until(NOW + 9 * DAY)
    before = play.state
    play.says("in_progress", NOW + 2 * HOUR)
    assert (before, play.state) == ("closed", "closed")


def test_replayed_history_gets_the_time_of_the_policy() -> None:
    play = Play(action(deadline=NOW - 40 * DAY, urgency="urgent"))
    assert play.order.sla == load_policy().resolution.urgent
    assert play.until(NOW + HOUR // 2) == []


def test_a_work_order_stays_small() -> None:
    play = Play()
    for number in range(3 * MOST_ENTRIES):
        play.says("in_progress", NOW + number)
        play.says("waiting", NOW + number)
    assert len(play.order.entries) == MOST_ENTRIES
    assert play.state == "waiting"
    assert WorkOrder.load(play.order.dump()) == play.order


def test_firing_twice_after_a_crash_sends_the_same_ids() -> None:
    play = Play()
    play.says("accepted", NOW + HOUR)
    held = play.order.dump()
    first = play.follower.fire(WorkOrder.load(held), NOW + 7 * HOUR)
    second = play.follower.fire(WorkOrder.load(held), NOW + 7 * HOUR + 5)
    ids = [[ident_of(effect) for effect in effects] for effects in (first, second)]
    assert ids[0] == ids[1] and len(ids[0]) == 3


def ident_of(effect: Effect) -> object:
    if isinstance(effect, Record):
        return effect.change["change_id"]
    return effect.action["action_id"] if isinstance(effect, Send) else (effect.subject, effect.since)


def test_statuses_without_a_time_are_told_apart_by_their_append() -> None:
    raw = {"action_id": "a", "status": "accepted"}
    assert status_ident(raw, 1) != status_ident(raw, 2)
    assert status_ident(raw | {"occurred_at": 5}, 1) == status_ident(raw | {"occurred_at": 5}, 2)


def test_suggestions_fit_the_stage_and_the_topic() -> None:
    assert [reply.id for reply in suggest("payment.refund", "resolved")][0] == "payment_refunded"
    assert [reply.id for reply in suggest("", "open")] == ["any_received"]
    for reply in suggest("safety.fire", "open"):
        assert reply.text("zh-CN") == reply.zh and reply.text("de") == reply.en
