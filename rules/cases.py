"""Case files: given events on a virtual clock, expect decisions.

A rule's cases stand beside it in `<rule>_test.yaml`. An event names only what matters; the rest is a
neutral feedback of one customer. Times are offsets from the case's start. Each event says what it is
expected to lead to; saying nothing expects nothing.

    cases:
      - name: the third complaint in a week
        shows: firing
        given:
          - {after: 0s, scores: {polarity: -0.8}, customer: {tier: gold}}
          - {after: 2d, scores: {polarity: -0.6}, customer: {tier: gold}}
          - {after: 6d, scores: {polarity: -0.9}, customer: {tier: gold}, expect: acted}

The rule runs alone (others join with `with`), live, with nobody held out (`held_out: true` holds
everybody out) and without limits (`limits` sets some).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from models.events import CustomerFact, CustomerView, ScoredFeedback, Scores
from models.events.base import EventTime
from rules.decided import Decided
from rules.engine import Engine
from rules.environment import type_of
from rules.limits import Limits
from rules.loader import CASES, Catalog
from rules.rule import Name, Part, Rule, Text, milliseconds
from rules.source import Problem, RuleError, Source, read_file
from rules.state import CustomerState, PartitionState

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday, 10:00 in Shanghai."""

SHOWS = ("firing", "quiet", "boundary")
"""What the cases of a rule must show, at least one of each."""

_SCORES: dict[str, Any] = {
    "confidence": 0.9, "emotion": "neutral", "kind": "complaint", "urgency": "normal",
    "response_minutes": 240, "priority": 0.5, "churn": 0.1, "purchase": 0.1,
}  # fmt: skip
_FEEDBACK: dict[str, Any] = {
    "linked": True, "channel": "app", "text": "…", "lang": "zh", "cluster_id": "k1", "cluster_size": 1,
}  # fmt: skip
_EMPTY: dict[str, Any] = {
    "int": 0, "double": 0.0, "string": "", "bool": False, "list": [], "map": {}, "any": None,
}  # fmt: skip


class Given(Part):
    """One event of a case; further keys are fields of the event."""

    model_config = {"extra": "allow", "frozen": True}

    after: Annotated[int, BeforeValidator(milliseconds), Field(ge=0)]
    event: Literal["feedback", "customer", "outcome", "label", "action_status", "burst", "tick"] = "feedback"
    customer_id: Text = "c1"
    received_after: Annotated[int, BeforeValidator(milliseconds), Field(ge=0)] | None = None
    expect: Text | list[Text] | None = None
    parameters: dict[str, Any] | None = Field(default=None, description="of the action that is expected")
    says: Text | None = Field(default=None, description="words the filled-in template contains")


class Case(Part):
    """A name, events, and settings that differ from the ordinary."""

    name: Text
    shows: Literal["firing", "quiet", "boundary"]
    start: EventTime = START
    with_: list[Name] = Field(default_factory=list, alias="with")
    held_out: bool = False
    limits: dict[str, Any] = Field(default_factory=dict)
    given: list[Given] = Field(min_length=1)


