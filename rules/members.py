"""Questions about the members of a list as Python closures: `exists`, `all`, `filter`, `map` and such.

CEL takes 1–3 µs for each of them; a closure over two or three topics takes a tenth. A member that is no
text raises, so that CEL judges.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from operator import methodcaller
from typing import Any

from rules.environment import Environment, Getter, getter
from rules.nodes import Binary, Call, ListOf, Literal, Name, Node, Unary
from rules.patterns import searcher
from rules.tree import path_of, unparse
from rules.values import DoubtError

Test = Callable[[str], bool]
Predicate = Callable[[Environment], bool]
Texts = Callable[[Environment], list[str]]

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
TEXT: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith, "endsWith": str.endswith, "contains": operator.contains,
}  # fmt: skip
METHODS = {"startsWith": "startswith", "endsWith": "endswith", "contains": "__contains__"}
"""The same as methods: asked of each member, a callable of the interpreter takes half of a closure's time."""
FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def macro(call: Call) -> Predicate | None:
    """Translate `list.exists(t, …)`, `all` and `exists_one`; None where CEL has to judge."""
    found = _members(call)
    if found is None:
        return None
    texts, test = found
    match call.function:
        case "exists":
            return lambda env: True in [*map(test, texts(env))]
        case "all":
            return lambda env: False not in [*map(test, texts(env))]
        case "exists_one":
            return lambda env: [*map(test, texts(env))].count(True) == 1
    return None


def counted(call: Call) -> Callable[[Environment], int] | None:
    """Translate what `size` is asked of: a list, a text, `list.filter(t, …)`."""
    operand = call.target if call.target is not None else call.args[0] if call.args else None
    if operand is None or len(call.args) > 1 or (call.target is not None and call.args):
        return None
    if isinstance(operand, Call | ListOf):
        texts = _mapped(operand) or texts_of(operand)
        return None if texts is None else lambda env: len(texts(env))
    path = path_of(operand)
    fetch = None if path is None else getter(path)
    if fetch is None:
        return None

    def size(env: Environment) -> int:
        held = fetch(env)
        # The CEL in use counts a text in UTF-8 bytes, not in the code points of the specification.
        if type(held) is list or (type(held) is str and held.isascii()):
            return len(held)
        raise DoubtError

    return size


def texts_of(node: Node) -> Texts | None:
    """Translate a list of texts: a field, `["a", "b"]`, `list.filter(t, …)`, `list.map(t, t + "…")`."""
    if isinstance(node, ListOf):
        constants = [item.value for item in node.items if isinstance(item, Literal)]
        fixed = [one for one in constants if isinstance(one, str)]
        return None if len(fixed) < len(node.items) else lambda env: fixed
    texts = _texts_of(node)
    return None if texts is None else _once(unparse(node), texts)


def _once(written: str, texts: Texts) -> Texts:
    """Make a list once a record, however many rules ask for it."""

    def found(env: Environment) -> list[str]:
        made = env.lists.get(written)
        if made is None:
            made = env.lists[written] = texts(env)
        return made

    return found


def _texts_of(node: Node) -> Texts | None:
    match node:
        case Call(target=Node() as target, function="filter", args=(Name(name=name), body)):
            return _filtered(texts_of(target), _test(body, name))
        case Call(target=Node() as target, function="map", args=(Name(name=name), body)):
            return _changed(texts_of(target), _made(body, name))
        case Call(target=Node() as target, function="map", args=(Name(name=name), test, body)):
            return _changed(_filtered(texts_of(target), _test(test, name)), _made(body, name))
    path = path_of(node)
    fetch = None if path is None else getter(path)
    return None if fetch is None else _texts(fetch)


def _filtered(source: Texts | None, test: Test | None) -> Texts | None:
    if source is None or test is None:
        return None
    return lambda env: [*filter(test, source(env))]


def _changed(source: Texts | None, make: Callable[[str], str] | None) -> Texts | None:
    return None if source is None or make is None else lambda env: [*map(make, source(env))]


