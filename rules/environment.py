"""What a condition can read: names, their types, and how to fetch them from a record.

Types come from the contracts themselves, so a field added to `models/events/scored.py` is known to
every check without a second list.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from models.events.customer import CustomerFact
from models.events.decision import ActionKind
from models.events.scored import CustomerView, ScoredFeedback, Scores
from rules.rule import Aggregate, Rule
from rules.tree import Path

Json = Mapping[str, Any]
Kind = Literal["int", "double", "string", "bool", "list", "map", "any"]


@dataclass(frozen=True, slots=True)
class FieldType:
    """Type of one field: its kind, whether it can be null, the values or the highest value it can take."""

    kind: Kind
    nullable: bool = False
    values: tuple[str, ...] = ()
    limit: int | None = None


_PLAIN: dict[Any, Kind] = {int: "int", float: "double", str: "string", bool: "bool", Any: "any"}


def type_of(annotation: Any) -> FieldType:
    """Return what CEL makes of a field's annotation."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        inner = type_of(rest[0]) if len(rest) == 1 else FieldType("any")
        return FieldType(inner.kind, len(rest) < len(get_args(annotation)), inner.values)
    if origin is Literal:
        return FieldType("string", values=get_args(annotation))
    if origin is list:
        return FieldType("list")
    if origin is dict:
        return FieldType("map")
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return FieldType("string", values=tuple(item.value for item in annotation))
    return FieldType(_PLAIN.get(annotation, "any"))


def _fields(model: type[BaseModel], without: frozenset[str] = frozenset()) -> dict[str, FieldType]:
    return {
        name: type_of(field.annotation) for name, field in model.model_fields.items() if name not in without
    }


FIELDS: dict[str, dict[str, FieldType]] = {
    "feedback": _fields(ScoredFeedback, frozenset({"scores", "customer", "event"})),
    "scores": _fields(Scores),
    "customer": _fields(CustomerView),
    "fact": _fields(CustomerFact, frozenset({"ids", "words"}))  # between the logs of a voice and its customer
    | {name: FieldType("string") for name in ("status", "by", "reason")}
    | {"voices": FieldType("int"), "channels": FieldType("int"), "polarity": FieldType("double")},
    "actions": {kind.value: FieldType("int") for kind in ActionKind}
    | {"total": FieldType("int"), "days_since": FieldType("double")},
}
"""Every field a condition can read, by map; `windows` is added for each rule."""

SEEN_BY: dict[str, frozenset[str]] = {
    "feedback": frozenset({"feedback", "scores", "customer", "windows", "actions"}),
    "fact": frozenset({"fact", "windows", "actions"}),
}
"""Maps present at a feedback, and at every other record."""


def maps_for(trigger: str) -> frozenset[str]:
    """Return the maps a condition on this kind of record can read."""
    return SEEN_BY["feedback" if trigger == "feedback" else "fact"]


def types_for(rule: Rule) -> dict[str, dict[str, FieldType]]:
    """Return every field the rule's condition can read, its own windows included."""
    windows = {}
    for name, window in rule.windows.items():
        windows[name] = FieldType("bool")
        if isinstance(window, Aggregate):
            whole = window.kind in ("count", "distinct")
            windows[name] = FieldType("int", limit=window.limit) if whole else FieldType("double")
    seen = maps_for(rule.trigger)
    return {name: fields for name, fields in (FIELDS | {"windows": windows}).items() if name in seen}


class Environment:
    """One record as the expressions see it; windows and actions are worked out when first asked for.

    Parameters
    ----------
    record
        A `ScoredFeedback` or `CustomerFact` as plain dicts.
    window
        Value of a window by its key, for this record; it is handed this environment.
    actions
        Makes the `actions` map: counts by kind over the last 30 days, total, days since the last.
    """

    __slots__ = (
        "_actions", "_make_actions", "_windows", "customer", "feedback", "lists", "scores", "window_value",
    )  # fmt: skip

    def __init__(
        self,
        record: Json,
        window: Callable[[str, Environment], float | bool],
        actions: Callable[[], Json],
    ) -> None:
        self.feedback = record
        self.scores: Json = record.get("scores") or {}
        self.customer: Json = record.get("customer") or {}
        self.lists: dict[str, list[str]] = {}
        """Lists of texts that expressions made of this record, by how they are written: made once for all."""
        self.window_value = window
        self._windows: dict[str, float | bool] = {}
        self._make_actions = actions
        self._actions: Json | None = None

    def window(self, key: str) -> float | bool:
        """Return a window's value, computed once a record."""
        if key in self._windows:
            return self._windows[key]
        value = self._windows[key] = self.window_value(key, self)
        return value

    @property
    def actions(self) -> Json:
        """The customer's actions so far."""
        if self._actions is None:
            self._actions = self._make_actions()
        return self._actions


Getter = Callable[[Environment], Any]


def getter(path: Path) -> Getter | None:
    """Return a function that fetches a two-part path, or None if no map has that name.

    Window paths carry the window's key in place of its name.
    """
    if len(path) != 2:
        return None
    root, name = path
    match root:
        case "feedback" | "fact":
            return lambda env: env.feedback[name]
        case "scores":
            return lambda env: env.scores[name]
        case "customer":
            return lambda env: env.customer[name]
        case "windows":
            return lambda env: env.window(name)
        case "actions":
            return lambda env: env.actions[name]
    return None
