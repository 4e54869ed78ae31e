"""All live conditions of one trigger as one CEL program, run only when some rule can still be true.

A condition is split at its top-level `&&`. Parts whose meaning is the same in Python become closures
(`rules.predicate`) and are tried first, each distinct part once for all rules (`rules.network`),
fields of the record before windows. What is left of all rules is compiled into one CEL list, over
variables instead of nested maps (converting three whole maps takes 50 µs, five variables 2 µs), and
evaluated at most once a record.

A part that raises decides nothing: CEL judges that rule's whole condition by itself. If CEL fails
too, the failure is counted with the rule and the rule is not eligible; no other rule notices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import cel

from rules.environment import FIELDS, Environment, Getter, getter
from rules.expression import parse
from rules.network import Guard, Network
from rules.nodes import Binary, Call, Index, ListOf, MapOf, Member, Name, Node, Ternary, Unary
from rules.predicate import needs_state, predicate
from rules.thresholds import threshold
from rules.tree import Path, conjuncts, path_of, unparse

Failure = Callable[[str, Exception], None]
"""Called with a rule's id and what its expression raised."""


class Variables:
    """The fields that CEL expressions read, each as one variable.

    Parameters
    ----------
    windows
        Window keys by the name a rule gives them.
    """

    def __init__(self, windows: Mapping[str, str] | None = None) -> None:
        self.windows = dict(windows or {})
        self.fetch: dict[str, Getter] = {}

    def flatten(self, node: Node) -> Node:
        """Replace every field of the environment by its variable."""
        path = path_of(node)
        if path is not None and len(path) == 2 and (path[0] in FIELDS or path[0] == "windows"):
            return Name(node.at, self._variable(path))
        return _rebuild(node, self.flatten)

    def keyed(self, node: Node) -> Node:
        """Replace window names by window keys."""
        if isinstance(node, Member) and isinstance(node.base, Name) and node.base.name == "windows":
            return Member(node.at, node.base, self.windows.get(node.field, node.field))
        return _rebuild(node, self.keyed)

    def values(self, env: Environment) -> dict[str, Any]:
        """Fetch every variable from a record."""
        return {name: fetch(env) for name, fetch in self.fetch.items()}

    def _variable(self, path: Path) -> str:
        if path[0] == "windows":
            path = ("windows", self.windows.get(path[1], path[1]))
        name = "_".join(path)
        if name not in self.fetch:
            self.fetch[name] = typed_getter(path)
        return name


def typed_getter(path: Path) -> Getter:
    """Return a getter that gives CEL a double where the contract says double, even if JSON held `0`.

    Raises
    ------
    KeyError
        If no contract has the field.
    """
    fetch = getter(path)
    if fetch is None or (path[0] in FIELDS and path[1] not in FIELDS[path[0]]):
        raise KeyError(".".join(path))
    if path[0] not in FIELDS or FIELDS[path[0]][path[1]].kind != "double":
        return fetch

    def as_double(env: Environment) -> Any:
        value = fetch(env)
        return float(value) if type(value) is int else value

    return as_double


def _rebuild(node: Node, change: Callable[[Node], Node]) -> Node:
    match node:
        case Member(at=at, base=base, field=field):
            return Member(at, change(base), field)
        case Index(at=at, base=base, key=key):
            return Index(at, change(base), change(key))
        case Call(at=at, target=target, function=function, args=args):
            inner = None if target is None else change(target)
            return Call(at, inner, function, tuple(change(part) for part in args))
        case Unary(at=at, op=op, value=value):
            return Unary(at, op, change(value))
        case Binary(at=at, op=op, left=left, right=right):
            return Binary(at, op, change(left), change(right))
        case Ternary(at=at, test=test, yes=yes, no=no):
            return Ternary(at, change(test), change(yes), change(no))
        case ListOf(at=at, items=items):
            return ListOf(at, tuple(change(part) for part in items))
        case MapOf(at=at, items=pairs):
            return MapOf(at, tuple((change(key), change(value)) for key, value in pairs))
    return node


class Expression:
    """One CEL expression over the environment: a condition, a `where` or a value.

    Parameters
    ----------
    source
        CEL text.
    windows
        Window keys by the rule's names for them.

    Raises
    ------
    SyntaxProblem, ValueError
        If it cannot be parsed or compiled.
    """

    def __init__(self, source: str, windows: Mapping[str, str] | None = None) -> None:
        self.variables = Variables(windows)
        self.tree = self.variables.keyed(parse(source))
        self.program = cel.compile(unparse(self.variables.flatten(self.tree)))
        self.guards: list[Guard] = []
        self.rest: list[Node] = []
        for part in conjuncts(self.tree):
            guard = predicate(part)
            if guard is None:
                self.rest.append(part)
            else:
                self.guards.append(Guard(unparse(part), needs_state(part), guard, threshold(part)))

    def value(self, env: Environment) -> Any:
        """Evaluate with CEL."""
        return self.program.execute(self.variables.values(env))

    def holds(self, env: Environment) -> bool:
        """Tell whether a condition holds.

        Raises
        ------
        Exception
            Whatever CEL raises, if the condition has no value for this record.
        """
        value = self.value(env)
        if not isinstance(value, bool):
            raise TypeError(f"a condition gives true or false, not {type(value).__name__}")
        return value


@dataclass(slots=True)
class _Compiled:
    rule_id: str
    whole: Expression
    slot: int


class Conditions:
    """The conditions of all rules with one trigger.

    Parameters
    ----------
    expressions
        Compiled condition by rule id.
    failed
        Told of every condition that has no value for a record.
    """

    def __init__(self, expressions: Iterable[tuple[str, Expression]], failed: Failure) -> None:
        self._failed = failed
        self._variables = Variables()
        items: list[tuple[_Compiled, list[Guard]]] = []
        slots: dict[str, int] = {}
        for rule_id, expression in expressions:
            slot = -1
            if expression.rest:
                parts = [unparse(self._variables.flatten(part), 2) for part in expression.rest]
                slot = slots.setdefault(" && ".join(parts), len(slots))
            items.append((_Compiled(rule_id, expression, slot), expression.guards))
        self._network = Network(items)
        self._program = cel.compile("[" + ", ".join(slots) + "]") if slots else None

    def eligible(self, env: Environment) -> list[str]:
        """Return the ids of the rules whose condition holds, in catalogue order."""
        found, doubtful = self._network.match(env)
        if not found and not doubtful:
            return []
        if self._program is not None and max(map(_slot, found), default=-1) >= 0:
            found = self._judge(found, env)
        found += [item for item in doubtful if self._alone(item, env)]
        return [item.rule_id for item in found]

    def _judge(self, found: list[_Compiled], env: Environment) -> list[_Compiled]:
        """Evaluate what closures left open, once for all rules; rule by rule where that fails."""
        assert self._program is not None
        try:
            # The last value stands for rules that have no part left, whose slot is -1.
            values = [*self._program.execute(self._variables.values(env)), True]
            kept = [item for item in found if values[item.slot] is True]
            if len(kept) == len(found) or set(map(type, values)) == {bool}:
                return kept
        except (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError, IndexError):
            pass
        return [item for item in found if item.slot < 0 or self._alone(item, env)]

    def _alone(self, item: _Compiled, env: Environment) -> bool:
        try:
            return item.whole.holds(env)
        except Exception as error:
            self._failed(item.rule_id, error)
            return False


_slot = attrgetter("slot")
