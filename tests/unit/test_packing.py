"""Values of partition state at rest: smaller, and readable whatever dictionary they were packed with."""

from __future__ import annotations

import asyncio
import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ops.state_dictionary import trained, values
from streams.packing import WORTH_BYTES, NotUnpacked, Packer, shared_packer
from streams.state import PartitionState


def samples(seed: int) -> list[bytes]:
    rng = random.Random(seed)
    form = b'{"f":{"t":%d,"p30":%.4f,"topics":{"price.expensive":%.3f}},"s":{}}'
    return [form % (rng.randrange(10**9), rng.random(), rng.random()) * 4 for _ in range(400)]


def dictionary(seed: int, ident: int) -> bytes:
    return zstandard.train_dictionary(4096, [*samples(seed)], dict_id=ident).as_bytes()


@given(value=st.binary(max_size=2000) | st.text(max_size=700).map(str.encode))
def test_what_is_packed_comes_back(value: bytes) -> None:
    packer = shared_packer()
    packed = packer.pack(value)
    assert len(packed) <= len(value)
    # A frame of zstd is never a state's value: values are JSON or ids.
    if not (value.startswith(b"\x28\xb5\x2f\xfd") and packed == value):
        assert packer.unpack(packed) == value


def test_states_of_another_world_are_less_than_half() -> None:
    found = asyncio.run(values(seed=31))
    held = found["score", "c"]
    assert len(held) > 50
    packed = [shared_packer().pack(value) for value in held]
    assert sum(map(len, packed)) < 0.5 * sum(map(len, held))


def test_short_values_are_read_without_unpacking() -> None:
    assert shared_packer().pack(b"x" * (WORTH_BYTES - 1)) == b"x" * (WORTH_BYTES - 1)


def test_values_of_an_older_dictionary_are_read_and_written_anew() -> None:
    old, new = dictionary(1, 1), dictionary(2, 2)
    value = samples(3)[0]
    packed = Packer([old]).pack(value)
    both = Packer([old, new])
    assert both.unpack(packed) == value
    assert zstandard.get_frame_parameters(both.pack(value)).dict_id == 2


def test_a_value_of_a_dictionary_that_is_not_here_is_one_sentence() -> None:
    packed = Packer([dictionary(1, 1), dictionary(2, 9)]).pack(samples(3)[0])
    with pytest.raises(NotUnpacked, match="needs dictionary 9, which is not here; start the version"):
        Packer([dictionary(1, 1)]).unpack(packed)
    with pytest.raises(NotUnpacked, match="is damaged"):
        shared_packer().unpack(shared_packer().pack(samples(3)[0])[:-3])


def test_a_changelog_of_the_time_before_packing_is_read() -> None:
    state = PartitionState(0)
    for key, value in (
        (b"c:a", samples(1)[0]),
        (b"c:b", shared_packer().pack(samples(1)[1])),
        (b"c:c", b"{}"),
    ):
        assert state.replay(key, value, 0, 0)
    assert [state.get(key) for key in (b"c:a", b"c:b", b"c:c")] == [*samples(1)[:2], b"{}"]
    assert dict(state.items(b"c:")) == {b"c:a": samples(1)[0], b"c:b": samples(1)[1], b"c:c": b"{}"}


def test_what_is_written_is_what_is_kept() -> None:
    state = PartitionState(0)
    state.begin()
    state.put(b"c:a", samples(1)[0])
    written = dict(state.changes())
    state.commit()
    other = PartitionState(0)
    for key, value in written.items():
        other.replay(key, value, 0, 0)
    assert dict(other.items()) == dict(state.items()) == {b"c:a": samples(1)[0]}
    assert len(written[b"c:a"] or b"") < len(samples(1)[0]) / 2


def test_a_value_set_after_the_changes_were_told_is_told_anew() -> None:
    state = PartitionState(0)
    state.put(b"c:a", b"1")
    assert dict(state.changes())[b"c:a"] == b"1"
    state.put(b"c:a", b"2")
    assert dict(state.changes())[b"c:a"] == b"2"
    state.delete(b"c:a")
    assert dict(state.changes())[b"c:a"] is None


def test_the_dictionary_that_ships_can_be_made_again() -> None:
    made = trained({("score", "c"): samples(5)}, 7)
    assert zstandard.ZstdCompressionDict(made).dict_id() == 7
