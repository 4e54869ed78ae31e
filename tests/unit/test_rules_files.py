"""Files, checks, cases, publishing, backtests, explanations and the command line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from rules_records import BASE, DAY, HOUR, T0, fact, feedback, rule
from typer.testing import CliRunner

from models.clock import VirtualClock
from models.events.decision import Arm, Suppression
from ops.commands import rules as command
from rules.backtest import backtest
from rules.cases import run_cases
from rules.checks import check_folder
from rules.engine import Engine
from rules.limits import Limits, load_limits
from rules.loader import Catalog, load_catalog
from rules.publish import CatalogRecord, MemoryPublisher, PublishError, Publishing, apply
from rules.rule import milliseconds
from rules.source import RuleError, Source, read
from rules.state import CustomerState, PartitionState, short
from rules.why import Kept, explain, recall

FREE = Limits.model_validate({"global_holdout": 0, "quiet_hours": {"start": 0, "end": 0}})
CASES = """
cases:
  - name: fires
    shows: firing
    given: [{after: 0s, scores: {polarity: -0.5}, expect: acted}]
  - name: quiet
    shows: quiet
    given: [{after: 0s, scores: {polarity: 0.5}}]
  - name: edge
    shows: boundary
    given: [{after: 0s, scores: {polarity: -0.2}}]
