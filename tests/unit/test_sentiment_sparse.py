"""The table of buckets holds what an array of all of them would, wherever its groups lie."""

from __future__ import annotations

import numpy as np
import pytest

from models.sentiment.sparse import GROUP, SparseTable, place, reserve

BITS = 10
SHIFT = np.uint32(32 - BITS)


def give(table: SparseTable, keys: np.ndarray) -> int:
    """Reserve rows, making room as often as it takes; returns how often that was."""
    places = np.zeros(len(keys), np.uint32)
    rooms = 0
    while not reserve(keys, places, SHIFT, table.groups, table.pool, table.squares, table.used):
        table.make_room()
        rooms += 1
    return rooms


@pytest.mark.parametrize("seed", range(4))
def test_rows_stay_with_their_buckets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table, plain, steps = SparseTable(BITS), np.zeros(1 << BITS, np.uint64), np.zeros(1 << BITS, np.uint16)
    rooms = 0
    for _ in range(120):
        keys = rng.integers(0, 1 << 32, rng.integers(1, 30), dtype=np.uint32)
        rooms += give(table, keys)
        for key in keys:
            at, bucket = place(key, SHIFT, table.groups), key >> SHIFT
            assert at != 0 and table.pool[at] == plain[bucket] and table.squares[at] == steps[bucket]
            table.pool[at] = plain[bucket] = np.uint64(rng.integers(1, 1 << 62))
            table.squares[at] = steps[bucket] = np.uint16(rng.integers(1, 1 << 16))
    seen, rows, held = table.contents()
    assert rooms >= 1
    assert (seen == (plain != 0)).all()
    assert (rows == plain[seen]).all() and (held == steps[seen]).all()
    again = SparseTable(BITS)
    again.fill(seen, rows, held)
    for bucket in range(1 << BITS):
        assert again.pool[place(np.uint32(bucket << int(SHIFT)), SHIFT, again.groups)] == plain[bucket]


def test_a_bucket_never_seen_is_row_zero() -> None:
    table = SparseTable(BITS)
    key = np.uint32(77 << int(SHIFT))
    assert place(key, SHIFT, table.groups) == 0 and table.pool[0] == 0
    give(table, np.array([key], np.uint32))
    assert place(key, SHIFT, table.groups) != 0
    assert place(np.uint32(78 << int(SHIFT)), SHIFT, table.groups) == 0


def test_a_group_may_fill_and_memory_follows_what_was_seen() -> None:
    table = SparseTable(20)
    empty = table.pool.nbytes
    keys = (np.arange(GROUP, dtype=np.uint32)) << np.uint32(12)
    places = np.zeros(GROUP, np.uint32)
    while not reserve(keys, places, np.uint32(12), table.groups, table.pool, table.squares, table.used):
        table.make_room()
    assert int(table.contents()[0].sum()) == GROUP
    assert empty == 8 and table.pool.nbytes < 200_000
