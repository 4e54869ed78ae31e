"""What `rules lint` and `rules test` find in a folder, and at which line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rules_folder import CASES, write

from rules.cases import run_cases
from rules.checks import check_folder
from rules.loader import load_catalog


def codes(folder: Path) -> set[str]:
    return {problem.code for problem in check_folder(folder)}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"condition": "scores.polarty < 0.0"}, "unknown-field"),
        ({"condition": "windows.absent > 1"}, "unknown-field"),
        ({"condition": "fact.kind == 'refund'"}, "unknown-field"),
        ({"condition": "scores.churn > 'a'"}, "type"),
        ({"condition": "scores.churn"}, "type"),
        ({"condition": "scores.churn > 0.5 &&"}, "syntax"),
        ({"condition": "scores.churn > 1.5"}, "unreachable"),
        ({"expected_value": "scores.kind"}, "type"),
        ({"expected_value": "scores.nothing * 2.0"}, "unknown-field"),
        ({"windows": {"n": {"kind": "count", "within": "7d"}}}, "unused-window"),
        ({"windows": {"n": {"kind": "count", "where": "windows.n > 1", "within": "7d"}},
          "condition": "windows.n > 1"}, "unknown-field"),
        ({"windows": {"n": {"kind": "sum", "of": "scores.kind", "within": "7d"}},
          "condition": "windows.n > 1.0"}, "type"),
        ({"subject": "cluster", "windows": {"n": {"kind": "count", "within": "7d"}},
          "condition": "windows.n > 1"}, "whole-issue"),
        ({"condition": "feedback.cluster_size > 9"}, "whole-issue"),
        ({"action": {"kind": "notify", "parameters": {"on": "=feedback.cluster_channels"}}}, "whole-issue"),
        ({"budget_per_day": 50, "cost": None}, "budget"),
        ({"budget_per_day": 1, "cost": 2}, "budget"),
        ({"action": {"kind": "coupon", "parameters": {"points": "=scores.nothing"}}}, "unknown-field"),
        ({"template": {"zh": "{points}", "en": "{money}"}}, "template"),
    ],
)  # fmt: skip
def test_each_check_finds_its_problem(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    write(tmp_path, **changes)
    assert code in codes(tmp_path)


def test_a_good_rule_has_no_problems(tmp_path: Path) -> None:
    write(tmp_path)
    assert check_folder(tmp_path) == []


def test_missing_cases_and_rules_that_write_the_same(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, cases=CASES.replace("shows: boundary", "shows: quiet"), id="twin")
    found = check_folder(tmp_path)
    assert {problem.code for problem in found} == {"cases", "same-write"}
    assert "no boundary case" in str(found)
    lines = (tmp_path / "twin.yaml").read_text(encoding="utf-8").splitlines()
    same = next(problem for problem in found if problem.code == "same-write")
    assert lines[same.line - 1].startswith("action:") and same.file == "twin.yaml"
    write(tmp_path, id="twin", exclusive_group="g")
    write(tmp_path, exclusive_group="g")
    assert check_folder(tmp_path) == []


def test_the_problem_stands_at_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, condition="scores.polarty < 0.0")
    line = path.read_text(encoding="utf-8").splitlines().index("condition: scores.polarty < 0.0") + 1
    assert str(check_folder(tmp_path)[0]) == (
        f"demo.yaml:{line}: unknown-field: scores.polarty is not a field; did you mean polarity?"
    )


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"condition": "scores.polarty < 0.0"}, "unknown-field", "condition"),
        ({"condition": "scores.churn > 'a'"}, "type", "condition"),
        ({"condition": "scores.churn > 1.5"}, "unreachable", "condition"),
        ({"windows": {"lonely": {"kind": "count", "within": "7d"}}}, "unused-window", "lonely"),
        ({"budget_per_day": 50, "cost": None}, "budget", "budget_per_day"),
        (
            {
                "subject": "cluster",
                "windows": {"voices": {"kind": "count", "within": "7d"}},
                "condition": "windows.voices > 1",
            },
            "whole-issue",
            "voices",
        ),
        ({"condition": "feedback.cluster_size > 9"}, "whole-issue", "condition"),
    ],
)
def test_every_check_names_the_line(tmp_path: Path, changes: dict[str, Any], code: str, place: str) -> None:
    lines = write(tmp_path, **changes).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.strip().startswith(f"{place}:"))
    assert (f"demo.yaml:{line}", code) in [
        (f"{problem.file}:{problem.line}", problem.code) for problem in check_folder(tmp_path)
    ]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("{after: 0s, scores: {polarity: -0.5}}", "expected nothing, got acted"),
        ("{after: 0s, scores: {polarity: 0.5}, expect: acted}", "expected acted, got nothing"),
        ("{after: 0s, scores: {polarity: 5}, expect: acted}", "polarity"),
        ("{after: 0s, scores: {mood: 5}}", "mood"),
        ("{after: 0s, weather: rain}", "weather"),
        (
            "{after: 0s, scores: {polarity: -0.5}, expect: acted, parameters: {points: 6}}",
            "points to be 6, got 5",
        ),
        ("{after: 0s, scores: {polarity: -0.5}, expect: acted, says: hello}", "does not say"),
    ],
)
def test_a_case_that_is_not_met_says_what_happened(tmp_path: Path, event: str, message: str) -> None:
    write(tmp_path, cases=f"cases:\n  - name: one\n    shows: firing\n    given:\n      - {event}\n")
    (result,) = run_cases(tmp_path, load_catalog(tmp_path))
    assert message in str(result.problems[0])
    assert result.problems[0].line == 5
