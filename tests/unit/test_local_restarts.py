"""A local worker that ends by itself is started again, and that is told."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from ops.embedded.process import Child
from ops.local import RESTARTS, LocalCluster


def test_a_worker_that_ends_is_started_again_told_and_given_up_at_last(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async def run() -> str:
        cluster, log = LocalCluster(1, data=tmp_path), tmp_path / "worker-1.log"
        cluster.failure = asyncio.get_running_loop().create_future()
        async with Child("worker 1", [sys.executable, "-c", "raise SystemExit('again')"], log) as worker:
            await cluster._supervise(worker)
        assert log.read_text() == "again\n" * (RESTARTS + 1)
        return cluster.failure.result()

    monkeypatch.setattr("ops.local.RESTART_PAUSE_S", 0.0)
    with caplog.at_level(logging.ERROR, "ops.local"):
        failure = asyncio.run(run())
    told = f"worker 1 ended with status 1 and is started again; its log is {tmp_path / 'worker-1.log'}"
    assert caplog.messages == [told] * RESTARTS
    assert failure == f"worker 1 ended {RESTARTS + 1} times; its log is {tmp_path / 'worker-1.log'}"
