"""How results, summaries and late exceptions look on the wire."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from ops.embedded.clickhouse_http.errors import StoreError

# Formats whose pieces may simply follow one another; any other needs the whole result at once.
STREAMED = frozenset(
    (
        *("Native", "RowBinary", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV"),
        *("JSONEachRow", "JSONLines", "NDJSON", "JSONCompactEachRow", "LineAsString"),
    )
)
CONTENT_TYPES = {
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "JSON": "application/json; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
}


@dataclass(slots=True)
class Chunk:
    """A piece of a result.

    Parameters
    ----------
    data
        Bytes in the format asked for.
    result_rows, read_rows, read_bytes, written_rows, written_bytes
        Counts of this piece.
    """

    data: bytes
    result_rows: int = 0
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0


def content_type(form: str) -> str:
    """Return the media type of a format."""
    if form in CONTENT_TYPES:
        return CONTENT_TYPES[form]
    if form.endswith("EachRow"):
        return CONTENT_TYPES["JSONEachRow"]
    if form.startswith("JSON"):
        return CONTENT_TYPES["JSON"]
    return "application/octet-stream"


def summary(total: Chunk, started: float) -> str:
    """Return the X-ClickHouse-Summary header: counts as strings, as the server sends them."""
    counts = {
        "read_rows": total.read_rows,
        "read_bytes": total.read_bytes,
        "written_rows": total.written_rows,
        "written_bytes": total.written_bytes,
        "total_rows_to_read": total.read_rows,
        "result_rows": total.written_rows or total.result_rows,
        "result_bytes": total.written_bytes or len(total.data),
        "elapsed_ns": int((time.perf_counter() - started) * 1e9),
    }
    return json.dumps({name: str(count) for name, count in counts.items()}, separators=(",", ":"))


def native_block_of_no_rows(columns: list[tuple[str, str]]) -> bytes:
    r"""Return column names and types in the Native format.

    Examples
    --------
    >>> native_block_of_no_rows([("a", "UInt8")])
    b'\x01\x00\x01a\x05UInt8'
    """
    names = (text.encode() for column in columns for text in column)
    return varint(len(columns)) + varint(0) + b"".join(varint(len(text)) + text for text in names)


def varint(number: int) -> bytes:
    """Return a number in ClickHouse's LEB128."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def exception_block(error: StoreError, tag: str) -> bytes:
    """Return an exception inside a result that already began, as ClickHouse marks it."""
    message = (error.message + "\n").encode()
    marker = b"__exception__"
    return b"\r\n%b\r\n%b\r\n%b%d %b\r\n%b\r\n" % (
        marker,
        tag.encode(),
        message,
        len(message),
        tag.encode(),
        marker,
    )
