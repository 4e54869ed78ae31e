"""Shared evaluation of many conditions: a part that several rules have in common is tried once.

Conditions that must all hold become paths in a tree, most common part first, so that a record pays
for the distinct parts it reaches and not for the number of rules (100 rules that differ in one
threshold: 25 µs instead of 75).

References
----------
Forgy: Rete (1982); only the sharing of one-input tests is taken from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rules.environment import Environment
from rules.predicate import Predicate

T = TypeVar("T")

Guard = tuple[str, bool, Predicate]
"""A part's text, whether it reads windows or actions, and its closure."""


@dataclass(slots=True)
class _Node(Generic[T]):
    guards: list[Predicate]
    here: list[T] = field(default_factory=list)
    below: list[_Node[T]] = field(default_factory=list)
    everything: list[T] = field(default_factory=list)


class Network(Generic[T]):
    """Items with the parts that must hold for them.

    Parameters
    ----------
    items
        Each item with its parts; parts that read only the record are tried before those that read
        windows.
    """

    def __init__(self, items: Iterable[tuple[T, Sequence[Guard]]]) -> None:
        listed = list(items)
        common = Counter(text for _, guards in listed for text in {guard[0] for guard in guards})
        self._always: list[T] = []
        self._top: list[_Node[T]] = []
        nodes: dict[tuple[str, ...], _Node[T]] = {}
        for item, guards in listed:
            path: tuple[str, ...] = ()
            level, node = self._top, None
            for text, _, guard in sorted(guards, key=lambda g: (g[1], -common[g[0]], g[0])):
                if text in path:
                    continue
                path = (*path, text)
                node = nodes.get(path)
                if node is None:
                    node = nodes[path] = _Node([guard])
                    level.append(node)
                node.everything.append(item)
                level = node.below
            (self._always if node is None else node.here).append(item)
        for node in self._top:
            _shorten(node)

    def match(self, env: Environment) -> tuple[list[T], list[T]]:
        """Return the items whose parts all hold, and those with a part that raised."""
        found: list[T] = []
        doubtful: list[T] = []
        found += self._always
        _walk(self._top, env, found, doubtful)
        return found, doubtful


def _shorten(node: _Node[T]) -> None:
    """Join a node with its only successor, so that a chain costs one step."""
    while not node.here and len(node.below) == 1:
        (only,) = node.below
        node.guards += only.guards
        node.here, node.below = only.here, only.below
    for successor in node.below:
        _shorten(successor)


def _walk(nodes: list[_Node[T]], env: Environment, found: list[T], doubtful: list[T]) -> None:
    for node in nodes:
        try:
            for guard in node.guards:
                if not guard(env):
                    break
            else:
                found += node.here
                if node.below:
                    _walk(node.below, env, found, doubtful)
        except (KeyError, TypeError, AttributeError):
            doubtful += node.everything
