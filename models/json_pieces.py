"""JSON of a large state in pieces, so that other threads have their turn between them.

`json.dumps` is one call of the interpreter however long it takes, and no other thread runs meanwhile: 80 ms
of events waiting for the text of a snapshot of three megabytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

_ITEMS = 256
"""Plain values encoded in one call."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_pieces(value: Any) -> Iterator[str]:
    """Yield what `json.dumps(value, ensure_ascii=False, separators=(",", ":"))` gives, piece by piece.

    Parameters
    ----------
    value
        Of dicts with string keys, lists, strings, numbers, booleans and None.

    Examples
    --------
    >>> "".join(json_pieces({"n": [1, 2.5], "inner": {"好": None}}))
    '{"n":[1,2.5],"inner":{"好":null}}'
    """
    if isinstance(value, dict):
        return _dict(value)
    if isinstance(value, list):
        return _list(value)
    return iter((_encode(value),))


def _list(values: list[Any]) -> Iterator[str]:
    yield "["
    for at in range(0, len(values), _ITEMS):
        if at:
            yield ","
        some = values[at : at + _ITEMS]
        if _large(some):
            for number, value in enumerate(some):
                if number:
                    yield ","
                yield from json_pieces(value)
        else:
            yield _encode(some)[1:-1]
    yield "]"


def _dict(values: dict[str, Any]) -> Iterator[str]:
    yield "{"
    items, at = iter(values.items()), 0
    while some := dict(islice(items, _ITEMS)):
        if at:
            yield ","
        at += len(some)
        if _large(list(some.values())):
            for number, (key, value) in enumerate(some.items()):
                yield f"{',' if number else ''}{_encode(key)}:"
                yield from json_pieces(value)
        else:
            yield _encode(some)[1:-1]
    yield "}"


def _large(values: list[Any]) -> bool:
    """Tell whether values may be too much for one call: some of them hold others, and those more."""
    return any(
        isinstance(value, dict)
        or (
            isinstance(value, list)
            and (len(value) > _ITEMS or any(isinstance(v, dict | list) for v in value))
        )
        for value in values
    )
