"""Reports each round at the end, passed or not: a chaos run must say what it did."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import pytest

ROUND = "chaos round"


@pytest.fixture
def chaos_report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what takes a line for the summary."""
    began = time.monotonic()

    def report(line: str) -> None:
        told = f"{request.node.name} +{time.monotonic() - began:.0f} s: {line}"
        request.node.user_properties.append((ROUND, told))
        print(told, flush=True)

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the rounds, also those of other processes (pytest-xdist)."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for report in reports:
        for name, line in report.user_properties if report.when == "call" else ():
            if name == ROUND:
                terminalreporter.write_line(str(line))