def _mapped(node: Node) -> Texts | None:
    """Translate `list.map(t, …)` where its size alone is asked for: of texts, of truth values, of sizes."""
    match node:
        case Call(target=Node() as target, function="map", args=(Name(name=name), *tests, body)):
            match body:
                case Call(target=Name(name=used), function="size", args=()) if used == name:
                    plain = True
                case _:
                    plain = _test(body, name) is not None or _made(body, name) is not None
            kept = Call(node.at, target, "filter", (Name(node.at, name), *tests)) if tests else target
            return texts_of(kept) if plain and len(tests) < 2 else None
    return None


def _made(node: Node, name: str) -> Callable[[str], str] | None:
    """Translate a text made of one member: itself, a constant, or several of these joined by `+`."""
    match node:
        case Name(name=used) if used == name:
            return lambda text: text
        case Literal(value=str(constant)):
            return lambda text: constant
        case Binary(op="+", left=Name(name=used), right=Literal(value=str(constant))) if used == name:
            return methodcaller("__add__", constant)
        case Binary(op="+", left=left, right=right):
            first, second = _made(left, name), _made(right, name)
            if first is None or second is None:
                return None
            return lambda text: first(text) + second(text)
    return None


def _members(call: Call) -> tuple[Texts, Test] | None:
    if call.target is None or len(call.args) != 2 or not isinstance(call.args[0], Name):
        return None
    texts, test = texts_of(call.target), _test(call.args[1], call.args[0].name)
    return None if texts is None or test is None else (texts, test)


def _texts(fetch: Getter) -> Texts:
    def texts(env: Environment) -> list[str]:
        held = fetch(env)
        if type(held) is not list:
            raise DoubtError
        for one in held:
            if type(one) is not str:
                raise DoubtError
        return held

    return texts


def _test(node: Node, name: str) -> Test | None:
    """Translate what is asked of one member, which is the variable `name`."""
    match node:
        case Literal(value=bool(constant)):
            return lambda text: constant
        case Unary(op="!", value=inner):
            test = _test(inner, name)
            return None if test is None else lambda text: not test(text)
        case Binary(op="&&" | "||" as op, left=left, right=right):
            return _joined(op, _test(left, name), _test(right, name))
        case Binary(op="in", left=Name(name=used), right=ListOf(items=items)) if used == name:
            allowed = [item.value for item in items if isinstance(item, Literal)]
            if len(allowed) < len(items) or not all(isinstance(one, str) for one in allowed):
                return None
            return frozenset(allowed).__contains__
        case Binary(op=op, left=Literal() as left, right=right) if op in FLIP:
            return _compared(FLIP[op], right, left, name)
        case Binary(op=op, left=left, right=Literal() as right) if op in COMPARE:
            return _compared(op, left, right, name)
        case Call(target=Name(name=used), function="matches", args=(Literal(value=str(pattern)),)):
            return searcher(pattern) if used == name else None
        case Call(target=Name(name=used), function=function, args=(Literal(value=str(part)),)):
            ask = METHODS.get(function) if used == name else None
            return None if ask is None else methodcaller(ask, part)
    return None


def _joined(op: str, left: Test | None, right: Test | None) -> Test | None:
    if left is None or right is None:
        return None
    if op == "&&":
        return lambda text: left(text) and right(text)
    return lambda text: left(text) or right(text)


def _compared(op: str, left: Node, right: Literal, name: str) -> Test | None:
    compare, constant = COMPARE[op], right.value
    match left:
        case Name(name=used) if used == name and isinstance(constant, str) and op in ("==", "!="):
            return constant.__eq__ if op == "==" else constant.__ne__
        case Call(target=Name(name=used), function="size", args=()) if used == name:
            return _sized(compare, constant) if type(constant) is int else None
        case Call(target=None, function="size", args=(Name(name=used),)) if used == name:
            return _sized(compare, constant) if type(constant) is int else None
    return None


def _sized(compare: Callable[[Any, Any], bool], constant: int) -> Test:
    def test(text: str) -> bool:
        # The CEL in use counts a text in UTF-8 bytes, not in the code points of the specification.
        if not text.isascii():
            raise DoubtError
        return compare(len(text), constant)

    return test
