"""Read a request: statement, parameters, settings, rows."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from aiohttp import web

from ops.embedded.clickhouse_http.coding import Decoder, choose, refuse_native_framing
from ops.embedded.clickhouse_http.errors import BAD_ARGUMENTS, NOT_IMPLEMENTED, QUERY_IS_TOO_LARGE, refuse
from ops.embedded.clickhouse_http.sql import Statement, parse

HEAD_BYTES = 256 << 10
STATEMENT_BYTES = 16 << 20
ROWS_BYTES = 256 << 10
SESSION_SECONDS = 60.0
# Parameters of the interface itself; the engine does not know them as settings.
INTERFACE = frozenset(
    (
        *("query", "database", "default_format", "user", "password", "quota_key", "query_id", "role"),
        *("session_id", "session_timeout", "session_check", "compress", "decompress", "buffer_size"),
        *("wait_end_of_query", "client_protocol_version", "close_session", "stacktrace", "readonly"),
    )
)


@dataclass(slots=True)
class Request:
    """What a client asks for.

    Parameters
    ----------
    statement
        Scanned statement.
    rows
        First bytes of rows behind an INSERT.
    rest
        Decoded bytes that follow, not read yet.
    parameters
        Query parameters, in the escaped form of TabSeparated.
    settings
        Engine settings.
    """

    statement: Statement
    rows: bytes
    rest: AsyncIterator[bytes]
    parameters: dict[str, str]
    settings: dict[str, str]
    query_id: str
    database: str
    format: str
    session: str
    session_seconds: float
    session_must_exist: bool
    encoding: str
    whole: bool


async def read(request: web.Request) -> Request:
    """Read as much of a request as tells the statement.

    Raises
    ------
    StoreError
        Unknown encoding, statement too long, or a part of the interface that is missing here.
    """
    query = dict(request.query)
    rest = _body(request)
    source = b""
    if request.content_type == "multipart/form-data":
        query |= await _form(request)
    if query.get("query", "").strip():
        source = query["query"].strip().encode("utf-8", "surrogateescape") + b"\n"
    for name in ("compress", "decompress"):
        if query.get(name, "0") not in ("0", "false"):
            raise refuse_native_framing(name)
    head, ended = await _take(rest, HEAD_BYTES)
    statement = parse(source + head)
    if statement.rows is None and not ended:
        more, ended = await _take(rest, STATEMENT_BYTES)
        if not ended:
            raise refuse(
                QUERY_IS_TOO_LARGE, f"Query is larger than {STATEMENT_BYTES} bytes", "QUERY_IS_TOO_LARGE"
            )
        head += more
        statement = parse(source + head)
    settings = {
        name: text for name, text in query.items() if name not in INTERFACE and not _is_parameter(name)
    }
    compresses = settings.get("enable_http_compression", "1") not in ("0", "false")
    return Request(
        statement=statement,
        rows=b"" if statement.rows is None else (source + head)[statement.rows :],
        rest=rest,
        parameters={name[6:]: text for name, text in query.items() if _is_parameter(name)},
        settings=settings,
        query_id=query.get("query_id") or str(uuid.uuid4()),
        database=query.get("database") or request.headers.get("X-ClickHouse-Database") or "",
        format=query.get("default_format") or request.headers.get("X-ClickHouse-Format") or "TabSeparated",
        session=query.get("session_id", ""),
        session_seconds=_seconds(query),
        session_must_exist=query.get("session_check", "0") == "1",
        encoding=choose(request.headers.get("Accept-Encoding", "")) if compresses else "",
        whole=query.get("wait_end_of_query", "0") not in ("0", "false"),
    )


def _is_parameter(name: str) -> bool:
    """Tell query parameters from settings."""
    return name.startswith("param_")


def _seconds(query: Mapping[str, str]) -> float:
    """Return the session timeout."""
    try:
        return min(float(query.get("session_timeout", SESSION_SECONDS)), 3600.0)
    except ValueError as error:
        raise refuse(BAD_ARGUMENTS, "session_timeout is not a number", "BAD_ARGUMENTS") from error


async def _form(request: web.Request) -> dict[str, str]:
    """Return the fields of a form; external tables are refused."""
    fields: dict[str, str] = {}
    for name, value in (await request.post()).items():
        if not isinstance(value, str):
            raise refuse(
                NOT_IMPLEMENTED, "External data is not supported by the embedded store", "NOT_IMPLEMENTED"
            )
        fields[name] = value
    return fields


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    """Yield the decoded body in pieces."""
    if request.content_type == "multipart/form-data":
        return
    decoder = Decoder(request.headers.get("Content-Encoding", ""))
    async for piece in request.content.iter_any():
        decoded = decoder.feed(piece)
        if decoded:
            yield decoded
    decoder.end()


async def _take(source: AsyncIterator[bytes], limit: int) -> tuple[bytes, bool]:
    """Collect pieces up to about `limit` bytes; also say whether the source ended."""
    parts, size = [], 0
    async for piece in source:
        parts.append(piece)
        size += len(piece)
        if size >= limit:
            return b"".join(parts), False
    return b"".join(parts), True


async def batches(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield rows in pieces worth a call into the engine."""
    pending, ended = first, False
    while not ended:
        piece, ended = await _take(rest, max(1, ROWS_BYTES - len(pending)))
        if pending or piece:
            yield pending + piece
        pending = b""
