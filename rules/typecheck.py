"""Types of expressions, worked out from the contracts: what CEL would only find out at an event."""

from __future__ import annotations

from collections.abc import Mapping

from rules.environment import FieldType
from rules.nodes import Binary, Call, Index, ListOf, Literal, MapOf, Name, Node, Ternary, Unary
from rules.tree import conjuncts, is_macro, path_of, unparse

Fields = Mapping[str, Mapping[str, FieldType]]

_NUMBERS = ("int", "double")
_RETURNS = {
    "startsWith": "bool", "endsWith": "bool", "contains": "bool", "matches": "bool", "exists": "bool",
    "all": "bool", "exists_one": "bool", "has": "bool", "size": "int", "int": "int", "double": "double",
    "string": "string", "map": "list", "filter": "list",
}  # fmt: skip
_SIZED = ("string", "list", "map", "any")


def check_types(tree: Node, fields: Fields, wanted: str) -> list[str]:
    """Return what is wrong with an expression's types, in words.

    Parameters
    ----------
    tree
        The expression; every field it reads is known.
    fields
        Types by map and name.
    wanted
        "bool" for a condition, "double" for a value (whole numbers will do), "any" for the rest.
    """
    checker = _Checker(fields)
    kind = checker.kind(tree, {})
    numeric = wanted == "double" and kind == "int"
    if not checker.mistakes and wanted != "any" and kind not in (wanted, "any") and not numeric:
        need = "true or false" if wanted == "bool" else "a number"
        checker.mistakes.append(f"{unparse(tree)} is {kind}, not {need}")
    return checker.mistakes


