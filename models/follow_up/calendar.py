"""Clocks that run in business hours: how long is it until, and when is it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE = 60_000
DAY = 86_400_000
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})\Z")
_FURTHEST = 3660
"""Days looked through before a calendar is taken to have no hours at all."""


class CalendarError(ValueError):
    """Hours, zone or days that make no calendar; the text says which."""


class Calendar(Protocol):
    """Adds and measures time that counts; everything in milliseconds since the epoch, UTC."""

    def add(self, start: int, span: int) -> int:
        """Return when `span` counted milliseconds have passed since `start`."""
        ...

    def between(self, start: int, end: int) -> int:
        """Return how many milliseconds count between two times; 0 when `end` is not later."""
        ...


class AlwaysOpen:
    """Every hour counts: teams on duty around the clock, and `HARK_SLA_CLOCK=always`."""

    def add(self, start: int, span: int) -> int:
        """Return `start + span`."""
        return start + span

    def between(self, start: int, end: int) -> int:
        """Return `end - start`, at least 0."""
        return max(0, end - start)


class BusinessHours:
    """Hours of working days in a time zone, less holidays.

    Parameters
    ----------
    hours
        "09:00-18:00", or several spans separated by commas; "24:00" ends a day.
    zone
        IANA name; days and hours are local, so that summer time moves them as it moves people.
    workdays
        Names of `WEEKDAYS`.
    holidays
        Local dates without hours.
    working
        Local dates with hours although the weekday has none (China's adjusted weekends).

    Raises
    ------
    CalendarError
        When the hours do not parse or overlap, the zone is unknown or no weekday is a working day.

    Examples
    --------
    Friday 17:30 in Shanghai plus one business hour is Monday 09:30:

    >>> calendar = BusinessHours("09:00-18:00", "Asia/Shanghai")
    >>> friday = int(datetime(2026, 11, 20, 9, 30, tzinfo=UTC).timestamp() * 1000)
    >>> datetime.fromtimestamp(calendar.add(friday, 3_600_000) / 1000, UTC).isoformat()
    '2026-11-23T01:30:00+00:00'
    """

    def __init__(
        self,
        hours: str,
        zone: str,
        workdays: Iterable[str] = WEEKDAYS[:5],
        holidays: Iterable[date] = (),
        working: Iterable[date] = (),
    ) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise CalendarError(f"{zone} is no time zone: write one like Asia/Shanghai") from error
        self._spans = parse_hours(hours)
        self._workdays = frozenset(WEEKDAYS.index(day) for day in workdays)
        if not self._workdays:
            raise CalendarError("a calendar needs at least one working day a week")
        self._holidays, self._working = frozenset(holidays), frozenset(working)
        self._open = lru_cache(maxsize=1024)(self._opening)

    def _opening(self, day: date) -> tuple[tuple[int, int], ...]:
        """Return the open spans of a local day, in milliseconds since the epoch."""
        working = day.weekday() in self._workdays and day not in self._holidays
        if not working and day not in self._working:
            return ()
        spans = ((self._at(day, begin), self._at(day, end)) for begin, end in self._spans)
        return tuple((begin, end) for begin, end in spans if begin < end)

    def _at(self, day: date, minutes: int) -> int:
        midnight = datetime(day.year, day.month, day.day)
        local = (midnight + timedelta(minutes=minutes)).replace(tzinfo=self._zone)
        return int(local.timestamp() * 1000)

    def _day(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self._zone).date()

    def add(self, start: int, span: int) -> int:
        """Return when `span` counted milliseconds have passed since `start`.

        A span of 0 that starts outside the hours ends when they begin.

        Raises
        ------
        CalendarError
            When the calendar has no hours within ten years.
        """
        day, left = self._day(start), span
        for _ in range(_FURTHEST):
            for begin, end in self._open(day):
                begin = max(begin, start)
                if begin < end:
                    if left <= end - begin:
                        return begin + left
                    left -= end - begin
            day += timedelta(days=1)
        raise CalendarError("the calendar has no business hours in the next ten years")

    def between(self, start: int, end: int) -> int:
        """Return how many milliseconds count between two times; 0 when `end` is not later."""
        if end <= start:
            return 0
        day, last, total = self._day(start), self._day(end), 0
        while day <= last:
            for begin, finish in self._open(day):
                total += max(0, min(finish, end) - max(begin, start))
            day += timedelta(days=1)
        return total


def parse_hours(hours: str) -> tuple[tuple[int, int], ...]:
    """Return spans in minutes since midnight, ascending.

    Raises
    ------
    CalendarError
        When a span does not parse, ends before it begins or overlaps the one before.

    Examples
    --------
    >>> parse_hours("09:00-12:00, 13:30-18:00")
    ((540, 720), (810, 1080))
    """
    spans: list[tuple[int, int]] = []
    for part in hours.split(","):
        found = _HOURS.fullmatch(part.strip())
        if found is None:
            raise CalendarError(f"{part.strip()!r} are no hours: write 09:00-18:00")
        begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if not (begin < end <= 24 * 60) or int(found[2]) > 59 or int(found[4]) > 59:
            raise CalendarError(f"{part.strip()!r} must end after it begins, on the same day")
        if spans and begin < spans[-1][1]:
            raise CalendarError(f"{part.strip()!r} overlaps the hours before it")
        spans.append((begin, end))
    return tuple(spans)
