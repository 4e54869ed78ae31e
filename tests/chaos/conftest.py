"""Reports each round at the end, passed or not: a chaos run must say what it did."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import pytest

_lines = pytest.StashKey[list[str]]()


@pytest.fixture
def chaos_report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what takes a line for the summary."""
    lines = request.config.stash.setdefault(_lines, [])
    began = time.monotonic()

    def report(line: str) -> None:
        lines.append(f"{request.node.name} +{time.monotonic() - began:.0f} s: {line}")
        print(lines[-1], flush=True)

    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell what broke at once: the summary comes when the other runs are over, half an hour later."""
    report = yield
    if call.excinfo is not None and call.when == "call":
        print(f"{item.name}: {call.excinfo.value!s:.4000}", flush=True)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the rounds."""
    for line in config.stash.get(_lines, []):
        terminalreporter.write_line(line)
