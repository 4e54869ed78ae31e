"""The HTTP side: requests in ClickHouse's dialect in; results, summaries and exceptions out.

Source: ClickHouse documentation, "HTTP Interface".
"""

from __future__ import annotations

import asyncio
import json
import secrets
import string
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ops.embedded.clickhouse_http import policy
from ops.embedded.clickhouse_http.coding import Encoder
from ops.embedded.clickhouse_http.engine import Engine, Handle, Stream
from ops.embedded.clickhouse_http.errors import (
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
    SYNTAX_ERROR,
    StoreError,
    refuse,
)
from ops.embedded.clickhouse_http.request import Request, batches, read
from ops.embedded.clickhouse_http.results import (
    STREAMED,
    Chunk,
    content_type,
    exception_block,
    native_block_of_no_rows,
    summary,
)
from ops.embedded.clickhouse_http.sessions import Sessions
from ops.embedded.clickhouse_http.users import User, Users

OK = "Ok.\n"
LOCAL_NAMES = frozenset(("127.0.0.1", "localhost"))


def from_this_machine(request: web.Request) -> bool:
    """Tell requests of local programs from those a web page makes a local browser send.

    The store often has no password; a foreign page must not reach it, neither by a form (Origin) nor
    by a name that resolves to this machine (Host).
    """
    origin = request.headers.get("Origin")
    names = [request.host] + ([origin.partition("://")[2]] if origin is not None else [])
    return all(name.partition(":")[0] in LOCAL_NAMES for name in names)


