"""Records nobody should send: bytes of any kind, and examples with something in them put askew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, float("nan"), 2**63, "", "x" * 300, "\ud800", "2026-02-30T25:61:00Z", [], [[]],
    {}, {"": None}, [None, 1, "a"],
)  # fmt: skip
BYTES: tuple[bytes | None, ...] = (
    None, b"", b"\x00", b"\xff\xfe", b"{", b"null", b"[]", b'"a"', b"{}", b"0", b"1e999", b"[" * 5000,
)  # fmt: skip


def askew(value: Any, rng: Random) -> Any:
    """Return a copy of a JSON value in which one place, any, is missing or holds something else."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        if rng.random() < 0.25:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: askew(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return [*value[:at], askew(value[at], rng), *value[at + 1 :]]
    return rng.choice(WRONG)


def hostile(good: Sequence[Any], rng: Random) -> bytes | None:
    """Return the value of a hostile record; `good` are values the topic really holds."""
    if not good or rng.random() < 0.2:
        return rng.randbytes(rng.randrange(40)) if rng.random() < 0.4 else rng.choice(BYTES)
    value = rng.choice(good)
    for _ in range(rng.randint(1, 3)):
        value = askew(value, rng)
    text = json.dumps(value)  # with NaN, and lone surrogates as escapes
    return text.encode()[: rng.randrange(len(text))] if rng.random() < 0.1 else text.encode()
