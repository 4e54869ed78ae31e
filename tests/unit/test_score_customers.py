"""A customer's memory and waiting labels in one value, each kept when the other changes."""

import pytest

from streams.agents.customers import WaitingLabels, memory_of, put_memory
from streams.state import PartitionState


def test_each_half_stays_when_the_other_changes() -> None:
    state = PartitionState(0)
    waiting = WaitingLabels(state)
    waiting["ann"] = b"[1]\n{}"
    assert memory_of(state, "ann") is None
    put_memory(state, "ann", {"p": "a\nb"})
    assert (memory_of(state, "ann"), waiting["ann"]) == (b'{"p":"a\\nb"}', b"[1]\n{}")
    waiting["ann"] = b"[2]"
    put_memory(state, "ann", {})
    assert (memory_of(state, "ann"), waiting["ann"]) == (b"{}", b"[2]")
    del waiting["ann"]
    assert memory_of(state, "ann") == b"{}" and "ann" not in waiting
    assert waiting.pop("ann", None) is None


def test_nothing_is_left_of_a_customer_with_nothing() -> None:
    state = PartitionState(0)
    waiting = WaitingLabels(state)
    waiting["ann"] = b"[1]"
    del waiting["ann"]
    assert state.get(b"c:ann") is None
    with pytest.raises(KeyError):
        del waiting["bob"]


def test_those_are_listed_for_whom_something_waits() -> None:
    state = PartitionState(0)
    waiting = WaitingLabels(state)
    put_memory(state, "ann", {})
    waiting["bob"] = b"[1]"
    state.put(b"k:1", b"{}\n[]")
    assert dict(waiting.items()) == {} and len(waiting) == 0
    state.commit()
    assert dict(waiting.items()) == {"bob": b"[1]"} and list(waiting) == ["bob"]


def test_a_read_within_a_slice_is_of_what_was_written_in_it() -> None:
    state = PartitionState(0)
    state.put(b"c:ann", b"x" * 500)
    state.commit()
    state.begin()
    assert state.get(b"c:ann") == b"x" * 500
    state.put(b"c:ann", b"y")
    assert state.get(b"c:ann") == b"y"
    state.rollback()
    assert state.get(b"c:ann") == b"x" * 500
    assert state.replay(b"c:ann", b"z", 0, 0)
    assert state.get(b"c:ann") == b"z"
