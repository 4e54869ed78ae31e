"""What embedded broker and store have in common: a port, a child process, a folder, a start and a stop."""

from __future__ import annotations

import asyncio
import tempfile
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from ops.embedded.process import Child
from ops.embedded.running import Running


class Part(Running):
    """A part in a child process of its own, as an async context manager.

    Parameters
    ----------
    port
        Loopback port; 0 takes a free one.
    """

    name: ClassVar[str]

    def __init__(self, port: int) -> None:
        self.port = port
        self._wanted = port
        self._child: Child | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @property
    def pid(self) -> int | None:
        """Process id, or None before start."""
        return self._child.pid if self._child else None

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._child is not None and self._child.running

    @property
    def log(self) -> Path | None:
        """Its log file."""
        return self._child.log if self._child else None

    @property
    @abstractmethod
    def keeps_data(self) -> bool:
        """Whether what it holds survives a restart."""

    async def start(self) -> None:
        """Start it and return when it answers."""
        try:
            await self._start()
        except BaseException:
            await asyncio.shield(self.stop())
            raise

    @abstractmethod
    async def _start(self) -> None:
        """Start the child and wait for its answer; what fails is stopped by the caller."""

    def _temporary(self) -> Path:
        """Return a folder that is removed at the end."""
        self._scratch = tempfile.TemporaryDirectory(prefix=f"hark-{self.name}-", ignore_cleanup_errors=True)
        return Path(self._scratch.name)

    async def stop(self) -> None:
        """Stop it and remove its temporary folder; repeatable."""
        if self._child is not None:
            await self._child.stop()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None
