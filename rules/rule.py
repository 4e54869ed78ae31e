"""What a rule is: one YAML file in `rules/catalog`, its cases beside it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from models.events.base import EventTime
from models.events.decision import ActionKind

Status = Literal["draft", "shadow", "live", "paused"]
Trigger = Literal["feedback", "customer", "outcome", "label", "action_status", "burst"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
DAY = _UNITS["d"]
CONTACTS = frozenset(ActionKind) - {ActionKind.TICKET, ActionKind.ESCALATION, ActionKind.NOTIFY}
"""Kinds of action a customer notices; only they count against contact caps and quiet hours."""


def milliseconds(value: object) -> object:
    """Read "7d", "48h", "90m" or "1d12h" as milliseconds; anything else goes on to pydantic.

    Examples
    --------
    >>> milliseconds("48h"), milliseconds("1d12h")
    (172800000, 129600000)
    """
    if not isinstance(value, str):
        raise ValueError('write a duration with its unit, such as "7d" or "48h"')
    text = value.strip()
    if not text or _DURATION.sub("", text).strip():
        raise ValueError(f'{text!r} is not a duration such as "7d", "48h" or "90m"')
    return round(sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text)))


Duration = Annotated[int, BeforeValidator(milliseconds), Field(gt=0)]
"""Milliseconds, written "7d", "48h", "90m"."""


def percent(value: object) -> object:
    """Read "15%" as 0.15; numbers go on as they are."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return float(value.strip()[:-1]) / 100
    return value


Share = Annotated[float, BeforeValidator(percent), Field(ge=0, lt=1)]
"""A part of 1, written 0.15 or "15%"."""


class Part(BaseModel):
    """Closed base of everything in a rule file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Occurrence(Part):
    """Which events a window takes in: those of one kind for which `where` holds."""

    event: Trigger = "feedback"
    where: Text = "true"


class Aggregate(Occurrence):
    """A figure over the events of the last `within`, in event time.

    `of` is the field summed, averaged or counted once per value; `same` narrows the window to
    events that agree with the present one in a field (its first item, where it is a list).
    """

    kind: Literal["count", "sum", "mean", "distinct"]
    of: Text | None = None
    same: Text | None = None
    within: Duration
    limit: int = Field(default=32, ge=1, le=128, description="most events held; older ones are forgotten")

    @model_validator(mode="after")
    def _needs_field(self) -> Self:
        if (self.of is None) != (self.kind == "count"):
            raise ValueError(
                "a count has no `of`" if self.kind == "count" else f"a {self.kind} needs `of`, the field"
            )
        if self.same is not None and self.kind != "count":
            raise ValueError("`same` goes with a count")
        return self


class Sequence(Part):
    """True at the event that completes "first, then, within"."""

    kind: Literal["sequence"]
    first: Occurrence
    then: Occurrence
    within: Duration
    limit: int = Field(default=8, ge=2, le=32)


class Absence(Part):
    """True once `within` has passed after `after` without `without`; decided by a timer."""

    kind: Literal["absence"]
    after: Occurrence
    without: Occurrence
    within: Duration
    limit: int = Field(default=8, ge=2, le=32)


Window = Annotated[Aggregate | Sequence | Absence, Field(discriminator="kind")]


class ActionSpec(Part):
    """One thing to do, with what its consumer needs to know."""

    kind: ActionKind
    team: Name | None = Field(default=None, description="defaults to the rule's owner")
    parameters: dict[str, Any] = Field(default_factory=dict)
    sla: Duration | None = Field(default=None, description="defaults to the rule's")


class Attribution(Part):
    """Which outcomes, how long after the decision, are credited to the rule."""

    window: Duration
    metrics: list[Name] = Field(min_length=1)


class Guardrail(Part):
    """A metric that must not get worse than the held-out customers' by more than `worse_by`."""

    metric: Name
    worse_by: float = Field(gt=0)
    higher_is_better: bool = True


