"""Chooses the stack, says which and why, and leaves out what was not asked for."""

from __future__ import annotations

import os

import pytest

from ops.kafka.jars import missing_tools

REQUEST = "HARK_TEST_KAFKA"
_left_out = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests on Apache Kafka out unless they were asked for: they start Java processes."""
    if os.environ.get(REQUEST) == "1":
        return
    kept = [item for item in items if item.get_closest_marker("kafka") is None]
    left_out = [item for item in items if item.get_closest_marker("kafka")]
    config.stash[_left_out] = len(left_out)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the tests that were left out: silence would read as success."""
    count = config.stash.get(_left_out, 0)
    if count:
        reason = missing_tools() or f"{REQUEST}=1 is not set."
        terminalreporter.write_line(f"{count} tests on Apache Kafka were left out: {reason}")


@pytest.fixture(scope="session")
def kafka_available() -> None:
    """Fail with the one sentence that says what is missing."""
    reason = missing_tools()
    if reason:
        pytest.fail(reason, pytrace=False)
