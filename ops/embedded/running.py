"""Something that is started and stopped, as an async context manager."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Running(ABC):
    """Runs as long as its block; a cancelled block still waits for the stop."""

    @abstractmethod
    async def start(self) -> None:
        """Start it; what fails leaves nothing running."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop it; repeatable."""

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await asyncio.shield(self.stop())
