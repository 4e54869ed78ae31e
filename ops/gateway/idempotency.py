"""Answers kept by Idempotency-Key, so that a repeated request is told the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

KEEP_SECONDS = 86_400.0


class KeyReused(Exception):
    """The key came before with another body."""


@dataclass(slots=True)
class _Kept:
    digest: bytes
    at: float
    answer: asyncio.Task[list[str]]
    size: int = 1


class Answers:
    """The newest answers, at most `most` ids in all and a day old.

    What is forgotten early does no harm: ids are made of the key, so a repeat that is published
    again is dropped by `score` as a duplicate.

    Parameters
    ----------
    most
        Ids kept; about 90 bytes each.
    clock
        Monotonic seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    async def once(
        self, key: str, digest: bytes, publish: Callable[[], Coroutine[Any, Any, list[str]]]
    ) -> tuple[list[str], bool]:
        """Return the ids and whether they are a repeated answer; `publish` runs at most once a key.

        A second request that comes while the first is at work waits for its answer. An answer that
        failed is forgotten, so that the sender can try again.

        Raises
        ------
        KeyReused
            When `digest` differs from the first request's.
        """
        self._forget_old()
        kept = self._kept.get(key)
        repeated = kept is not None
        if kept is None:
            kept = self._kept[key] = _Kept(digest, self._clock(), asyncio.create_task(publish()))
            self._size += 1
        elif kept.digest != digest:
            raise KeyReused
        try:
            # A sender that hangs up must not cancel what another one waits for.
            ids = await asyncio.shield(kept.answer)
        except BaseException:
            if kept.answer.done() and self._kept.get(key) is kept:
                self._drop(key)
            raise
        if not repeated and self._kept.get(key) is kept:
            self._size += len(ids) - kept.size
            kept.size = len(ids)
            self._forget_old()
        return ids, repeated

    def _forget_old(self) -> None:
        oldest = self._clock() - KEEP_SECONDS
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            if kept.at > oldest and self._size <= self._most:
                return
            self._drop(key)

    def _drop(self, key: str) -> None:
        self._size -= self._kept.pop(key).size
