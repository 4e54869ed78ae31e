"""Content-Encoding and Accept-Encoding: gzip, deflate, lz4 and zstd, chunk by chunk."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Protocol

from backports import zstd

from ops.embedded.clickhouse_http.errors import (
    CANNOT_DECOMPRESS,
    NOT_IMPLEMENTED,
    UNKNOWN_COMPRESSION_METHOD,
    refuse,
)

# Loaded by name: the package has no type information.
lz4_frame = import_module("lz4.frame")

GZIP_WINDOW = 31
ZLIB_WINDOW = 15
# The fastest level: embedded clients sit on the same machine.
LEVEL = 1


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes | None: ...

    def decompress(self, data: bytes, /) -> bytes: ...


DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    "gzip": lambda: zlib.decompressobj(GZIP_WINDOW),
    "deflate": lambda: zlib.decompressobj(ZLIB_WINDOW),
    "lz4": lz4_frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
}
# In the order we like them; a client's own weights do not matter on a loopback interface.
ENCODINGS = ("zstd", "lz4", "gzip", "deflate")


class Decoder:
    """Decode a request body that comes in pieces; frames may follow one another.

    Parameters
    ----------
    encoding
        Content-Encoding, "" or "identity" for none.

    Raises
    ------
    StoreError
        Unknown encoding.

    Examples
    --------
    >>> import gzip
    >>> decoder = Decoder("gzip")
    >>> decoder.feed(gzip.compress(b"a") + gzip.compress(b"b"))
    b'ab'
    >>> decoder.end()
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding in ("", "identity"):
            self._open = None
        elif self._encoding in DECOMPRESSORS:
            self._open = DECOMPRESSORS[self._encoding]
        else:
            raise refuse(
                UNKNOWN_COMPRESSION_METHOD,
                f"Unknown compression method '{self._encoding}'. "
                f"Only {', '.join(ENCODINGS)} are supported here",
                "UNKNOWN_COMPRESSION_METHOD",
            )
        self._frame: _Decompressor | None = None

    def feed(self, data: bytes) -> bytes:
        """Return what `data` decodes to; StoreError where it is broken."""
        if self._open is None:
            return data
        out = []
        while data:
            if self._frame is None:
                self._frame = self._open()
            try:
                out.append(self._frame.decompress(data))
            except (zlib.error, zstd.ZstdError, RuntimeError) as error:
                raise self._broken(str(error)) from error
            data = b""
            if self._frame.eof:
                data = self._frame.unused_data or b""
                self._frame = None
        return b"".join(out)

    def end(self) -> None:
        """Say that no more comes; StoreError if a frame is cut short."""
        if self._frame is not None:
            raise self._broken("it ends inside a frame")

    def _broken(self, why: str) -> Exception:
        """Return the error for a body that is not what it claims."""
        return refuse(
            CANNOT_DECOMPRESS, f"Cannot decompress the {self._encoding} body: {why}", "CANNOT_DECOMPRESS"
        )


class Encoder:
    """Encode a response body that goes out in pieces.

    Parameters
    ----------
    encoding
        One of `ENCODINGS`, or "" for none.
    """

    def __init__(self, encoding: str) -> None:
        self._head = b""
        self._compress: Callable[[bytes], bytes] = bytes
        self._flush: Callable[[], bytes] = bytes
        if encoding in ("gzip", "deflate"):
            window = GZIP_WINDOW if encoding == "gzip" else ZLIB_WINDOW
            deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, window)
            self._compress, self._flush = deflate.compress, deflate.flush
        elif encoding == "lz4":
            frame = lz4_frame.LZ4FrameCompressor()
            self._head = frame.begin()
            self._compress, self._flush = frame.compress, frame.flush
        elif encoding == "zstd":
            stream = zstd.ZstdCompressor(level=LEVEL)
            self._compress, self._flush = stream.compress, stream.flush

    def feed(self, data: bytes) -> bytes:
        """Return the next encoded bytes; may be empty."""
        head, self._head = self._head, b""
        return head + self._compress(data)

    def end(self) -> bytes:
        """Return the end of the stream."""
        return self._head + self._flush()


def choose(accepted: str) -> str:
    """Return the encoding for an Accept-Encoding header, "" for none.

    Examples
    --------
    >>> choose("br, gzip;q=0.8, lz4")
    'lz4'
    >>> choose("gzip;q=0")
    ''
    """
    offers: Iterable[list[str]] = (
        [part.strip() for part in offer.split(";")] for offer in accepted.split(",")
    )
    names = {offer[0].lower() for offer in offers if not any(part in ("q=0", "q=0.0") for part in offer[1:])}
    return next((name for name in ENCODINGS if name in names), "")


def refuse_native_framing(name: str) -> Exception:
    """Return the error for `compress=1` and `decompress=1`: ClickHouse's own block framing."""
    return refuse(
        NOT_IMPLEMENTED,
        f"{name}=1 (ClickHouse block compression over HTTP) is not supported by the embedded store; "
        "use Content-Encoding and Accept-Encoding",
        "NOT_IMPLEMENTED",
    )
