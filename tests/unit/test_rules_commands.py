"""`hark rules` on the command line, with a publisher in memory."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from rules_folder import log, write
from rules_records import T0
from typer.testing import CliRunner

from models.clock import VirtualClock
from ops.commands import rules as command
from rules.publish import MemoryPublisher


class Terminal:
    """The command line with a publisher in memory."""

    def __init__(self) -> None:
        self._runner = CliRunner()

    def __call__(self, *arguments: str) -> tuple[int, str]:
        result = self._runner.invoke(command.app, list(arguments))
        return result.exit_code, result.output


@pytest.fixture
def hark(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    publisher = MemoryPublisher()
    monkeypatch.setattr(command.wiring, "publisher", lambda: publisher)
    monkeypatch.setattr(command.wiring, "needs_approval", False)
    monkeypatch.setattr(command.wiring, "clock", VirtualClock(T0 / 1000))
    return Terminal()


def test_lint_and_test(hark: Terminal, tmp_path: Path) -> None:
    write(tmp_path)
    assert hark("lint", str(tmp_path)) == (0, "1 rules, no problems\n")
    assert hark("test", str(tmp_path)) == (0, "3 cases of 1 rules, 0 failed\n")
    write(tmp_path, condition="scores.polarity < 0.4")
    status, text = hark("test", str(tmp_path))
    assert (status, "1 failed" in text) == (1, True)
    assert "demo_test.yaml" in text
    write(tmp_path, condition="scores.polarity <")
    status, text = hark("lint", str(tmp_path))
    assert (status, "syntax" in text) == (1, True)
    assert hark("test", str(tmp_path), "--rule", "nobody")[0] == 1


def test_publish_and_its_way_back(hark: Terminal, tmp_path: Path) -> None:
    path = write(tmp_path)
    assert hark("diff", str(tmp_path))[1].splitlines()[-1] == "unanswered_urgent: only in force"
    assert hark("publish", str(path), "--author", "ann")[1] == "publish demo version 1 by ann\n"
    assert hark("diff", str(tmp_path))[1] == "no difference\n"
    write(tmp_path, version=2, cooldown="2d")
    assert hark("diff", str(tmp_path))[1] == (
        "demo:\n  - cooldown: 86400000\n  + cooldown: 172800000\n  - version: 1\n  + version: 2\n"
    )
    assert hark("publish", str(path), "--author", "ann")[0] == 0
    assert hark("pause", "demo", "--author", "bob")[0] == 0
    assert hark("resume", "demo", "--author", "bob")[0] == 0
    assert hark("rollback", "demo", "--author", "bob")[1] == "rollback demo version 1 by bob\n"
    assert hark("rollback", "demo", "--author", "bob", "--to", "9")[0] == 1
    write(tmp_path, version=3, condition="scores.polarity < 0.9")
    status, text = hark("publish", str(path), "--author", "ann")
    assert (status, "expected nothing, got acted" in text) == (1, True)


def test_backtest_and_why_from_a_file(hark: Terminal, tmp_path: Path) -> None:
    write(tmp_path)
    data = tmp_path / "log.jsonl.gz"
    data.write_bytes(gzip.compress("\n".join(json.dumps(record) for record in log()).encode()))
    status, text = hark("backtest", str(tmp_path), "--from", str(data), "--json", "--live", str(tmp_path))
    assert status == 0
    assert json.loads(text)["rules"]["demo"]["eligible"] == 8
    text = hark("backtest", str(tmp_path), "--from", str(data))[1]
    assert text.startswith("12 records over") and "demo: eligible 8, acted 5 on 5 customers, " in text
    assert "  such as: c0, c1, " in text
    assert "tiers: unknown 3, gold 2" in text and "known outcomes: retained 1.0 of 1" in text
    assert hark("why", "c1", "--from", str(data), str(tmp_path), "--rule", "demo")[0] == 0
    status, text = hark("why", "c1", "--from", str(data), "--last", "3")
    assert status == 0
    assert "FALSE" in text
    assert hark("why", "nobody", "--from", str(data)) == (1, "hark: no events of nobody were found\n")


def test_what_is_missing_is_said_in_one_sentence(
    hark: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"event": "feedback"}\n', encoding="utf-8")
    assert (
        hark("why", "c1", "--from", str(bad))[1] == "hark: bad.jsonl:1: not a scored record or fact as JSON\n"
    )
    assert hark("backtest", "--from", "nothing.jsonl")[1] == "hark: nothing.jsonl is not a file\n"
    monkeypatch.setattr(command.wiring, "history", None)
    assert "no store is connected" in hark("why", "c1")[1]
    monkeypatch.setattr(command.wiring, "publisher", None)
    assert "no broker is connected" in hark("pause", "demo", "--author", "x")[1]
