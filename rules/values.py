"""Arithmetic on fractions as Python closures: `scores.churn * customer.lifetime_value`.

Only doubles: CEL's whole numbers overflow where Python's do not, and it mixes neither with the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rules.environment import FIELDS, Environment, FieldType, getter
from rules.nodes import Binary, Call, Literal, Node, Unary
from rules.tree import Path, path_of

Value = Callable[[Environment], float]


class DoubtError(TypeError):
    """A closure cannot say what CEL would: a value of another type, or an error; CEL judges."""


def declared(path: Path | None, kinds: tuple[str, ...]) -> bool:
    """Tell whether a contract promises a field of one of these kinds that is never null."""
    if path is None or len(path) != 2 or path[0] not in ("scores", "customer", "feedback"):
        return False
    fields: Mapping[str, FieldType] = FIELDS[path[0]]
    field = fields.get(path[1])
    return field is not None and field.kind in kinds and not field.nullable


def value(node: Node) -> Value | None:
    """Translate an expression that is a double; None for any other."""
    path = path_of(node)
    if path is not None:
        return _fraction(path) if declared(path, ("double",)) else None
    match node:
        case Literal(value=float(constant)):
            return lambda env: constant
        case Unary(op="-", value=inner):
            negated = value(inner)
            return None if negated is None else lambda env: -negated(env)
        case Binary(op="+" | "-" | "*" | "/" as op, left=left, right=right):
            return _arithmetic(op, value(left), value(right))
        case Call(target=None, function="double", args=(inner,)):
            return _converted(inner)
    return None


def _fraction(path: Path) -> Value:
    root, name = path
    if root == "scores":
        return lambda env: float(env.scores[name])
    if root == "customer":
        return lambda env: float(env.customer[name])
    return lambda env: float(env.feedback[name])


def _arithmetic(op: str, left: Value | None, right: Value | None) -> Value | None:
    if left is None or right is None:
        return None
    match op:
        case "+":
            return lambda env: left(env) + right(env)
        case "-":
            return lambda env: left(env) - right(env)
        case "*":
            return lambda env: left(env) * right(env)

    def quotient(env: Environment) -> float:
        below = right(env)
        if below == 0:  # CEL gives an infinity
            raise DoubtError
        return left(env) / below

    return quotient


def _converted(inner: Node) -> Value | None:
    """`double(windows.w)`; texts that are numbers are left to CEL."""
    path = path_of(inner)
    fetch: Callable[[Environment], Any] | None = None if path is None else getter(path)
    if fetch is None:
        return None

    def converted(env: Environment) -> float:
        found = fetch(env)
        if type(found) is not int and type(found) is not float:
            raise DoubtError
        return float(found)

    return converted