"""


def write(folder: Path, cases: str | None = CASES, **changes: Any) -> Path:
    data = BASE | changes
    path = folder / f"{data['id']}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")
    if cases is not None:
        (folder / f"{data['id']}_test.yaml").write_text(cases, encoding="utf-8")
    return path


def codes(folder: Path) -> set[str]:
    return {problem.code for problem in check_folder(folder)}


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


def test_limits_with_a_mistake_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text("clock: received\nquiet_hours: {time_zone: Mars/Olympus}\n", encoding="utf-8")
    with pytest.raises(RuleError, match=r"limits.yaml:2: invalid: .*Mars/Olympus"):
        load_limits(path)


def source(**changes: Any) -> Source:
    return Source("demo.yaml", BASE | changes)


def test_publish_approve_pause_rollback() -> None:
    publisher = MemoryPublisher()
    service = Publishing(publisher, needs_approval=True)
    assert service.publish(source(), "ann", 1).state == "proposed"
    assert service.in_force() == {}
    with pytest.raises(PublishError, match="cannot approve"):
        service.approve("demo", "ann", 2)
    service.approve("demo", "bob", 3)
    with pytest.raises(PublishError, match="nothing waits"):
        service.approve("demo", "bob", 4)
    with pytest.raises(PublishError, match="must be higher"):
        service.publish(source(), "ann", 5)
    service.publish(source(version=2, cooldown="3d"), "ann", 6)
    assert service.in_force()["demo"].version == 1
    approved = service.approve("demo", "bob", 7)
    assert (approved.author, approved.approver, approved.version) == ("ann", "bob", 2)
    assert service.pause("demo", "cid", 8).load().status == "paused"
    assert service.rollback("demo", "cid", 9).version == 1
    assert service.rollback("demo", "cid", 10, version=2).load().status == "live"
    with pytest.raises(PublishError, match="not known"):
        service.rollback("demo", "cid", 11, version=7)
    with pytest.raises(PublishError, match="not in force"):
        service.pause("nobody", "cid", 12)
    assert [record.key for record in publisher.records()][:2] == ["demo/proposed", "demo"]


def test_a_shadow_rule_that_was_paused_goes_on_as_a_shadow() -> None:
    service = Publishing(MemoryPublisher())
    service.publish(source(status="shadow"), "ann", 1)
    service.pause("demo", "cid", 2)
    assert service.resume("demo", "ann", 3).load().status == "shadow"


def test_a_bad_rule_is_not_published_and_a_bad_record_not_applied() -> None:
    service = Publishing(MemoryPublisher())
    with pytest.raises(RuleError, match="unknown-field"):
        service.publish(source(condition="scores.nothing > 1.0"), "ann", 1)
    record = service.publish(source(), "ann", 2)
    catalog = apply(Catalog.of([rule(id="other")]), record)
    assert set(catalog.rules) == {"demo", "other"}
    broken = record.model_copy(update={"rule": record.rule | {"condition": "scores.nothing > 1.0"}})
    with pytest.raises(RuleError):
        apply(catalog, broken)
    proposal = record.model_copy(update={"state": "proposed", "rule": record.rule | {"version": 9}})
    assert apply(catalog, proposal) is catalog
    round_trip = CatalogRecord.model_validate_json(record.model_dump_json())
    assert apply(catalog, round_trip).version == catalog.version


def log() -> Iterator[dict[str, Any]]:
    for number in range(10):
        tier = "gold" if number % 2 else ""
        yield feedback(number * HOUR, f"f{number}", f"c{number % 5}", customer={"tier": tier},
                       scores={"polarity": -0.5 if number < 8 else 0.5})  # fmt: skip
    yield fact("outcome", "retained", 2 * DAY, "o1", "c1", value=1.0)
    yield fact("outcome", "retained", 40 * DAY, "o2", "c2", value=1.0)


def test_backtest_against_live() -> None:
    live = Catalog.of([rule(cooldown="1ms", condition="scores.polarity < -0.2 && customer.tier == 'gold'")])
    tested = Catalog.of([rule(version=2, cooldown="1ms", status="draft"), rule(id="twin", cooldown="1ms")])
    result = backtest(log(), tested, live, FREE).to_json()
    demo = result["rules"]["demo"]
    assert (demo["eligible"], demo["customers"], demo["cost"], demo["overlap"]) == (8, 5, 16.0, {"twin": 8})
    assert demo["tiers"] == {"unknown": 4, "gold": 4}
    assert (demo["live"]["eligible"], demo["only_here"], demo["only_live"]) == (4, 4, 0)
    assert demo["outcomes"] == {"retained": {"mean": 1.0, "n": 2}}, "o2 is outside the window of 30 days"
    capped = backtest(log(), Catalog.of([rule(cooldown="30d")]), live, FREE).to_json()["rules"]["demo"]
    assert (capped["caps_hit"], capped["suppressed"]) == (3, {"cooldown": 3})


def test_why_shows_parts_values_and_the_limit() -> None:
    windows = {"n": {"kind": "count", "within": "7d"}}
    made = rule(
        condition="scores.polarity < -0.2 && (windows.n >= 2 || customer.tier == 'gold')", windows=windows
    )
    engine, states, partition = Engine(Catalog.of([made]), FREE), {}, PartitionState(0, 1)
    records = [feedback(number * HOUR, f"f{number}") for number in range(3)]
    texts = []
    for record in records:
        engine.process(record, states, partition, 0)
        before = json.dumps(states["c1"].dump())
        (explanation,) = explain(engine, record, states["c1"], partition)
        texts.append("\n".join(explanation.lines()))
        assert json.dumps(states["c1"].dump()) == before
    assert "condition does not hold" in texts[0]
    assert "true   scores.polarity < -0.2" in texts[0]
    assert "FALSE  windows.n >= 2" in texts[0]
    assert "windows.n = 1" in texts[0]
    assert texts[1].startswith("demo v1 [live]: acted\n")
    assert texts[2].startswith("demo v1 [live]: suppressed cooldown")
    assert "limit: cooldown of 1d, last 1h before" in texts[2]
    (unseen,) = explain(engine, feedback(9 * DAY, "new"), CustomerState(), partition, "demo")
    assert not unseen.holds


def test_why_says_until_when_a_rule_waits() -> None:
    silence = {"kind": "absence", "after": {"where": "scores.polarity < -0.2"}, "within": "48h",
               "without": {"event": "action_status"}}  # fmt: skip
    made = rule(condition="scores.polarity < -0.2 && windows.silence", windows={"silence": silence})
    engine, states, partition = Engine(Catalog.of([made]), FREE), {}, PartitionState(0, 1)
    record = feedback(0, "f0")
    assert engine.process(record, states, partition, 0) == []
    (explanation,) = explain(engine, record, states["c1"], partition)
    text = "\n".join(explanation.lines())
    assert text.startswith("demo v1 [live]: waits for an absence\n")
    assert f"decides at {datetime.fromtimestamp((T0 + 2 * DAY) / 1000, UTC):%Y-%m-%d %H:%M} UTC" in text


def test_why_believes_the_store_where_others_spent_the_budget() -> None:
    made = rule(cooldown="1ms", cost=5, budget_per_day=50)
    engine, states, partition = Engine(Catalog.of([made]), FREE), {}, PartitionState(0, 1)
    records = [feedback(number * HOUR, f"f{number}") for number in range(2)]
    kept = [Kept("demo", Arm.SUPPRESSED, Suppression.BUDGET, 3)]
    for record in records:
        engine.process(record, states, partition, 0)
        recall(states["c1"], short(record["feedback_id"]), kept)
    (explanation,) = explain(engine, records[1], states["c1"], partition, kept=kept)
    text = "\n".join(explanation.lines())
    assert text.startswith("demo v1 [live]: suppressed budget\n")
    assert "budget 50 a day at 5 each, spent on that day; decided by version 3" in text
    assert {past.reason for past in states["c1"].decisions} == {Suppression.BUDGET}


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
