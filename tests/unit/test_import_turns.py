"""Chats and calls: which turns make one feedback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from import_examples import example, imported

from ops.importing.mapping import load
from ops.importing.turns import TurnGroups


def test_chats_become_one_feedback_a_turn_of_the_customer() -> None:
    events = imported("chat_logs", example("chat_logs"))[1]
    assert [(event["id"], event["text"]) for event in events] == [
        ("c-1-1", "你好\n洗衣机漏水了，地板都泡了"),
        ("c-2-1", "Is the heat pump model in stock?"),
        ("c-1-2", "型号我找一下，你们太慢了"),
    ]
    assert events[1]["author"] == "v-77"


def test_calls_are_opened_segment_by_segment() -> None:
    events = imported("call_transcripts", example("call_transcripts"))[1]
    assert [event["text"] for event in events][:2] == ["空调不制冷\n已经报修两次了", "今天必须来人"]
    assert events[0]["attributes"] == {"call_id": "call-1", "line": "repairs"}


def test_a_pause_ends_a_feedback() -> None:
    turns = load("chat_logs").turns
    assert turns is not None
    groups = TurnGroups(turns)

    def turn(minute: int) -> list[tuple[int, dict[str, Any]]]:
        row = {"conversation_id": "c", "role": "customer"}
        at = f"2026-01-01T10:{minute:02d}:00+00:00"
        return list(groups.add(minute, row, {"text": str(minute), "occurred_at": at}))

    assert turn(0) == turn(20) == []
    ((line, event),) = turn(51)
    assert (line, event["text"], event["id"]) == (0, "0\n20", "c-1")
    assert [event["id"] for _, event in groups.rest()] == ["c-2"]


SPEECH = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from(["customer", "agent", "bot"]), st.text("xyz ", max_size=3)
    ),
    max_size=30,
)


@given(speech=SPEECH)
def test_no_word_of_the_customer_is_lost_or_moved(speech: list[tuple[str, str, str]]) -> None:
    turns = load("chat_logs").turns
    assert turns is not None
    groups = TurnGroups(turns)

    def events() -> Iterator[dict[str, Any]]:
        for number, (conversation, role, text) in enumerate(speech):
            row = {"conversation_id": conversation, "role": role}
            event = {"text": text.strip()} if text.strip() else {}
            yield from (event for _, event in groups.add(number, row, event))
        yield from (event for _, event in groups.rest())

    found = list(events())
    assert len({event["id"] for event in found}) == len(found)
    for name in "abc":
        said = [
            text.strip()
            for where, role, text in speech
            if where == name and role == "customer" and text.strip()
        ]
        told = [line for event in found if event["id"].startswith(name) for line in event["text"].split("\n")]
        assert told == said
