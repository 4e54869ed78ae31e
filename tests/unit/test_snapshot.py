"""The container gives back exactly what went in, or one clear sentence."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from models.snapshot import Snapshot, SnapshotError, config_hash, decode, encode, peek_version
from models.snapshot_parts import SLOTS, Assembler, part_key, split


def snapshot(version: int = 3, fill: float = 1.5, size: int = 5000) -> Snapshot:
    state: dict[str, Any] = {
        "weights": np.full(size, fill) * np.arange(size),
        "bins": np.arange(12, dtype=np.uint8).reshape(3, 4),
        "scalar": np.array(2.5),
        "empty": np.empty((0, 4), dtype=np.float32),
        "words": np.array(["退款", "refund"]),
        "nested": {"z": 1, "a": [1, 2.5, None, True, "x"], "inner": [{"m": np.ones(2)}]},
        "edge": [float("inf"), -0.0, 1e-308, 2**100],
    }
    return Snapshot("churn", version, 41, 12.25, "c0ffee", state)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray):
        return (
            isinstance(right, np.ndarray)
            and left.dtype == right.dtype
            and left.shape == right.shape
            and left.tobytes() == right.tobytes()
        )
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and repr(left) == repr(right)


def test_round_trip_is_exact() -> None:
    given = snapshot()
    got = decode(encode(given), model="churn", config_hash="c0ffee")
    assert same(given.state, got.state)
    assert (got.model, got.version, got.offset, got.created_at) == ("churn", 3, 41, 12.25)


def test_restored_arrays_can_be_written() -> None:
    got = decode(encode(snapshot())).state["weights"]
    assert isinstance(got, np.ndarray)
    got += 1.0
    assert got[0] == 1.0


def test_equal_snapshots_give_equal_bytes() -> None:
    assert encode(snapshot()) == encode(snapshot())
    assert encode(decode(encode(snapshot()))) == encode(snapshot())


def test_not_contiguous_and_big_endian_arrays_survive_by_value() -> None:
    state: dict[str, Any] = {"t": np.arange(6.0).reshape(2, 3).T, "b": np.arange(3, dtype=">i4")}
    got = decode(encode(Snapshot("m", 1, 0, 0.0, "", state))).state
    np.testing.assert_array_equal(got["t"], state["t"])
    np.testing.assert_array_equal(got["b"], [0, 1, 2])


@pytest.mark.parametrize("position", [0, 4, 9, 20, 30, 60, -1])
def test_one_flipped_bit_is_refused(position: int) -> None:
    data = bytearray(encode(snapshot()))
    data[position] ^= 1
    with pytest.raises(SnapshotError):
        decode(bytes(data))


@pytest.mark.parametrize("length", [0, 3, 55, 56, 200])
def test_truncation_is_refused(length: int) -> None:
    with pytest.raises(SnapshotError):
        decode(encode(snapshot())[:length])


def test_messages_name_what_is_wrong() -> None:
    data = encode(snapshot())
    with pytest.raises(SnapshotError, match="first bytes are not HARK"):
        decode(b"PK" + data)
    with pytest.raises(SnapshotError, match="format 2 codec 1 is not format 1"):
        decode(data[:4] + b"\x02\x00" + data[6:])
    with pytest.raises(SnapshotError, match="version 3 is damaged"):
        decode(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(SnapshotError, match="'churn' offered to model 'sentiment'"):
        decode(data, model="sentiment")
    with pytest.raises(SnapshotError, match="configuration c0ffee, not beef"):
        decode(data, config_hash="beef")


@pytest.mark.parametrize(
    "value", [(1, 2), {1: 2}, object(), b"x", np.array([object()]), {"$array": 0}, np.array([1j])]
)
def test_what_would_not_come_back_the_same_is_refused_when_written(value: Any) -> None:
    with pytest.raises(TypeError):
        encode(Snapshot("m", 1, 0, 0.0, "", {"v": value}))


def test_config_hash_sees_values_not_order() -> None:
    assert config_hash({"a": 1, "b": [2]}) == config_hash(json.loads('{"b":[2],"a":1}'))
    assert config_hash({"a": 1}) != config_hash({"a": 2})


def records(data: bytes, slot: str, size: int = 3000) -> list[tuple[str, bytes]]:
    return [(part_key("churn", slot, i), part) for i, part in enumerate(split(data, size))]


def feed(assembler: Assembler, log: list[tuple[str, bytes]]) -> list[int]:
    found = [assembler.add(key, value) for key, value in log]
    return [peek_version(data) for data in found if data is not None]


def compacted(log: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    last = {key: index for index, (key, _) in enumerate(log)}
    return [record for index, record in enumerate(log) if last[record[0]] == index]


def noisy(version: int, size: int = 5000) -> bytes:
    noise = np.random.default_rng(version).normal(size=size)
    return encode(Snapshot("churn", version, 41, 0.0, "c", {"noise": noise}))


def test_parts_are_within_the_size_and_come_together_in_any_order() -> None:
    data = noisy(3)
    log = records(data, "A")
    assert len(log) > 3 and all(len(value) <= 3000 for _, value in log)
    for order in (log, log[::-1], log + log):
        assembler = Assembler()
        assert [found for found in (assembler.add(k, v) for k, v in order) if found] == [data]
        assert list(assembler.unfinished()) == []


def test_a_learner_killed_at_any_part_never_leaves_a_reader_without_a_snapshot() -> None:
    """Whatever prefix of the third publication stands, compacted or not, version 2 or 3 is found."""
    first, second = records(noisy(1, 9000), "A"), records(noisy(2), "B")
    third = records(noisy(3), "A")
    for cut in range(len(third) + 1):
        for log in (first + second + third[:cut], compacted(first + second + third[:cut])):
            expected = 3 if cut == len(third) else 2
            assert feed(Assembler(), log)[-1] == expected


def test_the_next_snapshot_goes_to_the_slot_without_the_newest() -> None:
    assembler = Assembler()
    log: list[tuple[str, bytes]] = []
    for version in range(1, 6):
        slot = assembler.free_slot("churn")
        fresh = records(noisy(version), slot)
        if version == 3:
            feed(assembler, fresh[:2])  # killed here, restarted, published again as version 4
            log += fresh[:2]
            assert assembler.free_slot("churn") == slot
            continue
        feed(assembler, fresh)
        log += fresh
        assert assembler.free_slot("churn") != slot and assembler.version("churn") == version
        assert feed(Assembler(), compacted(log))[-1] == version


def test_older_versions_and_tombstones_change_nothing() -> None:
    assembler = Assembler()
    assert feed(assembler, records(noisy(5), "A")) == [5]
    assert feed(assembler, records(noisy(4), "B")) == []
    assert assembler.add(part_key("churn", "A", 0), None) is None
    assert assembler.version("churn") == 5


def test_the_same_version_published_twice_half_then_whole() -> None:
    other = encode(Snapshot("churn", 3, 40, 0.0, "c", {"noise": np.random.default_rng(9).normal(size=9000)}))
    assembler = Assembler()
    assert feed(assembler, records(other, "B")[:3] + records(noisy(3), "B")) == [3]


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("churn", lambda part: part),
        ("churn/C/0", lambda part: part),
        ("churn/A/x", lambda part: part),
        ("churn/A/1", lambda part: part),
        ("churn/A/0", lambda part: b"nonsense"),
        ("churn/A/0", lambda part: part[:4] + b"\x09" + part[5:]),
        ("churn/A/0", lambda part: part[:-1] + bytes([part[-1] ^ 1])),
    ],
)
def test_a_damaged_record_is_refused_and_a_good_one_later_accepted(key: str, change: Any) -> None:
    data = encode(Snapshot("churn", 1, 0, 0.0, "", {"n": 1}))
    (part,) = split(data)
    assembler = Assembler()
    with pytest.raises(SnapshotError):
        assembler.add(key, change(part))
    assert assembler.add("churn/A/0", part) == data


def test_slots_are_two() -> None:
    assert SLOTS == ("A", "B")
    with pytest.raises(ValueError, match="leave no room"):
        split(noisy(1), 40)