class Server:
    """The ClickHouse HTTP interface of one engine.

    Parameters
    ----------
    engine
        chDB on its directory.
    users
        Who may use it.
    """

    def __init__(self, engine: Engine, users: Users) -> None:
        self._engine = engine
        self._users = users
        self._sessions = Sessions(engine)
        self._running: set[str] = set()

    def close(self) -> None:
        """Close every session."""
        self._sessions.close()

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application()
        app.router.add_get("/ping", self._alive)
        app.router.add_get("/replicas_status", self._alive)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _alive(self, _: web.Request) -> web.Response:
        """Answer a health check, without authentication as the server does."""
        return web.Response(text=OK, content_type="text/html")

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; every expected failure becomes a ClickHouse exception."""
        if not from_this_machine(request):
            return web.Response(status=403, text="The embedded store answers programs of this machine only\n")
        if request.path != "/":
            return web.Response(status=404, text=f"There is no handle {request.path}\n")
        try:
            return await self._answer(request)
        except StoreError as error:
            return self._failure(error)

    def _failure(self, error: StoreError) -> web.Response:
        """Return an exception as ClickHouse sends it."""
        message = error.message
        if "(version " not in message:
            message = f"{message} (version {self._engine.version})"
        headers = {"X-ClickHouse-Exception-Code": str(error.code)}
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        return web.Response(status=error.status, text=message + "\n", headers=headers)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Authenticate, read, run, respond."""
        started = time.perf_counter()
        user = self._users.authenticate(request.headers, request.query)
        asked = await read(request)
        if not asked.statement.kind:
            if request.method in ("GET", "HEAD"):
                return web.Response(text=OK, content_type="text/html")
            raise refuse(SYNTAX_ERROR, "Syntax error: Empty query", "SYNTAX_ERROR")
        reading = user.reads_only or request.method in ("GET", "HEAD")
        policy.check(asked.statement, user, reading, self._engine.table_functions)
        async with self._connection(asked, user, reading) as handle:
            respond = self._insert if asked.statement.rows is not None else self._select
            return await respond(request, asked, handle, started)

    @asynccontextmanager
    async def _connection(self, asked: Request, user: User, reading: bool) -> AsyncIterator[Handle]:
        """Lend a prepared connection: the session's, or a fresh one."""
        if asked.query_id in self._running:
            raise refuse(
                QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
                f"Query with id = {asked.query_id} is already running",
                "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
            )
        self._running.add(asked.query_id)
        try:
            settings = {"log_comment": asked.query_id, **asked.settings}
            if asked.session:
                key = (user.name, asked.session)
                async with self._sessions.lend(
                    key, asked.session_seconds, asked.session_must_exist, user.reads_only
                ) as handle:
                    await self._engine.call(handle.prepare, settings, asked.database)
                    yield handle
                return
            handle = await self._engine.open(reading)
            try:
                await self._engine.call(handle.prepare, settings, asked.database)
                yield handle
            finally:
                await asyncio.shield(self._engine.call(handle.close))
        finally:
            self._running.discard(asked.query_id)

    async def _insert(
        self, request: web.Request, asked: Request, handle: Handle, started: float
    ) -> web.StreamResponse:
        """Write rows as they arrive."""
        statement = asked.statement
        await self._engine.call(handle.bind, asked.parameters)
        insert = await self._engine.call(handle.insert, statement.text, statement.format or "Values")
        try:
            async for rows in batches(asked.rows, asked.rest):
                await self._engine.call(insert.append, rows)
        except BaseException:
            # A body cut short must not be committed as if it were whole.
            await asyncio.shield(self._engine.call(insert.cancel))
            raise
        return self._whole(asked, "TabSeparated", await self._engine.call(insert.finish), started)

    async def _select(
        self, request: web.Request, asked: Request, handle: Handle, started: float
    ) -> web.StreamResponse:
        """Run a statement without rows; stream the result where its format allows."""
        statement, call = asked.statement, self._engine.call
        form = statement.format or asked.format
        reads = statement.kind in ("SELECT", "WITH", "(", "FROM")
        # Whoever hung up wants no result; what writes goes on, as in the server.
        victim = asked.query_id if reads else ""
        if reads and form in STREAMED and not asked.whole and "TOTALS" not in statement.clauses:
            stream = await call(handle.stream, statement.text, form, asked.parameters, query_id=victim)
            if stream is not None:
                try:
                    return await self._stream(request, asked, stream, form, started)
                finally:
                    await asyncio.shield(call(stream.close))
        total = await call(handle.run, statement.text, form, asked.parameters, query_id=victim)
        if form == "Native" and reads and not total.data:
            total.data = await self._no_rows(asked, handle)
        return self._whole(asked, form, total, started)

    async def _no_rows(self, asked: Request, handle: Handle) -> bytes:
        """Return the Native block of no rows, which chDB leaves out: clients read column names from it."""
        described = await self._engine.call(
            handle.run, asked.statement.text, "JSONCompact", asked.parameters, query_id=asked.query_id
        )
        columns = json.loads(described.data)["meta"]
        return native_block_of_no_rows([(column["name"], column["type"]) for column in columns])

    async def _stream(
        self, request: web.Request, asked: Request, stream: Stream, form: str, started: float
    ) -> web.StreamResponse:
        """Send pieces as the engine makes them; a result of one piece goes as a whole, with its summary."""

        async def fetch() -> Chunk | None:
            return await self._engine.call(stream.fetch, query_id=asked.query_id)

        first = await fetch()
        following = await fetch() if first is not None else None
        if first is None or following is None:
            return self._whole(asked, form, first or Chunk(b""), started)
        tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
        response = web.StreamResponse(headers=self._headers(asked, form))
        response.headers["X-ClickHouse-Exception-Tag"] = tag
        encoder = Encoder(asked.encoding)
        await response.prepare(request)
        piece: Chunk | None = first
        while piece is not None:
            await response.write(encoder.feed(piece.data))
            try:
                piece, following = following, await fetch() if following is not None else None
            except StoreError as error:
                await response.write(encoder.feed(exception_block(error, tag)) + encoder.end())
                # No last chunk: a client that knows nothing of the tag still sees a broken transfer.
                if request.transport is not None:
                    request.transport.close()
                return response
        await response.write(encoder.end())
        await response.write_eof()
        return response

    def _whole(self, asked: Request, form: str, total: Chunk, started: float) -> web.Response:
        """Send a result at once, with its summary."""
        headers = self._headers(asked, form)
        headers["X-ClickHouse-Summary"] = summary(total, started)
        encoder = Encoder(asked.encoding if total.data else "")
        body = encoder.feed(total.data) + encoder.end()
        return web.Response(body=body, headers=headers)

    def _headers(self, asked: Request, form: str) -> dict[str, str]:
        """Return the headers of every result."""
        headers = {
            "Content-Type": content_type(form),
            "X-ClickHouse-Format": form,
            "X-ClickHouse-Query-Id": asked.query_id,
            "X-ClickHouse-Timezone": self._engine.timezone,
            "X-ClickHouse-Server-Display-Name": "hark-embedded",
        }
        if asked.encoding:
            headers["Content-Encoding"] = asked.encoding
        return headers
