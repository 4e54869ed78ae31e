"""What is asked of an expression's syntax tree: its parts, its paths, its text."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rules.nodes import Binary, Call, Index, ListOf, Literal, MapOf, Member, Name, Node, Ternary, Unary

Path = tuple[str, ...]
"""A field as its names: ("scores", "polarity")."""

MACROS = frozenset({"exists", "all", "exists_one", "map", "filter"})
"""Calls whose first argument names a variable of their own."""

_BINDING = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3,
            "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}  # fmt: skip


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct parts of a node, in the order of the source."""
    match node:
        case Member(base=base):
            return (base,)
        case Index(base=base, key=key):
            return base, key
        case Call(target=target, args=args):
            return args if target is None else (target, *args)
        case Unary(value=value):
            return (value,)
        case Binary(left=left, right=right):
            return left, right
        case Ternary(test=test, yes=yes, no=no):
            return test, yes, no
        case ListOf(items=items):
            return items
        case MapOf(items=pairs):
            return tuple(part for pair in pairs for part in pair)
    return ()


def is_macro(node: Node) -> bool:
    """Tell whether a call brings its own variable, as `list.exists(t, …)` does."""
    return (
        isinstance(node, Call) and node.function in MACROS and node.target is not None and len(node.args) > 1
    )


def path_of(node: Node) -> Path | None:
    """Return `("scores", "polarity")` for `scores.polarity`, None for anything that is not a plain path."""
    match node:
        case Name(name=name):
            return (name,)
        case Member(base=base, field=field):
            inner = path_of(base)
            return None if inner is None else (*inner, field)
    return None


def paths(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[tuple[Path, Node]]:
    """Yield every path an expression reads, with the node it stands at; macro variables are left out.

    Examples
    --------
    >>> from rules.expression import parse
    >>> [".".join(path) for path, _ in paths(parse("scores.topics.exists(t, t == feedback.lang)"))]
    ['scores.topics', 'feedback.lang']
    """
    path = path_of(node)
    if path is not None:
        if path[0] not in bound:
            yield path, node
        return
    if isinstance(node, Call) and is_macro(node) and isinstance(node.args[0], Name):
        if node.target is not None:
            yield from paths(node.target, bound)
        inner = bound | {node.args[0].name}
        for part in node.args[1:]:
            yield from paths(part, inner)
        return
    for part in children(node):
        yield from paths(part, bound)


def conjuncts(node: Node) -> list[Node]:
    """Return the parts that must all hold: `a && (b && c)` is a, b, c."""
    if isinstance(node, Binary) and node.op == "&&":
        return conjuncts(node.left) + conjuncts(node.right)
    return [node]


def leaves(node: Node) -> list[Node]:
    """Return the parts below every `&&`, `||`, `!` and `?:`, which are true or false by themselves."""
    if isinstance(node, Binary) and node.op in ("&&", "||"):
        return leaves(node.left) + leaves(node.right)
    if isinstance(node, Unary) and node.op == "!":
        return leaves(node.value)
    if isinstance(node, Ternary):
        return leaves(node.test) + leaves(node.yes) + leaves(node.no)
    return [node]


def unparse(node: Node, above: int = 0) -> str:
    """Write an expression as text again; parsing the text gives the same tree."""
    match node:
        case Literal(value=value):
            return json.dumps(value, ensure_ascii=False)
        case Name(name=name):
            return name
        case Member(base=base, field=field):
            return f"{unparse(base, 7)}.{field}"
        case Index(base=base, key=key):
            return f"{unparse(base, 7)}[{unparse(key)}]"
        case Call(target=target, function=function, args=args):
            inside = ", ".join(unparse(part) for part in args)
            return f"{function}({inside})" if target is None else f"{unparse(target, 7)}.{function}({inside})"
        case Unary(op=op, value=value_node):
            return _wrap(f"{op}{unparse(value_node, 6)}", 6, above)
        case Binary(op=op, left=left, right=right):
            own = _BINDING[op]
            return _wrap(f"{unparse(left, own)} {op} {unparse(right, own + 1)}", own, above)
        case Ternary(test=test, yes=yes, no=no):
            return _wrap(f"{unparse(test, 1)} ? {unparse(yes, 1)} : {unparse(no)}", 0, above)
        case ListOf(items=items):
            return "[" + ", ".join(unparse(part) for part in items) + "]"
        case MapOf(items=pairs):
            return "{" + ", ".join(f"{unparse(key)}: {unparse(value)}" for key, value in pairs) + "}"
    raise TypeError(f"{type(node).__name__} has no text")


def _wrap(text: str, own: int, above: int) -> str:
    return f"({text})" if own < above else text
