"""Names transcribers that are not installed: their test is not run, and silence would read as success."""

import pytest

from models.media import PocketSphinx, Tesseract


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what `test_media` could not try."""
    if missing := [reason for one in (Tesseract(), PocketSphinx()) if (reason := one.missing())]:
        terminalreporter.write_line(f"transcribers were not tried: {'; '.join(missing)}")
