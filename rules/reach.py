"""Conditions that can never hold: parts that contradict each other or the range of a field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.environment import FieldType
from rules.nodes import Binary, ListOf, Literal, Node, Unary
from rules.tree import conjuncts, path_of, unparse

_RANGES: dict[str, tuple[float, float]] = {
    "scores.polarity": (-1, 1), "scores.confidence": (0, 1), "scores.priority": (0, 1),
    "scores.churn": (0, 1), "scores.purchase": (0, 1), "feedback.rating": (-1, 1),
}  # fmt: skip
_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(slots=True)
class _Room:
    """The values a field can still have after some parts of a condition."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    values: set[object] | None = None
    without: set[object] = field(default_factory=set)

    def empty(self) -> bool:
        if self.low > self.high or (self.low == self.high and (self.open_low or self.open_high)):
            return True
        return self.values is not None and not [v for v in self.values - self.without if self._inside(v)]

    def _inside(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        above = value > self.low or (value == self.low and not self.open_low)
        return above and (value < self.high or (value == self.high and not self.open_high))

    def only(self, values: set[object]) -> None:
        self.values = values if self.values is None else self.values & values

    def bound(self, op: str, value: float) -> None:
        strict = op in ("<", ">")
        if op in ("<", "<=") and (value < self.high or (value == self.high and strict)):
            self.high, self.open_high = value, strict
        elif op in (">", ">=") and (value > self.low or (value == self.low and strict)):
            self.low, self.open_low = value, strict


def unreachable(tree: Node, fields: Mapping[str, Mapping[str, FieldType]]) -> str | None:
    """Return why a condition can never hold, or None if nothing speaks against it.

    Sound, not complete: contradictions between the parts joined by `&&`, in each alternative of an
    `||`, are found where every part compares one field with constants.

    Examples
    --------
    >>> from rules.expression import parse
    >>> unreachable(parse("scores.churn > 0.9 && scores.churn < 0.1"), {})
    'nothing satisfies scores.churn < 0.1 together with the rest'
    >>> unreachable(parse("scores.churn > 0.9"), {}) is None
    True
    """
    rooms: dict[str, _Room] = {}
    for part in conjuncts(tree):
        if isinstance(part, Literal) and part.value is False:
            return "false is never true"
        if isinstance(part, Binary) and part.op == "||":
            reason = _alternatives(part, fields)
            if reason:
                return reason
            continue
        name = _narrow(part, rooms, fields)
        if name is not None and rooms[name].empty():
            return f"nothing satisfies {unparse(part)} together with the rest"
    return None


def _alternatives(node: Node, fields: Mapping[str, Mapping[str, FieldType]]) -> str | None:
    if isinstance(node, Binary) and node.op == "||":
        for side in (node.left, node.right):
            reason = _alternatives(side, fields)
            if reason:
                return reason
        return None
    return unreachable(node, fields)


def _narrow(part: Node, rooms: dict[str, _Room], fields: Mapping[str, Mapping[str, FieldType]]) -> str | None:
    negated = isinstance(part, Unary) and part.op == "!"
    inner = part.value if isinstance(part, Unary) and negated else part
    path = path_of(inner)
    if path is not None and len(path) == 2:
        room = _room(".".join(path), rooms, fields)
        room.only({not negated})
        return ".".join(path)
    if not isinstance(inner, Binary):
        return None
    op, left, right = inner.op, inner.left, inner.right
    if isinstance(left, Literal) and op in _FLIP:
        op, left, right = _FLIP[op], right, left
    path = path_of(left)
    if path is None or len(path) != 2:
        return None
    name = ".".join(path)
    if op == "in" and isinstance(right, ListOf) and not negated:
        if not all(isinstance(item, Literal) for item in right.items):
            return None
        values = {item.value for item in right.items if isinstance(item, Literal)}
        _room(name, rooms, fields).only(set(values))
        return name
    if op not in _FLIP or not isinstance(right, Literal):
        return None
    op = _NEGATED[op] if negated else op
    room = _room(name, rooms, fields)
    if op == "==":
        room.only({right.value})
    elif op == "!=":
        room.without.add(right.value)
    elif isinstance(right.value, int | float):
        room.bound(op, float(right.value))
    return name


def _room(name: str, rooms: dict[str, _Room], fields: Mapping[str, Mapping[str, FieldType]]) -> _Room:
    if name not in rooms:
        low, high = _RANGES.get(name, (-math.inf, math.inf))
        root, _, last = name.partition(".")
        known = fields.get(root, {}).get(last)
        if known is not None and known.limit is not None:
            low, high = 0, known.limit
        rooms[name] = _Room(low, high)
        if known is not None and known.values:
            rooms[name].values = {*known.values, None} if known.nullable else set(known.values)
    return rooms[name]
