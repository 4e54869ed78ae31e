"""How work orders are followed up, read from one YAML file and checked before it takes effect."""

from __future__ import annotations

import re
from datetime import date
from fnmatch import fnmatchcase
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from models.events.decision import ActionKind
from models.follow_up.calendar import WEEKDAYS, AlwaysOpen, BusinessHours, Calendar

_UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+)\s*([smhd])\Z")
Urgency = Literal["urgent", "normal", "low"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class PolicyError(ValueError):
    """The file says something impossible; the text names the place."""


def duration(text: object) -> object:
    """Return milliseconds of "15m"; anything else is left to the validation.

    Examples
    --------
    >>> duration("4h")
    14400000
    """
    found = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    return int(found[1]) * _UNITS[found[2]] if found else text


Span = Annotated[int, BeforeValidator(duration), Field(ge=0)]


class Part(BaseModel):
    """A closed part of the file: a misspelt word is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ByUrgency(Part):
    """A span for each urgency."""

    urgent: Span
    normal: Span
    low: Span

    def of(self, urgency: str) -> int:
        """Return the span of an urgency, the normal one for a word nobody knows."""
        spans = {"urgent": self.urgent, "low": self.low}
        return spans.get(urgency, self.normal)


class Reopen(Part):
    """How long after the resolution a complaint reopens, and how often at most."""

    window: Span
    most: int = Field(ge=0, le=20)


class Retry(Part):
    """How often a failed action is tried again; each pause is twice the one before."""

    times: int = Field(ge=0, le=10)
    backoff: Span


class Kind(Part):
    """What the statuses of an action kind mean."""

    by: Literal["people", "service"]
    delivered: Literal["taken", "resolved"]
    customer: Literal["tell", "reached", "none"]
    failed: Literal["ticket", "compensation"]


class Days(Part):
    """A calendar; hours and zone default to the settings."""

    always: bool = False
    hours: str | None = None
    zone: str | None = None
    workdays: list[Weekday] = Field(default_factory=lambda: list(_weekdays()))
    holidays: list[date] = Field(default_factory=list)
    working: list[date] = Field(default_factory=list)


def missing_years(policy: Policy, today: date) -> dict[int, list[str]]:
    """Return the years for which a calendar that has holidays names none, with the calendars' names.

    Parameters
    ----------
    today
        The year of today is asked for, from November on the next one too: by then it is published.

    Examples
    --------
    >>> missing_years(load_policy(), date(2026, 11, 22))
    {2027: ['default']}
    """
    years = [today.year, today.year + 1] if today.month >= 11 else [today.year]
    found: dict[int, list[str]] = {}
    for year in years:
        for name, calendar in policy.calendars.items():
            if calendar.holidays and not any(day.year == year for day in calendar.holidays):
                found.setdefault(year, []).append(name)
    return found


class Level(Part):
    """A step of a ladder: who is asked, how long after the step before."""

    level: str
    team: str
    after: Span = 0


class Team(Part):
    """A team's calendar, ladder and who steps in when it does not answer."""

    calendar: str = "default"
    ladder: str = "default"
    backup: str | None = None


class Route(Part):
    """Which team gets work by topic, kind and the rule's team; what is left out matches everything."""

    to: str
    topics: list[str] | None = None
    kinds: list[ActionKind] | None = None
    teams: list[str] | None = None

    def matches(self, topic: str, kind: str, team: str) -> bool:
        """Tell whether the route is for this work."""
        return (
            (self.topics is None or any(fnmatchcase(topic, pattern) for pattern in self.topics))
            and (self.kinds is None or kind in self.kinds)
            and (self.teams is None or team in self.teams)
        )


class Wording(Part):
    """A text in both languages."""

    zh: str
    en: str

    def of(self, lang: str) -> str:
        """Return the text in a language, English for any that is not Chinese."""
        return self.zh if lang.startswith("zh") else self.en


class Texts(Part):
    """What colleagues and customers read in what follow_up sends."""

    escalate: Wording
    reopen: Wording
    ticket: Wording
    compensation: Wording
    tell: Wording


class Policy(Part):
    """The whole file; spans are milliseconds."""

    response: ByUrgency
    resolution: ByUrgency
    warn_at: float = Field(gt=0, lt=1)
    waiting: Span
    tell_after: Span
    reopen: Reopen
    retry: Retry
    abandon_after: Span
    keep: Span
    most_orders: int = Field(ge=1)
    kinds: dict[ActionKind, Kind]
    calendars: dict[str, Days]
    ladders: dict[str, list[Level]]
    teams: dict[str, Team] = Field(default_factory=dict)
    routes: list[Route] = Field(default_factory=list)
    texts: Texts

    @model_validator(mode="after")
    def _names_exist(self) -> Policy:
        if missing := [kind.value for kind in ActionKind if kind not in self.kinds]:
            raise ValueError(f"kinds: {missing[0]} is missing")
        for needed, held in (("calendars", self.calendars), ("ladders", self.ladders)):
            if "default" not in held:
                raise ValueError(f"{needed}: default is missing")
        for name, team in self.teams.items():
            if team.calendar not in self.calendars:
                raise ValueError(f"teams.{name}.calendar: there is no calendar {team.calendar}")
            if team.ladder not in self.ladders:
                raise ValueError(f"teams.{name}.ladder: there is no ladder {team.ladder}")
            if team.backup == name:
                raise ValueError(f"teams.{name}.backup: a team cannot stand in for itself")
        return self

    def team(self, name: str) -> Team:
        """Return a team's part, the defaults for one the file does not name."""
        return self.teams.get(name) or Team()

    def ladder(self, team: str) -> list[Level]:
        """Return the levels above a team."""
        return self.ladders[self.team(team).ladder]

    def route(self, topic: str, kind: str, team: str) -> str:
        """Return the team that gets work done by people; the rule's own for anything else."""
        if self.kinds[ActionKind(kind)].by != "people":
            return team
        return next((route.to for route in self.routes if route.matches(topic, kind, team)), team)


class Desk:
    """A policy with its calendars made.

    Parameters
    ----------
    hours, zone
        For calendars that name none.
    always
        Whether every clock counts every hour, whatever the calendars say.

    Raises
    ------
    models.follow_up.calendar.CalendarError
        When a calendar has impossible hours.

    Attributes
    ----------
    fingerprint
        Changes when any due time may have changed.
    """

    def __init__(self, policy: Policy, hours: str, zone: str, *, always: bool = False) -> None:
        self.policy = policy
        said = f"{policy.model_dump_json()}{hours}{zone}{always}"
        self.fingerprint = blake2b(said.encode(), digest_size=6).hexdigest()
        self._calendars: dict[str, Calendar] = {}
        for name, days in policy.calendars.items():
            if always or days.always:
                self._calendars[name] = AlwaysOpen()
            else:
                self._calendars[name] = BusinessHours(
                    days.hours or hours, days.zone or zone, days.workdays, days.holidays, days.working
                )

    def calendar(self, team: str) -> Calendar:
        """Return the calendar a team works by."""
        return self._calendars[self.policy.team(team).calendar]


def load_policy(path: Path | None = None) -> Policy:
    """Return the policy of a file, the shipped one without.

    Raises
    ------
    PolicyError
        With the place of the first thing that is wrong.
    OSError
        When the file cannot be read.
    """
    source = path or files(__package__).joinpath("policy.yaml")
    name = path.name if path else "policy.yaml"
    try:
        found: Any = yaml.safe_load(source.read_text(encoding="utf-8"))
        return Policy.model_validate(found)
    except yaml.YAMLError as error:
        raise PolicyError(f"{name}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise PolicyError(f"{name}: {place + ': ' if place else ''}{first['msg']}") from error


def _weekdays() -> list[Any]:
    return list(WEEKDAYS[:5])