class _Checker:
    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.mistakes: list[str] = []
        self._tested: set[str] = set()

    def kind(self, node: Node, bound: Mapping[str, str]) -> str:
        """Return the kind of an expression; mistakes below it are noted."""
        path = path_of(node)
        if path is not None:
            return self._field(path, bound)
        match node:
            case Literal(value=value):
                return _literal(value)
            case Binary(op="&&" | "||" as op):
                return self._joined(op, node, bound)
            case Binary():
                return self._binary(node, bound)
            case Unary(op=op, value=value):
                return self._unary(op, value, bound)
            case Call():
                return self._call(node, bound)
            case Ternary(test=test, yes=yes, no=no):
                self._expect(test, "bool", bound)
                return self._either(self.kind(yes, bound), self.kind(no, bound))
            case ListOf(items=items):
                for part in items:
                    self.kind(part, bound)
                return "list"
            case MapOf(items=pairs):
                for pair in pairs:
                    for part in pair:
                        self.kind(part, bound)
                return "map"
            case Index(base=base, key=key):
                if self.kind(base, bound) not in ("list", "map", "any"):
                    self.mistakes.append(f"{unparse(base)} cannot be indexed")
                self.kind(key, bound)
        return "any"

    def _field(self, path: tuple[str, ...], bound: Mapping[str, str]) -> str:
        if path[0] in bound:
            return bound[path[0]] if len(path) == 1 else "any"
        field = self.fields.get(path[0], {}).get(path[1]) if len(path) > 1 else None
        return "any" if field is None or len(path) > 2 else field.kind

    def _joined(self, op: str, node: Binary, bound: Mapping[str, str]) -> str:
        """`x != null && …` makes x usable in what follows it."""
        before = set(self._tested)
        for part in conjuncts(node) if op == "&&" else [node.left, node.right]:
            self._expect(part, "bool", bound)
            if op == "&&":
                self._tested |= _not_null(part)
        self._tested = before
        return "bool"

    def _expect(self, node: Node, wanted: str, bound: Mapping[str, str]) -> None:
        kind = self.kind(node, bound)
        if kind not in (wanted, "any"):
            self.mistakes.append(f"{unparse(node)} is {kind}, not true or false")

    def _binary(self, node: Binary, bound: Mapping[str, str]) -> str:
        left, right = self.kind(node.left, bound), self.kind(node.right, bound)
        text, op = unparse(node), node.op
        if op == "in":
            if right not in ("list", "map", "any"):
                self.mistakes.append(f"{text}: {unparse(node.right)} is {right}, not a list")
            self._members(node, left)
            return "bool"
        if op in ("==", "!="):
            if "any" not in (left, right) and left != right and not {left, right} <= set(_NUMBERS):
                if "null" not in (left, right):
                    self.mistakes.append(f"{text} compares {left} with {right}")
            else:
                self._value_exists(node.left, node.right, text)
                self._value_exists(node.right, node.left, text)
            return "bool"
        self._nullable(node.left, text)
        self._nullable(node.right, text)
        if op in ("<", "<=", ">", ">="):
            self._ordered(left, right, text)
            return "bool"
        return self._arithmetic(left, right, text, op)

    def _ordered(self, left: str, right: str, text: str) -> None:
        numbers = left in _NUMBERS and right in _NUMBERS
        if "any" not in (left, right) and not numbers and not left == right == "string":
            self.mistakes.append(f"{text} compares {left} with {right}")

    def _arithmetic(self, left: str, right: str, text: str, op: str) -> str:
        if "any" in (left, right):
            return "any"
        if left == right and (left in _NUMBERS or (op == "+" and left in ("string", "list"))):
            return left
        hint = "; write 2.0 for 2, or double(…)" if {left, right} == set(_NUMBERS) else ""
        self.mistakes.append(f"{text} combines {left} with {right}{hint}")
        return "any"

    def _unary(self, op: str, value: Node, bound: Mapping[str, str]) -> str:
        kind = self.kind(value, bound)
        if op == "!":
            if kind not in ("bool", "any"):
                self.mistakes.append(f"!{unparse(value)} needs true or false, not {kind}")
            return "bool"
        if kind not in (*_NUMBERS, "any"):
            self.mistakes.append(f"-{unparse(value)} needs a number, not {kind}")
        return kind

    def _call(self, node: Call, bound: Mapping[str, str]) -> str:
        returns = _RETURNS.get(node.function)
        if returns is None:
            self.mistakes.append(f"{node.function} is not a function of a condition")
            return "any"
        inner = dict(bound)
        if node.target is not None:
            self._target(node, self.kind(node.target, bound))
        args = node.args
        if is_macro(node) and isinstance(args[0], Name):
            inner[args[0].name] = "string" if node.target is not None and path_of(node.target) else "any"
            args = args[1:]
        for part in args:
            kind = self.kind(part, inner)
            if node.function in ("exists", "all", "exists_one", "filter") and kind not in ("bool", "any"):
                self.mistakes.append(f"{unparse(part)} is {kind}, not true or false")
        return returns

    def _target(self, node: Call, kind: str) -> None:
        target = node.target
        if target is None:
            return
        self._nullable(target, unparse(node))
        texts = ("startsWith", "endsWith", "contains", "matches")
        if node.function in texts and kind not in ("string", "any"):
            self.mistakes.append(f"{unparse(node)}: {unparse(target)} is {kind}, not string")
        if node.function in ("exists", "all", "exists_one", "map", "filter") and kind not in (
            "list",
            "map",
            "any",
        ):
            self.mistakes.append(f"{unparse(node)}: {unparse(target)} is {kind}, not a list")
        if node.function == "size" and kind not in _SIZED:
            self.mistakes.append(f"{unparse(node)}: {unparse(target)} is {kind} and has no size")

    def _nullable(self, node: Node, text: str) -> None:
        path = path_of(node)
        if path is None or len(path) != 2:
            return
        field = self.fields.get(path[0], {}).get(path[1])
        name = ".".join(path)
        if field is not None and field.nullable and name not in self._tested:
            self.mistakes.append(f"{text}: {name} can be null; put `{name} != null &&` before it")

    def _members(self, node: Binary, left: str) -> None:
        if not isinstance(node.right, ListOf):
            return
        for item in node.right.items:
            if isinstance(item, Literal):
                kind = _literal(item.value)
                if "any" not in (left, kind) and kind != left and not {left, kind} <= set(_NUMBERS):
                    self.mistakes.append(f"{unparse(node)}: {unparse(item)} is {kind}, not {left}")
                self._value_exists(node.left, item, unparse(node))

    def _value_exists(self, field_node: Node, literal: Node, text: str) -> None:
        path = path_of(field_node)
        if path is None or len(path) != 2 or not isinstance(literal, Literal):
            return
        field = self.fields.get(path[0], {}).get(path[1])
        if field is None or not field.values or literal.value is None or literal.value in field.values:
            return
        choices = ", ".join(map(str, field.values))
        self.mistakes.append(f"{text}: {literal.value!r} is not one of {choices}")

    @staticmethod
    def _either(yes: str, no: str) -> str:
        return yes if yes == no else "any"


def _literal(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    return {int: "int", float: "double", str: "string"}.get(type(value), "any")


def _not_null(node: Node) -> set[str]:
    if isinstance(node, Binary) and node.op == "!=" and isinstance(node.right, Literal):
        path = path_of(node.left)
        if path is not None and node.right.value is None:
            return {".".join(path)}
    return set()