class CaseFile(Part):
    """The cases of one rule."""

    cases: list[Case]


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went; `problems` is empty if as expected."""

    rule_id: str
    name: str
    problems: list[Problem]


def load_cases(folder: Path, rule_id: str) -> tuple[CaseFile, Source] | None:
    """Read the cases of a rule, None if it has no case file.

    Raises
    ------
    RuleError
        With file and line of each problem.
    """
    path = folder / f"{rule_id}{CASES}"
    if not path.exists():
        return None
    source = read_file(path)
    try:
        return CaseFile.model_validate(source.data), source
    except ValidationError as error:
        raise RuleError(source.invalid(error)) from error


def run_cases(folder: Path, catalog: Catalog) -> Iterator[Result]:
    """Run every case of every rule of a folder.

    Parameters
    ----------
    folder
        Where the rules and their cases stand.
    catalog
        The rules of that folder.
    """
    for rule in catalog.rules.values():
        loaded = load_cases(folder, rule.id)
        if loaded is not None:
            file, source = loaded
            for position, case in enumerate(file.cases):
                yield run_case(rule, case, catalog, source, position)


def run_case(rule: Rule, case: Case, catalog: Catalog, source: Source, position: int) -> Result:
    """Run one case.

    Parameters
    ----------
    rule
        The rule under test.
    case, source, position
        The case and where it stands.
    catalog
        Where the rules of `with` are found.
    """
    key = ("cases", position)
    share = 0.999999 if case.held_out else 0.0
    tested = rule.model_copy(update={"status": "live", "holdout": share, "ramp": None})
    others = [catalog.rules[name] for name in case.with_ if name in catalog.rules]
    others = [other.model_copy(update={"status": "live", "holdout": 0.0}) for other in others]
    missing = [name for name in case.with_ if name not in catalog.rules]
    problems = [source.problem((*key, "with"), "case", f"there is no rule {name}") for name in missing]
    try:
        limits = Limits.model_validate({"global_holdout": 0, "quiet_hours": _NEVER} | case.limits)
    except ValidationError as error:
        return Result(
            rule.id, case.name, [source.problem((*key, "limits"), "case", str(error.errors()[0]["msg"]))]
        )
    engine = Engine(Catalog.of([tested, *others]), limits)
    start = int(case.start.timestamp() * 1000)
    states: dict[str, CustomerState] = {}
    partition = PartitionState(0, 1)
    for number, given in enumerate(case.given):
        where = (*key, "given", number)
        try:
            decided = _take(given, number, start, engine, states, partition)
        except ValueError as error:
            problems.append(source.problem(where, "case", f"{case.name}, event {number + 1}: {error}"))
            break
        found = [item for item in decided if item.decision["rule_id"] == rule.id]
        message = _difference(given, found)
        if message:
            problems.append(source.problem(where, "case", f"{case.name}, event {number + 1}: {message}"))
    for rule_id, name in engine.failures:
        problems.append(source.problem(key, "case", f"{case.name}: an expression of {rule_id} raised {name}"))
    return Result(rule.id, case.name, problems)


_NEVER = {"start": 0, "end": 0}


def _take(
    given: Given,
    number: int,
    start: int,
    engine: Engine,
    states: dict[str, CustomerState],
    partition: PartitionState,
) -> list[Decided]:
    now = start + (given.after if given.received_after is None else given.received_after)
    if given.event == "tick":
        return engine.tick(start + given.after, states, partition, now)
    record = make_record(given, number, start + given.after, now)
    return engine.process(record, states, partition, now)


def make_record(given: Given, number: int, at: int, received: int) -> dict[str, Any]:
    """Return a complete record: the neutral one with what the case says.

    Raises
    ------
    ValueError
        If the case names a field that does not exist or gives it a wrong value.
    """
    extra = dict(given.model_extra or {})
    common = {"customer_id": given.customer_id, "occurred_at": at, "received_at": received}
    if given.event != "feedback":
        kind = str(extra.get("status", "visit"))
        fact = _neutral(CustomerFact) | {"id": f"e{number}", "kind": kind} | extra | common
        fact["event"] = given.event
        _check(CustomerFact, fact, extra)
        return fact
    record = _neutral(ScoredFeedback) | {"feedback_id": f"e{number}", "scored_at": received}
    record |= _FEEDBACK | extra | common
    record["scores"] = _neutral(Scores) | _SCORES | dict(extra.get("scores", {}))
    record["customer"] = _neutral(CustomerView) | dict(extra.get("customer", {}))
    _check(ScoredFeedback, record, extra)
    return record


def _check(model: type[BaseModel], record: dict[str, Any], written: dict[str, Any]) -> None:
    """Complain of what a case wrote, not of what was filled in for it."""
    try:
        model.model_validate(record)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            if item["loc"][0] in written:
                place = ".".join(str(part) for part in item["loc"])
                raise ValueError(f"{place}: {item['msg']}") from error


def _neutral(model: type[BaseModel]) -> dict[str, Any]:
    """Return a value for every field, so that cases outlive new fields of the contracts."""
    record: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if not field.is_required():
            record[name] = field.get_default(call_default_factory=True)
        else:
            known = type_of(field.annotation)
            record[name] = None if known.nullable else _EMPTY[known.kind]
    return record


def _difference(given: Given, found: list[Decided]) -> str | None:
    """Return what is not as expected, in words."""
    expected = [given.expect] if isinstance(given.expect, str) else list(given.expect or [])
    got = [describe(item.decision) for item in found]
    if expected != got:
        return f"expected {_list(expected)}, got {_list(got)}"
    for item in found:
        for name, value in (given.parameters or {}).items():
            actual = (item.action or {}).get("parameters", {}).get(name)
            if actual != value:
                return f"expected parameter {name} to be {value!r}, got {actual!r}"
        if given.says and given.says not in (item.action or {}).get("template", ""):
            return f"the template does not say {given.says!r}"
    return None


def describe(decision: Mapping[str, Any]) -> str:
    """Return a decision as a case writes it: "acted", "suppressed: cooldown"."""
    arm, reason = decision["arm"], decision["reason"]
    return f"{arm}: {reason}" if reason else str(arm)


def _list(items: list[str]) -> str:
    return ", ".join(items) or "nothing"
