"""Sessions: a connection that one client keeps, with its temporary tables, SET and USE."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops.embedded.clickhouse_http.errors import SESSION_IS_LOCKED, SESSION_NOT_FOUND, refuse

if TYPE_CHECKING:
    from ops.embedded.clickhouse_http.engine import Engine, Handle

Key = tuple[str, str]


@dataclass(slots=True)
class _Session:
    handle: Handle
    expires: float
    busy: bool = True


class Sessions:
    """All sessions of one engine.

    Parameters
    ----------
    engine
        Opens the connections.
    clock
        Monotonic seconds.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._open: dict[Key, _Session] = {}

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    @asynccontextmanager
    async def lend(
        self, key: Key, seconds: float, must_exist: bool, reads_only: bool
    ) -> AsyncIterator[Handle]:
        """Lock a session, made on first use, for one statement.

        Parameters
        ----------
        key
            User and session id: users never share sessions.
        seconds
            Life after its last use.

        Raises
        ------
        StoreError
            The session runs another statement, or must exist and does not.
        """
        await self.expire()
        known = self._open.get(key)
        if known is None:
            if must_exist:
                raise refuse(SESSION_NOT_FOUND, f"Session {key[1]} not found", "SESSION_NOT_FOUND")
            # No await between look-up and entry: a second request must find it busy.
            known = self._open[key] = _Session(self._engine.connect(), self._clock() + seconds)
            if reads_only:
                known.handle.restrict()
        elif known.busy:
            raise refuse(
                SESSION_IS_LOCKED, f"Session {key[1]} is locked by a concurrent client", "SESSION_IS_LOCKED"
            )
        known.busy = True
        try:
            yield known.handle
        finally:
            known.busy = False
            known.expires = self._clock() + seconds

    async def expire(self) -> None:
        """Close what nobody used in time."""
        now = self._clock()
        for key in [key for key, known in self._open.items() if not known.busy and known.expires < now]:
            await asyncio.shield(self._engine.call(self._open.pop(key).handle.close))

    def close(self) -> None:
        """Close all of them."""
        for known in self._open.values():
            known.handle.close()
        self._open.clear()
