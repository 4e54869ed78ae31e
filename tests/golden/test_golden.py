"""The examples through intake, score and decide give the records they gave before."""

from __future__ import annotations

from typing import Any

import pytest
from golden_files import agree, differences
from golden_flow import EXAMPLES, INPUTS, TRACEPARENT, Flow, published, run_examples

from models.events import ActionKind
from models.outcome import DropReason
from ops.docgen.contracts import CE_TYPES
from ops.docgen.examples import contract_of, read_examples
from streams.topics import (
    BY_NAME,
    DEAD_LETTERS,
    DECISIONS,
    FEEDBACK_MASKED,
    FEEDBACK_SCORED,
    HOLDOUTS,
    action_topic,
)

ACTIONS = tuple(action_topic(kind) for kind in ActionKind)
OUTPUTS = (FEEDBACK_MASKED, FEEDBACK_SCORED, DECISIONS, HOLDOUTS, *ACTIONS)
VOLATILE = ("scored_at", "decided_at")
PERSONAL = (
    "13800138000", "138-0013-8000", "王小明", "世纪大道100号", "4111 1111 1111 1111", "jane.roe",
    "203.0.113.7", "11010519491231002X", "6222021234567890128", "京A12345", "202-555-0143",
    "John Smith", "john.smith", "访客_8842", "@爱吃橙子的猫", "@sunny_side", "小李测评",
)  # fmt: skip
"""Personal data planted in the examples of the input topics."""


@pytest.fixture(scope="module")
def flow() -> Flow:
    return run_examples()


@pytest.fixture(scope="module")
def cases(flow: Flow) -> dict[str, str]:
    """Return `<topic>/<case>` of every feedback id and fact id."""
    names = {
        (topic, record.offset): f"{topic}/{example.case}"
        for topic in INPUTS
        for example, record in published(topic)
    }
    return {
        value.get("feedback_id", value.get("id")): names[value["origin"][0], value["origin"][2]]
        for value in flow.log.values(FEEDBACK_MASKED)
        if value["event"] == "feedback"
    } | {
        value["id"]: names[value["origin"][0], value["origin"][2]]
        for value in flow.log.values(FEEDBACK_MASKED)
        if value["event"] not in ("feedback", "voice")
    }


def _steady(value: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name not in VOLATILE}


def test_every_example_is_admitted(flow: Flow) -> None:
    sent = sum(len(published(topic)) for topic in INPUTS)
    assert flow.log.values(DEAD_LETTERS) == []
    masked = [value["event"] for value in flow.log.values(FEEDBACK_MASKED)]
    told = masked.count("voice")
    assert len(masked) - told == sent and told == 2, "a link is told to the voice's log, which hands on"


@pytest.mark.parametrize("topic", [FEEDBACK_MASKED, FEEDBACK_SCORED])
def test_logs_are_as_before(flow: Flow, cases: dict[str, str], topic: str) -> None:
    values = [value for value in flow.log.values(topic) if value["event"] != "voice"]
    found = {cases[v["feedback_id"] if v["event"] == "feedback" else v["id"]]: _steady(v) for v in values}
    assert len(found) == len(values)
    agree(f"{topic}.json", found)


def test_decisions_are_as_before(flow: Flow, cases: dict[str, str]) -> None:
    decisions = flow.log.values(DECISIONS)
    assert {value["arm"] for value in decisions} >= {"acted"}
    agree("decisions.json", {f"{v['rule_id']} {cases[v['feedback_id']]}": _steady(v) for v in decisions})


def test_actions_are_as_before(flow: Flow, cases: dict[str, str]) -> None:
    found = {
        f"{value['kind']} {value['rule_id']} {cases[value['feedback_id']]}": _steady(value)
        for topic in ACTIONS
        for value in flow.log.values(topic)
    }
    assert found
    agree("actions.json", found)


@pytest.mark.parametrize("topic", OUTPUTS)
def test_what_is_written_keeps_the_contract_of_its_topic(flow: Flow, topic: str) -> None:
    refused = [value for value in flow.log.values(topic) if contract_of(BY_NAME[topic], value) is None]
    assert not refused, f"{len(refused)} records keep no contract of {topic}, fields {sorted(refused[0])}"


def test_no_planted_personal_data_leaves_intake(flow: Flow) -> None:
    planted = "".join(str(e.value) for topic in INPUTS for e in read_examples(EXAMPLES)[topic])
    assert all(piece in planted for piece in PERSONAL)
    written = b"\n".join(r.value for records in flow.log.records.values() for r in records).decode()
    keys = b"\n".join(r.key or b"" for records in flow.log.records.values() for r in records).decode()
    assert [piece for piece in PERSONAL if piece in written or piece in keys] == []


@pytest.mark.parametrize("topic", [FEEDBACK_MASKED, FEEDBACK_SCORED, DECISIONS, HOLDOUTS])
def test_headers_are_cloud_events_and_the_trace_goes_on(flow: Flow, topic: str) -> None:
    assert flow.log.records[topic]
    for record in flow.log.records[topic]:
        headers = dict(record.headers)
        assert headers.keys() == {
            "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "traceparent",
        }  # fmt: skip
        assert headers["ce_type"].decode() in CE_TYPES.values()
        assert headers["traceparent"] == TRACEPARENT[1]


def test_a_fresh_start_repeats_every_byte(flow: Flow) -> None:
    again = run_examples()
    assert again.log.records == flow.log.records


def test_results_do_not_depend_on_how_the_log_is_cut(flow: Flow) -> None:
    apart = run_examples(cut=1)
    for topic in OUTPUTS:
        assert apart.log.values(topic) == flow.log.values(topic), topic


def test_a_redelivered_slice_gives_nothing_new() -> None:
    flow = run_examples()
    assert flow.score(flow.log.records[FEEDBACK_MASKED]) == 0
    assert flow.decide(flow.log.records[FEEDBACK_SCORED]) == 0


def test_what_producers_send_twice_counts_once(flow: Flow) -> None:
    twice = run_examples(copies=2)
    for topic in (DECISIONS, *ACTIONS):
        assert twice.log.values(topic) == flow.log.values(topic), topic
    dropped = [value for value in twice.log.values(FEEDBACK_SCORED) if value["event"] == "dropped"]
    assert {value["kind"] for value in dropped} == {DropReason.DUPLICATE}
    assert len(dropped) == sum(value["event"] != "voice" for value in flow.log.values(FEEDBACK_MASKED))


def test_comparison_finds_what_differs() -> None:
    golden = {"a": {"p": 0.5, "t": ["x", "y"], "n": None}}
    assert list(differences(golden, {"a": {"p": 0.5009, "t": ["x", "y"], "n": None}})) == []
    assert list(differences(golden, {"a": {"p": 0.51, "t": ["x", "y"], "n": None}})) == [
        "/a/p was 0.5 and is 0.51"
    ]
    assert len(list(differences(golden, {"a": {"p": 0.5, "t": ["x"], "n": 0}, "b": 1}))) == 3
