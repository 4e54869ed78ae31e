"""Chooses the stack, says which and why, and leaves out what was not asked for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from stack import KAFKA, Choice, Pipeline, choose, make

from ops.kafka.jars import missing_tools

# A slow machine is no failure; speed is measured in `hark bench`.
settings.register_profile("hark", deadline=None)
settings.load_profile("hark")

_notes = pytest.StashKey[list[str]]()
_choice = pytest.StashKey[Choice]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose once a run."""
    config.stash[_choice] = choose(os.environ)
    config.stash[_notes] = []


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
    if left_out:
        reason = missing_tools() or f"{KAFKA}=1 is not set."
        config.stash[_notes].append(f"{len(left_out)} tests on Apache Kafka were left out: {reason}")
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the notes of a process of several to the one that prints the summary."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["notes"] = session.config.stash[_notes]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the notes of a process that ended."""
    node.config.stash[_notes] += getattr(node, "workeroutput", {}).get("notes", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what was left out: silence would read as success."""
    for note in sorted(set(config.stash[_notes])):
        terminalreporter.write_line(note)


@pytest.fixture(scope="session")
def notes(request: pytest.FixtureRequest) -> list[str]:
    """Return the sentences printed after the run; a test that could not do all it wants says so there."""
    return request.config.stash[_notes]


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
