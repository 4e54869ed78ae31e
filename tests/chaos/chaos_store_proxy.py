"""Stands before the store's HTTP and plays its faults: refuses, is silent, loses answers of what it did."""

from __future__ import annotations

import asyncio
import contextlib
from enum import Enum
from urllib.parse import urlsplit

PIECE = 65_536


class Fault(Enum):
    """How the store behaves."""

    NONE = "serves"
    REFUSE = "refuses connections"
    SILENT = "takes requests and answers nothing"
    SWALLOW = "does what it is told, and the answer is lost"


class StoreProxy:
    """A loopback proxy before the store.

    Parameters
    ----------
    url
        Address of the store.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 8123)
        self._fault = Fault.NONE
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut = 0

    @property
    def url(self) -> str:
        """Address for the workers."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        assert self._server is not None
        self._server.close()
        self._cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def play(self, fault: Fault) -> None:
        """Change the behaviour; open connections are cut, as after a restart."""
        self._fault = fault
        if fault is not Fault.SWALLOW:
            self._cut()

    def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()
            self.cut += 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            if self._fault is Fault.REFUSE:
                return
            up_reader, up_writer = await asyncio.open_connection(*self._target)
            try:
                back = asyncio.create_task(self._answers(up_reader, writer))
                await self._requests(reader, up_writer)
                await back
            finally:
                up_writer.transport.abort()
        except OSError:
            return
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            if self._fault is Fault.SILENT:
                continue
            up_writer.write(piece)
            await up_writer.drain()
        with contextlib.suppress(OSError):
            up_writer.write_eof()

    async def _answers(self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await up_reader.read(PIECE):
                if self._fault is Fault.SWALLOW:
                    self.cut += 1
                    break
                if self._fault is Fault.NONE:
                    writer.write(piece)
                    await writer.drain()
        writer.transport.abort()