class Ramp(Part):
    """A share of customers that only grows: in time from `start` to `end`, or in `steps`.

    Steps are taken by `hark guardrail`, one at most `every` and not before every guardrail holds on `least`
    customers in each arm; the share stays where it is while that job does not run. `reached` and `since`
    are its notes in the published rule.
    """

    begins: EventTime | None = None
    over: Duration | None = None
    start: Share = 0.01
    end: Annotated[float, BeforeValidator(percent), Field(gt=0, le=1)] = 0.5
    steps: list[Annotated[float, BeforeValidator(percent), Field(gt=0, le=1)]] = Field(default_factory=list)
    every: Duration = DAY
    least: int = Field(50, ge=1)
    reached: Share | None = None
    since: EventTime | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.steps:
            if self.begins is not None or self.over is not None:
                raise ValueError("a ramp has steps, or begins and over, not both")
            if sorted(set(self.steps)) != self.steps:
                raise ValueError("the steps of a ramp grow")
        elif self.begins is None or self.over is None:
            raise ValueError("a ramp has steps, or begins and over")
        return self

    def share(self, at: int) -> float:
        """Return the share treated at `at` (ms)."""
        if self.steps:
            return self.steps[0] if self.reached is None else self.reached
        assert self.begins is not None and self.over is not None
        elapsed = at - int(self.begins.timestamp() * 1000)
        if elapsed < 0:
            return 0.0
        return min(self.end, self.start + (self.end - self.start) * elapsed / self.over)


class Template(Part):
    """What the customer or the colleague reads, in both languages; `{name}` is a parameter."""

    zh: Text
    en: Text


class Rule(Part):
    """When to do what, for whom, at what price, and how to tell whether it helped."""

    id: Name
    version: int = Field(ge=1)
    owner: Name
    status: Status
    summary: Text
    trigger: Trigger = "feedback"
    windows: dict[Name, Window] = Field(default_factory=dict)
    condition: Text
    action: ActionSpec
    also: list[ActionSpec] = Field(default_factory=list, max_length=3)
    subject: Literal["customer", "cluster"] = "customer"
    expected_value: float | Text
    cost: float | None = Field(default=None, ge=0)
    cooldown: Duration
    holdout: Share
    ramp: Ramp | None = None
    priority: int = Field(default=0, ge=-100, le=100)
    exclusive_group: Name | None = None
    budget_per_day: float | None = Field(default=None, gt=0)
    attribution: Attribution
    guardrails: list[Guardrail] = Field(default_factory=list)
    sla: Duration
    quiet_hours: Literal["respect", "ignore"] = "respect"
    contact_caps: Literal["respect", "ignore"] = "respect"
    repeats: bool = Field(default=False, description="the same words again within a day count too")
    max_age: Duration | None = Field(default=None, description="feedback older than this is not acted on")
    template: Template
    runbook: Text

    @property
    def contacts(self) -> bool:
        """Whether the customer notices the action."""
        return self.action.kind in CONTACTS

    @property
    def absence(self) -> str | None:
        """Name of the absence window that delays the decision, if there is one."""
        return next((name for name, window in self.windows.items() if isinstance(window, Absence)), None)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.ramp is not None and self.ramp.steps and not self.guardrails:
            raise ValueError("a ramp in steps needs guardrails, for it grows while they hold")
        if sum(isinstance(window, Absence) for window in self.windows.values()) > 1:
            raise ValueError("a rule waits for one absence at most")
        if self.absence and self.subject != "customer":
            raise ValueError("an absence is of a customer")
        return self


def window_key(window: Aggregate | Sequence | Absence, repeats: bool) -> str:
    """Return a short name of a window's definition: equal definitions share their contents.

    A rule's new version keeps what its unchanged windows hold, and two rules that count the same
    thing count it once.
    """
    text = json.dumps([window.model_dump(mode="json"), repeats], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=3).hexdigest()
