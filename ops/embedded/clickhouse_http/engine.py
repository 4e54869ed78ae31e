"""chDB behind threads: fresh connections, streaming results and inserts, cancellation.

A connection is opened for every request outside a session (0.2 ms): settings, temporary tables and USE of one
client never reach another, and a slow insert holds nobody up. Calls release the interpreter lock.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import chdb

from ops.embedded.clickhouse_http.errors import UNKNOWN_SETTING, StoreError, from_engine, refuse
from ops.embedded.clickhouse_http.results import Chunk

T = TypeVar("T")
THREADS = 32
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
KILL = b"KILL QUERY WHERE Settings['log_comment'] = {id:String} ASYNC"
NOT_A_STREAM = "Streaming query is not supported"


def literal(text: str) -> str:
    r"""Quote text as a ClickHouse string literal.

    Examples
    --------
    >>> print(literal("a'b\\c"))
    'a\'b\\c'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """Quote a name as a ClickHouse identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _chunk(result: Any) -> Chunk:
    """Copy a chDB result out of the engine."""
    return Chunk(
        result.bytes(),
        result.rows_read(),
        result.storage_rows_read(),
        result.storage_bytes_read(),
        result.rows_written(),
        result.bytes_written(),
    )


class Handle:
    """One chDB connection and the settings its last request asked for."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._applied: dict[str, str] = {}

    def prepare(self, settings: Mapping[str, str], database: str) -> None:
        """Apply the settings of a request and take back those of the one before."""
        for name in settings:
            if NAME.fullmatch(name) is None:
                raise refuse(UNKNOWN_SETTING, f"Unknown setting '{name}'", "UNKNOWN_SETTING")
        changes = [f"{name} = DEFAULT" for name in self._applied if name not in settings]
        changes += [
            f"{name} = {literal(value)}"
            for name, value in settings.items()
            if self._applied.get(name) != value
        ]
        if changes:
            self.run(f"SET {', '.join(changes)}".encode())
        # Only now: what the engine refused must not be taken back by the next request.
        self._applied = dict(settings)
        if database:
            self.run(f"USE {identifier(database)}".encode())

    def restrict(self) -> None:
        """Allow reading only, from now on."""
        self.run(b"SET readonly = 2")

    def bind(self, parameters: Mapping[str, str]) -> None:
        """Set query parameters for a statement that cannot carry them."""
        for name, value in parameters.items():
            if NAME.fullmatch(name) is None:
                raise refuse(UNKNOWN_SETTING, f"Unknown parameter '{name}'", "UNKNOWN_SETTING")
            self.run(f"SET param_{name} = {literal(value)}".encode())

    def run(
        self, sql: bytes, form: str = "TabSeparated", parameters: Mapping[str, str] | None = None
    ) -> Chunk:
        """Run one statement and return its whole result."""
        try:
            return _chunk(self._connection.query(sql, form, params=dict(parameters or {})))
        except RuntimeError as error:
            raise from_engine(error) from None

    def stream(self, sql: bytes, form: str, parameters: Mapping[str, str]) -> Stream | None:
        """Start a statement whose result comes in pieces; None if the engine cannot stream it."""
        try:
            return Stream(self._connection.send_query(sql, form, params=dict(parameters)))
        except RuntimeError as error:
            if NOT_A_STREAM in str(error):
                return None
            raise from_engine(error) from None

    def insert(self, sql: bytes, form: str) -> Insert:
        """Start an INSERT whose rows come in pieces."""
        try:
            return Insert(self._connection.send_insert(sql, form))
        except RuntimeError as error:
            raise from_engine(error) from None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Stream:
    """A result in pieces of at most one engine block."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def fetch(self) -> Chunk | None:
        """Return the next piece, None after the last."""
        try:
            result = self._result.fetch()
        except RuntimeError as error:
            raise from_engine(error) from None
        return None if result is None else _chunk(result)

    def close(self) -> None:
        """Stop the statement if it still runs."""
        try:
            self._result.close()
        except RuntimeError as error:
            raise from_engine(error) from None


class Insert:
    """An INSERT in progress."""

    def __init__(self, inserter: Any) -> None:
        self._inserter = inserter

    def append(self, data: bytes) -> None:
        """Add encoded rows, cut anywhere."""
        try:
            self._inserter.append(data)
        except RuntimeError as error:
            raise from_engine(error) from None

    def finish(self) -> Chunk:
        """Commit."""
        try:
            done = self._inserter.finish()
        except RuntimeError as error:
            raise from_engine(error) from None
        return Chunk(b"", written_rows=done.rows_written, written_bytes=done.bytes_written)

    def cancel(self) -> None:
        """Give up; parts already written stay, as in ClickHouse."""
        try:
            self._inserter.cancel()
        except RuntimeError as error:
            raise from_engine(error) from None


class Engine:
    """chDB on one directory.

    Parameters
    ----------
    path
        Directory of the data; made if missing.

    Raises
    ------
    StoreError
        The directory is in use by another process or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = str(path.resolve())
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="chdb")
        # An open connection keeps the engine up between requests.
        self._root = self.connect()
        self.version, self.timezone = self._column(b"SELECT arrayJoin([version(), timezone()])")
        self.table_functions = frozenset(
            name.lower() for name in self._column(b"SELECT name FROM system.table_functions")
        )

    def _column(self, sql: bytes) -> list[str]:
        """Return the rows of a result of one text column."""
        return self._root.run(sql).data.decode().splitlines()

    def connect(self) -> Handle:
        """Open a connection."""
        try:
            return Handle(chdb.connect(self._path))
        except RuntimeError as error:
            raise from_engine(error) from None

    async def call(self, function: Callable[..., T], *arguments: Any, query_id: str = "") -> T:
        """Run a blocking call in a thread.

        When cancelled it waits for the thread before passing the cancellation on: a connection must not be
        closed under a running call.

        Parameters
        ----------
        query_id
            Statement to kill when cancelled; without it, it runs to its end.
        """
        future = asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if query_id and not future.done():
                await self.kill(query_id)
            await asyncio.wait([future])
            # Nobody is left to hear how it ended; unread, the loop would report it as lost.
            future.exception()
            raise

    async def open(self, reads_only: bool) -> Handle:
        """Return a fresh connection."""

        def connect() -> Handle:
            handle = self.connect()
            if reads_only:
                handle.restrict()
            return handle

        return await self.call(connect)

    async def kill(self, query_id: str) -> None:
        """Stop the statement that carries `query_id` as its log_comment."""

        def stop() -> None:
            handle = self.connect()
            try:
                handle.run(KILL, parameters={"id": query_id})
            finally:
                handle.close()

        # It may have ended by itself in between.
        with suppress(StoreError):
            await asyncio.get_running_loop().run_in_executor(None, stop)

    def close(self) -> None:
        """Close the engine; what was committed is on disk."""
        self._pool.shutdown(wait=True)
        self._root.close()
