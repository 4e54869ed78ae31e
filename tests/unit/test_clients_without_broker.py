"""A command that reaches no broker says one sentence; its clients leave nothing behind that says more."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys

import pytest
from aiokafka.errors import KafkaConnectionError

from ops.wiring.log import read, send
from streams.settings import Settings

NOWHERE = "127.0.0.1:1"


def test_clients_that_could_not_start_are_closed(caplog: pytest.LogCaptureFixture) -> None:
    config = Settings(broker=NOWHERE)
    with caplog.at_level(logging.WARNING, "asyncio"):
        for work in (lambda: read(config, "topics.tags"), lambda: send(config, lambda out: None)):
            with pytest.raises(KafkaConnectionError):
                work()
            gc.collect()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


def test_a_command_without_a_broker_says_one_sentence() -> None:
    call = [sys.executable, "-m", "ops.cli", "models", "list"]
    env = {"HARK_BROKER": NOWHERE, "PYTHONPATH": ":".join(sys.path)}
    found = subprocess.run(call, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 1 and found.stdout == ""
    assert found.stderr == "hark: no Kafka broker answers: check HARK_BROKER, or start one with `hark up`\n"
