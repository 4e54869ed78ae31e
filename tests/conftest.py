"""Chooses the stack, says which and why, and leaves out what was not asked for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from stack import KAFKA, Choice, Pipeline, choose, make

from ops.kafka.jars import missing_tools

# A slow machine is no failure; speed is measured in `hark bench`.
settings.register_profile("hark", deadline=None)
settings.load_profile("hark")

_left_out = pytest.StashKey[int]()
_choice = pytest.StashKey[Choice]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose once a run."""
    config.stash[_choice] = choose(os.environ)


def pytest_report_header(config: pytest.Config) -> str:
    """Say what the pipeline tests run on and why."""
    choice = config.stash[_choice]
    return f"stack: {choice.broker} broker, {choice.store} store, because {choice.why}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests on Apache Kafka out unless they were asked for: they start Java processes."""
    if os.environ.get(KAFKA) == "1":
        for item in items:
            # On a real broker the pipeline's own tests are tests on Apache Kafka, so `-m kafka` has them.
            if config.stash[_choice].broker != "embedded" and "pipeline" in getattr(item, "fixturenames", ()):
                item.add_marker("kafka")
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
        reason = missing_tools() or f"{KAFKA}=1 is not set."
        terminalreporter.write_line(f"{count} tests on Apache Kafka were left out: {reason}")


@pytest.fixture(scope="session")
def kafka_available() -> None:
    """Fail with the one sentence that says what is missing."""
    reason = missing_tools()
    if reason:
        pytest.fail(reason, pytrace=False)


@pytest.fixture(scope="session")
def pipeline() -> Iterator[Pipeline]:
    """Return the chosen stack with topics, schema and one worker process running."""
    running, end = make(os.environ)
    try:
        yield running
    finally:
        end()


@pytest.fixture(autouse=True)
def loggers_stay_enabled() -> Iterator[None]:
    """Undo what libraries under test do to logging: import-linter disables every logger there is."""
    yield
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False
