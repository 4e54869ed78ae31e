"""A worker told to stop before its agents have begun ends in order; one that cannot begin crashes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.app import Pulse
from streams.worker import WorkerService


@pytest.mark.parametrize("stopping", [True, False])
def test_what_a_stop_has_closed_is_no_crash(stopping: bool) -> None:
    async def closed() -> None:
        if stopping:
            service._stopped.set()
        raise RuntimeError("cannot schedule new futures after shutdown")

    async def run() -> None:
        nonlocal service
        runtime = SimpleNamespace(start_broadcast=closed)
        service = WorkerService(cast(Any, runtime), [], [], Pulse(1.0))
        if not stopping:
            with pytest.raises(RuntimeError):
                await service.on_start()
        else:
            await service.on_start()

    service: WorkerService
    asyncio.run(run())
