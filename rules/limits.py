"""Limits that hold across all rules: contact caps, quiet hours, the global holdout."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, model_validator

from models.events.decision import ActionKind
from rules.rule import DAY, Duration, Name, Part, Share
from rules.source import RuleError, read_file


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


class ContactCap(Part):
    """At most `count` contacts in any span of `within`, over one channel or all."""

    count: int = Field(ge=1)
    within: Duration
    channel: Name | None = None


class QuietHours(Part):
    """Local hours in which no customer is contacted; `start` may be after `end` (over midnight)."""

    start: int = Field(default=21, ge=0, le=23)
    end: int = Field(default=8, ge=0, le=23)
    time_zone: str = Field(default="Asia/Shanghai", description="where the customer's own is not known")

    @model_validator(mode="after")
    def _zone_exists(self) -> Self:
        if _zone(self.time_zone) is None:
            raise ValueError(f"time zone {self.time_zone!r} is not known")
        return self

    def holds(self, at: int, time_zone: str) -> bool:
        """Tell whether `at` (ms) is a quiet hour where the customer lives.

        Examples
        --------
        >>> QuietHours(start=21, end=8).holds(1_760_000_400_000, "Asia/Shanghai")  # 17:00
        False
        >>> QuietHours(start=21, end=8).holds(1_760_000_400_000, "America/New_York")  # 05:00
        True
        """
        if self.start == self.end:
            return False
        zone = _zone(time_zone) or _zone(self.time_zone)
        hour = datetime.fromtimestamp(at / 1000, zone).hour
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end


class Limits(Part):
    """What no rule may exceed.

    `clock` is the time that caps, cooldowns, quiet hours and budgets go by: `received` (the append
    time, for live input) or `occurred` (event time, for input played faster than it happened). Both
    come from the record, so a replay decides the same; the worker's own clock never decides.

    `patience` is how far the watermark stays behind the newest event before an absence is believed: for
    records slightly out of order, and, where a past is played fast, for services that answer meanwhile.
    """

    clock: Literal["received", "occurred"] = "received"
    patience: Duration = 60_000
    caps: list[ContactCap] = Field(default_factory=list)
    channels: dict[ActionKind, Name] = Field(default_factory=dict, description="channel a kind goes over")
    quiet_hours: QuietHours = QuietHours()
    group_period: Duration = DAY
    global_holdout: Share = 0.01
    salt: str = Field(default="hark", min_length=1, max_length=64)

    @property
    def keep(self) -> int:
        """Longest span (ms) for which past contacts matter, at least 30 days for the `actions` map."""
        return max([30 * DAY, self.group_period, *(cap.within for cap in self.caps)])

    def time_of(self, record: Mapping[str, Any]) -> int:
        """Return the decision time (ms) of a record."""
        at: int = record["received_at" if self.clock == "received" else "occurred_at"]
        return at

    def channel(self, kind: str) -> str:
        """Return the channel a kind of action goes over, "message" unless said otherwise."""
        return self.channels.get(ActionKind(kind), "message")


def load_limits(path: Path) -> Limits:
    """Read the limits' file.

    Raises
    ------
    RuleError
        With file and line of each problem.
    """
    source = read_file(path)
    try:
        return Limits.model_validate(source.data or {})
    except ValidationError as error:
        raise RuleError(source.invalid(error)) from error
