"""The shipped catalogue: no problems, every case passes, and the cases notice changes."""

from __future__ import annotations

from pathlib import Path

import pytest

import rules
from rules.cases import SHOWS, load_cases, run_case, run_cases
from rules.checks import check_folder
from rules.describe import fill, rule_table
from rules.limits import load_limits
from rules.loader import load_catalog

FOLDER = Path(rules.__file__).parent / "catalog"
CATALOG = load_catalog(FOLDER)
RESULTS = list(run_cases(FOLDER, CATALOG))


def test_no_problems() -> None:
    assert [str(problem) for problem in check_folder(FOLDER)] == []


def test_limits_load() -> None:
    limits = load_limits(FOLDER.parent / "limits.yaml")
    assert 0 < limits.global_holdout < 0.1
    assert limits.channel("call") == "phone"


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: f"{result.rule_id}: {result.name}")
def test_case(result: object) -> None:
    assert [str(problem) for problem in getattr(result, "problems", [result])] == []


@pytest.mark.parametrize("rule_id", CATALOG.rules)
def test_shows_firing_quiet_and_boundary(rule_id: str) -> None:
    loaded = load_cases(FOLDER, rule_id)
    assert loaded is not None
    assert {case.shows for case in loaded[0].cases} == set(SHOWS)


def found_problems(rule_id: str, shows: str, condition: str) -> list[bool]:
    """Return for each case of a kind whether it notices that the rule's condition was replaced."""
    loaded = load_cases(FOLDER, rule_id)
    assert loaded is not None
    file, source = loaded
    broken = CATALOG.rules[rule_id].model_copy(update={"condition": condition})
    cases = [(number, case) for number, case in enumerate(file.cases) if case.shows == shows]
    return [bool(run_case(broken, case, CATALOG, source, number).problems) for number, case in cases]


@pytest.mark.parametrize("rule_id", CATALOG.rules)
def test_cases_notice_a_rule_that_never_fires(rule_id: str) -> None:
    """A firing case fails if the condition is turned off: the cases are not empty."""
    assert all(found_problems(rule_id, "firing", "false"))


@pytest.mark.parametrize("rule_id", [rule.id for rule in CATALOG.rules.values() if not rule.absence])
def test_cases_notice_a_rule_that_always_fires(rule_id: str) -> None:
    """An absence is left out: its window decides when it fires, whatever the condition adds."""
    assert any(found_problems(rule_id, "quiet", "true"))


def test_rules_can_be_measured() -> None:
    """Rules that contact customers hold some out; alarms that touch nobody hold nobody out."""
    for rule in CATALOG.rules.values():
        if rule.contacts:
            assert 0.1 <= rule.holdout <= 0.2, rule.id
        else:
            assert rule.holdout == 0, rule.id
        assert rule.attribution.metrics


def test_the_documentation_shows_this_catalogue() -> None:
    """`hark rules document ops/docs/rules.md` brings its tables up to date."""
    text = (FOLDER.parent.parent / "ops" / "docs" / "rules.md").read_text(encoding="utf-8")
    assert rule_table(CATALOG) in text
    assert fill(text, CATALOG) == text
