"""Broker and store together: started side by side, watched, and gone without a trace at the end."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.embedded.broker import EmbeddedBroker, answers
from ops.embedded.process import EmbeddedError
from ops.embedded.store import EmbeddedStore, ping

WATCH_SECONDS = 0.5


class Stack:
    """An embedded broker and an embedded store as one async context manager.

    SIGTERM inside the block stops both and ends the program with status 143, as Ctrl-C under `asyncio.run`
    stops both and raises KeyboardInterrupt.

    Parameters
    ----------
    data
        Folder for tables and log files, kept; a temporary one, removed at the end, without it. Topics live in
        memory either way.
    broker_port, store_port
        Loopback ports; 0 takes free ones.
    user, password, readers
        Accounts of the store, see `EmbeddedStore`.
    signals
        Whether to take SIGTERM over while running.

    Raises
    ------
    EmbeddedError
        One of them could not start; the other one is stopped again.
    """

    def __init__(
        self,
        data: Path | None = None,
        broker_port: int = 0,
        store_port: int = 0,
        *,
        user: str = "default",
        password: str = "",
        readers: Mapping[str, str] | None = None,
        signals: bool = True,
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="hark-") if data is None else None
        self.data = Path(self._scratch.name) if self._scratch is not None else Path(str(data))
        self.broker = EmbeddedBroker(broker_port, self.data)
        self.store = EmbeddedStore(
            self.data / "store", store_port, user=user, password=password, readers=readers
        )
        self.start_seconds = 0.0
        self._signals = signals
        self._task: asyncio.Task[object] | None = None
        self._terminated = False

    async def start(self) -> None:
        """Start both side by side; `start_seconds` tells how long it took."""
        began = time.perf_counter()
        results = await asyncio.gather(self.broker.start(), self.store.start(), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                await self.stop()
                raise result
        self.start_seconds = time.perf_counter() - began

    async def stop(self) -> None:
        """Stop both and remove the temporary folder; repeatable."""
        await asyncio.gather(self.broker.stop(), self.store.stop())
        if self._scratch is not None:
            self._scratch.cleanup()

    async def health(self) -> dict[str, bool]:
        """Ask both whether they answer: `{"broker": …, "store": …}`."""
        broker, store = await asyncio.gather(
            answers(self.broker.address), asyncio.to_thread(ping, self.store.url)
        )
        return {"broker": broker, "store": store}

    async def failed(self) -> str:
        """Wait until one of them ends by itself and return which, as a sentence."""
        while True:
            for part in (self.broker, self.store):
                if not part.running:
                    return f"the embedded {part.name} ended by itself; its log is {part.log}"
            await asyncio.sleep(WATCH_SECONDS)

    async def __aenter__(self) -> Self:
        """Take SIGTERM over and start."""
        if self._signals and threading.current_thread() is threading.main_thread():
            self._task = asyncio.current_task()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._terminate)
        try:
            await self.start()
        except BaseException:
            await asyncio.shield(self.stop())
            self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, give SIGTERM back, and end the program if it came."""
        await asyncio.shield(self.stop())
        self._leave()

    def _terminate(self) -> None:
        """Cancel the block, as asyncio does for Ctrl-C."""
        self._terminated = True
        if self._task is not None:
            self._task.cancel()

    def _leave(self) -> None:
        """Give SIGTERM back; end the program if it came."""
        if self._task is not None:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
            self._task = None
        if self._terminated:
            raise SystemExit(128 + signal.SIGTERM)


__all__ = ["EmbeddedError", "Stack"]
