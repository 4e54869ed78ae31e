"""A worker told to stop before its agents have begun ends in order; one that cannot begin crashes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.app import Pulse
from streams.worker import WorkerService


class Closed(SimpleNamespace):
    """What the agents share, closed while the worker waits for it."""

    service: WorkerService
    stopping: bool

    async def start_broadcast(self) -> None:
        if self.stopping:
            self.service._stopped.set()
        raise RuntimeError("cannot schedule new futures after shutdown")


@pytest.mark.parametrize("stopping", [True, False])
def test_what_a_stop_has_closed_is_no_crash(stopping: bool) -> None:
    async def run() -> None:
        shared = Closed(stopping=stopping)
        shared.service = WorkerService(cast(Any, shared), [], [], Pulse(1.0))
        await shared.service.on_start()

    if stopping:
        asyncio.run(run())
    else:
        with pytest.raises(RuntimeError):
            asyncio.run(run())
