"""Parts that compare one value with a constant, so that many of them are answered by one search.

A hundred rules that differ in a threshold ask the same value a hundred times; sorted by their
thresholds, the rules that hold are one end of the list.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import or_
from typing import Any

from rules.environment import Environment, getter
from rules.nodes import Binary, Literal, Node
from rules.tree import path_of, unparse
from rules.values import DoubtError, value

_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Threshold:
    """`family` names value, operator and the constant's kind; parts of one family differ in it alone."""

    family: tuple[str, str, bool]
    fetch: Callable[[Environment], Any]
    constant: Any


def threshold(node: Node) -> Threshold | None:
    """Return a part as a threshold: a number compared in order, a text asked whether it is the same.

    Examples
    --------
    >>> from rules.expression import parse
    >>> found = threshold(parse("-0.5 > scores.polarity"))
    >>> found is not None and (found.family, found.constant)
    (('scores.polarity', '<', False), -0.5)
    """
    if not isinstance(node, Binary) or node.op not in _FLIP:
        return None
    op, left, right = node.op, node.left, node.right
    if isinstance(left, Literal):
        op, left, right = _FLIP[op], right, left
    if not isinstance(right, Literal):
        return None
    text = isinstance(right.value, str)
    if text != (op in ("==", "!=")) or not (text or type(right.value) in (int, float)):
        return None
    path = path_of(left)
    fetch: Callable[[Environment], Any] | None = value(left) if path is None else getter(path)
    return None if fetch is None else Threshold((unparse(left), op, text), fetch, right.value)


class Family:
    """Thresholds of one family, each with the bits of what needs it.

    Parameters
    ----------
    members
        At least one.

    Attributes
    ----------
    needed
        Bits of all that need one of them.
    """

    def __init__(self, members: Sequence[tuple[Threshold, int]]) -> None:
        first = members[0][0]
        _, op, text = first.family
        self._fetch = first.fetch
        self._op, self._text = op, text
        self.needed = reduce(or_, (bits for _, bits in members))
        self._by_text: dict[str, int] = {}
        self._constants: list[float] = []
        self._failing: list[int] = []
        if text:
            by_text: dict[str, int] = {}
            for member, bits in members:
                by_text[member.constant] = by_text.get(member.constant, 0) | bits
            others = {
                constant: reduce(or_, (bits for other, bits in by_text.items() if other != constant), 0)
                for constant in by_text
            }
            self._by_text = others if op == "==" else by_text
            self._else = self.needed if op == "==" else 0
            return
        ordered = sorted(members, key=lambda member: member[0].constant)
        self._constants = [member.constant for member, _ in ordered]
        each = [bits for _, bits in ordered]
        if op in ("<", "<="):
            self._failing = [0, *accumulate(each, or_)]
        else:
            self._failing = [0, *accumulate(reversed(each), or_)][::-1]

    def ruled_out(self, env: Environment) -> int:
        """Return the bits of what cannot hold.

        Raises
        ------
        DoubtError
            If the value has not the constants' type.
        """
        found = self._fetch(env)
        kind = type(found)
        if self._text:
            if kind is not str:
                raise DoubtError
            return self._by_text.get(found, self._else)
        if (kind is not float and kind is not int) or found != found:
            raise DoubtError
        # Constants below the value fail "<", those above it fail ">"; equal ones decide which bisection.
        search = bisect_right if self._op in ("<", ">=") else bisect_left
        return self._failing[search(self._constants, found)]
