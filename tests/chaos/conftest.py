"""Reports each round at the end, passed or not: a chaos run must say what it did."""

from __future__ import annotations

import time
from collections.abc import Callable

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the rounds."""
    for line in config.stash.get(_lines, []):
        terminalreporter.write_line(line)
