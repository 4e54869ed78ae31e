"""Rule and limit files as they are read: durations, documents that are none, missing keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from rules_records import BASE, DAY, HOUR

from rules.limits import load_limits
from rules.loader import load_catalog
from rules.rule import milliseconds
from rules.source import RuleError, read


@pytest.mark.parametrize(
    ("text", "value"),
    [("7d", 7 * DAY), ("48h", 2 * DAY), ("90m", 5_400_000), ("1d12h", 36 * HOUR), ("0.5h", HOUR // 2)],
)
def test_durations(text: str, value: int) -> None:
    assert milliseconds(text) == value


@pytest.mark.parametrize("text", ["7", "d", "7 days", "-1d", "", 7, None])
def test_no_durations(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        milliseconds(text)


def test_problems_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    lines = yaml.safe_dump(BASE, sort_keys=False).splitlines()
    lines[lines.index("cooldown: 1d")] = "cooldown: soon"
    lines.append("colour: red")
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(RuleError) as caught:
        load_catalog(tmp_path)
    found = [str(problem) for problem in caught.value.problems]
    assert found == [
        f"demo.yaml:{lines.index('cooldown: soon') + 1}: invalid: cooldown: "
        '\'soon\' is not a duration such as "7d", "48h" or "90m"',
        f"demo.yaml:{len(lines)}: unknown-key: colour is not a key of a rule",
    ]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: [1", "yaml", 1),
        ("a: 1\nb: 2\na: 3", "duplicate-key", 3),
        ("a:\n  x: 1\n  x: 2", "duplicate-key", 3),
    ],
)
def test_documents_that_cannot_be_read(text: str, code: str, line: int) -> None:
    with pytest.raises(RuleError) as caught:
        read(text, "x.yaml")
    assert (caught.value.problems[0].code, caught.value.problems[0].line) == (code, line)


def test_a_file_that_is_no_map_and_a_wrong_id(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- 1", encoding="utf-8")
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(BASE), encoding="utf-8")
    with pytest.raises(RuleError) as caught:
        load_catalog(tmp_path)
    assert [problem.file for problem in caught.value.problems] == ["list.yaml", "other.yaml"]


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    data = {key: value for key, value in BASE.items() if key != "runbook"}
    (tmp_path / "demo.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(RuleError, match="runbook: field required"):
        load_catalog(tmp_path)


def test_limits_with_a_mistake_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text("clock: received\nquiet_hours: {time_zone: Mars/Olympus}\n", encoding="utf-8")
    with pytest.raises(RuleError, match=r"limits.yaml:2: invalid: .*Mars/Olympus"):
        load_limits(path)
