"""Business hours, holidays, adjusted weekends and summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from models.follow_up.calendar import AlwaysOpen, BusinessHours, CalendarError

HOUR = 3_600_000
SHANGHAI = "Asia/Shanghai"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def shown(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, ZoneInfo(SHANGHAI)).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-11T10:00+08:00", 2, "03-11 12:00"),
        ("2026-03-11T17:00+08:00", 2, "03-12 10:00"),
        ("2026-03-11T03:00+08:00", 1, "03-11 10:00"),
        ("2026-03-11T23:59+08:00", 1, "03-12 10:00"),
        ("2026-03-13T17:00+08:00", 2, "03-16 10:00"),
        ("2026-03-14T12:00+08:00", 9, "03-16 18:00"),
        ("2026-03-11T10:00+08:00", 45, "03-18 10:00"),
    ],
)
def test_hours_go_on_where_the_next_working_day_begins(start: str, hours: int, end: str) -> None:
    calendar = BusinessHours("09:00-18:00", SHANGHAI)
    assert shown(calendar.add(at(start), hours * HOUR)) == end


def test_holidays_have_no_hours_and_adjusted_weekends_have() -> None:
    calendar = BusinessHours(
        "09:00-18:00", SHANGHAI, holidays=[date(2026, 2, 16), date(2026, 2, 17)], working=[date(2026, 2, 14)]
    )
    friday = at("2026-02-13T17:00+08:00")
    assert shown(calendar.add(friday, 2 * HOUR)) == "02-14 10:00"
    assert shown(calendar.add(friday, 11 * HOUR)) == "02-18 10:00"


def test_a_break_at_noon_does_not_count() -> None:
    calendar = BusinessHours("09:00-12:00,13:30-18:00", SHANGHAI)
    assert shown(calendar.add(at("2026-03-11T11:00+08:00"), 2 * HOUR)) == "03-11 14:30"
    assert calendar.between(at("2026-03-11T11:00+08:00"), at("2026-03-11T14:30+08:00")) == 2 * HOUR


def test_the_shortest_and_longest_day_of_a_zone_with_summer_time() -> None:
    calendar = BusinessHours("00:00-24:00", "Europe/Berlin", workdays=["sun"])
    spring, autumn = at("2026-03-29T00:00+01:00"), at("2026-10-25T00:00+02:00")
    assert calendar.between(spring, spring + 30 * HOUR) == 23 * HOUR
    assert calendar.between(autumn, autumn + 30 * HOUR) == 25 * HOUR


def test_hours_that_summer_time_leaves_out_do_not_exist() -> None:
    calendar = BusinessHours("02:00-03:00", "Europe/Berlin", workdays=["sun"])
    spring = at("2026-03-29T00:00+01:00")
    assert calendar.between(spring, spring + 24 * HOUR) == 0


def test_around_the_clock_every_hour_counts() -> None:
    start = at("2026-03-14T12:00+08:00")
    assert AlwaysOpen().add(start, HOUR) == start + HOUR
    assert AlwaysOpen().between(start, start + HOUR) == HOUR
    assert AlwaysOpen().between(start, start - HOUR) == 0


@pytest.mark.parametrize(
    ("hours", "zone", "said"),
    [
        ("9-18", SHANGHAI, "are no hours"),
        ("18:00-09:00", SHANGHAI, "must end after it begins"),
        ("09:00-12:60", SHANGHAI, "must end after it begins"),
        ("09:00-12:00,11:00-18:00", SHANGHAI, "overlaps"),
        ("09:00-18:00", "Mars/Base", "no time zone"),
    ],
)
def test_impossible_hours_are_refused_with_the_reason(hours: str, zone: str, said: str) -> None:
    with pytest.raises(CalendarError, match=said):
        BusinessHours(hours, zone)


def test_a_calendar_without_working_days_is_refused() -> None:
    with pytest.raises(CalendarError, match="working day"):
        BusinessHours("09:00-18:00", SHANGHAI, workdays=[])


def test_times_are_utc_whatever_the_zone() -> None:
    calendar = BusinessHours("09:00-18:00", SHANGHAI)
    end = datetime.fromtimestamp(calendar.add(at("2026-03-11T00:30+00:00"), HOUR) / 1000, UTC)
    assert end == datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
