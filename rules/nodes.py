"""Nodes of an expression's syntax tree; equal trees are equal values, offsets included."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """Any part of an expression; `at` is its offset in the source."""

    at: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, string, truth value or null."""

    value: float | str | bool | None


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`base.field`."""

    base: Node
    field: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`base[key]`."""

    base: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(args)` or `target.function(args)`."""

    target: Node | None
    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`!x` or `-x`."""

    op: str
    value: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left op right`."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Ternary(Node):
    """`test ? yes : no`."""

    test: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    """`{key: value}`."""

    items: tuple[tuple[Node, Node], ...]
