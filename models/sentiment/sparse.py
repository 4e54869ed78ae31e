"""The table of buckets: memory for what was seen, whatever its size.

Hashed features spread over every page of a plain array, so the first few hundred texts would touch all of it
(10 MB a language, in the learner and in every scorer). Here 64 neighbouring buckets are a group: a bitmap of
those seen and a place in a pool where their rows lie side by side, in order. A lookup counts the bits before
its own; unseen buckets are row 0, which stays zero. Being smaller, the pool also misses the caches less.

Source: the `sparsetable` of Google's sparsehash.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.sentiment.compiled import compiled
from models.sentiment.hashing import U32
from models.sentiment.rows import U16, U64

I64 = npt.NDArray[np.int64]

GROUP = 64
_INDEX_BITS = np.uint32(6)
_IN_GROUP = np.uint32(GROUP - 1)
_ONE = np.uint64(1)
_FIRST_SHIFT = np.uint64(8)
_ROOM = np.uint64(0xFF)
_LEAST_ROWS = 8192


@compiled
def _ones(bits: np.uint64) -> np.uint64:
    """Count the bits that are set; compiled to one instruction where the processor has it."""
    bits -= (bits >> _ONE) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.uint64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def place(key: np.uint32, shift: np.uint32, groups: U64) -> np.uint32:
    """Return where the row of a feature's bucket lies, 0 where the bucket was never seen.

    Parameters
    ----------
    key, shift
        Feature hash, and 32 - log2 of the number of buckets.
    groups
        Shape (buckets / 64, 2): bitmap; first row << 8 | rows there is room for.
    """
    index = key >> shift
    group = index >> _INDEX_BITS
    bit = np.uint64(index & _IN_GROUP)
    held = groups[group, 0]
    before = _ones(held & ((_ONE << bit) - _ONE))
    # No branch: which buckets were seen cannot be foreseen.
    return np.uint32(((groups[group, 1] >> _FIRST_SHIFT) + before) * ((held >> bit) & _ONE))


@compiled
def _room(count: int) -> int:
    """Return how many rows to keep for a group that has `count`."""
    return min(GROUP, count + max(2, count // 2)) if count > 0 else 0


@compiled
def reserve(
    keys: U32, places: U32, shift: np.uint32, groups: U64, pool: U64, squares: U16, used: I64
) -> bool:
    """Give features without a row one; returns False when the pool is full before all have.

    Parameters
    ----------
    keys, shift, groups
        As in `place`.
    places
        What `place` returned for the keys before the table changed.
    pool, squares
        Rows, and squared gradients beside them.
    used
        Shape (1,): rows of the pool that are taken.
    """
    for j in range(keys.shape[0]):
        key = keys[j]
        if places[j] != 0 or place(key, shift, groups) != 0:
            continue
        index = key >> shift
        group = index >> _INDEX_BITS
        bit = np.uint64(index & _IN_GROUP)
        held = groups[group, 0]
        count = int(np.int64(_ones(held)))
        first = int(np.int64(groups[group, 1] >> _FIRST_SHIFT))
        if count == np.int64(groups[group, 1] & _ROOM):
            room = _room(count + 1)
            if used[0] + room > pool.shape[0]:
                return False
            moved = used[0]
            used[0] += room
            for k in range(count):
                pool[moved + k] = pool[first + k]
                squares[moved + k] = squares[first + k]
            first = moved
            groups[group, 1] = (np.uint64(first) << _FIRST_SHIFT) | np.uint64(room)
        at = first + np.int64(_ones(held & ((_ONE << bit) - _ONE)))
        for k in range(first + count, at, -1):
            pool[k] = pool[k - 1]
            squares[k] = squares[k - 1]
        pool[at] = 0
        squares[at] = 0
        groups[group, 0] = held | (_ONE << bit)
    return True


@compiled
def _rows_with_room(groups: U64) -> int:
    total = 1
    for group in range(groups.shape[0]):
        total += _room(int(np.int64(_ones(groups[group, 0]))))
    return total


@compiled
def _spread(groups: U64, pool: U64, squares: U16, wider: U64, steps: U16) -> int:
    """Copy all groups in order, each with room to grow, and note where they are; returns the rows taken."""
    at = 1
    for group in range(groups.shape[0]):
        first = np.int64(groups[group, 1] >> _FIRST_SHIFT)
        count = int(np.int64(_ones(groups[group, 0])))
        for k in range(count):
            wider[at + k] = pool[first + k]
            steps[at + k] = squares[first + k]
        room = _room(count)
        groups[group, 1] = (np.uint64(at) << _FIRST_SHIFT) | np.uint64(room)
        at += room
    return at


@compiled
def _gather(groups: U64, pool: U64, squares: U16, rows: U64, steps: U16) -> None:
    """Write the rows of all groups in order."""
    out = 0
    for group in range(groups.shape[0]):
        first = np.int64(groups[group, 1] >> _FIRST_SHIFT)
        for k in range(np.int64(_ones(groups[group, 0]))):
            rows[out] = pool[first + k]
            steps[out] = squares[first + k]
            out += 1


class SparseTable:
    """Rows of `rows` for 2**bits buckets, and the squared gradients beside them.

    Parameters
    ----------
    bits
        log2 of the number of buckets, at least 6.
    """

    def __init__(self, bits: int) -> None:
        self.size = 1 << bits
        self.fill(np.zeros(self.size, np.bool_), np.zeros(0, np.uint64), np.zeros(0, np.uint16))

    def fill(self, seen: npt.NDArray[np.bool_], rows: U64, steps: U16) -> None:
        """Replace everything.

        Parameters
        ----------
        seen
            Shape (size,).
        rows, steps
            Of the buckets seen, in order.
        """
        self.groups = np.zeros((self.size // GROUP, 2), np.uint64)
        self.groups[:, 0] = np.packbits(seen, bitorder="little").view("<u8")
        counts = seen.reshape(-1, GROUP).sum(axis=1)
        first = np.cumsum(counts) - counts + 1
        self.groups[:, 1] = (first.astype(np.uint64) << _FIRST_SHIFT) | counts.astype(np.uint64)
        self.used = np.array([1 + len(rows)], np.int64)
        self.pool = np.concatenate([np.zeros(1, np.uint64), rows])
        self.squares = np.concatenate([np.zeros(1, np.uint16), steps])

    def make_room(self) -> None:
        """Close the gaps that moved groups left, and give every group and the whole half as much again."""
        rows = _rows_with_room(self.groups)
        size = rows + max(_LEAST_ROWS, rows // 2)
        pool, squares = np.zeros(size, np.uint64), np.zeros(size, np.uint16)
        self.used[0] = _spread(self.groups, self.pool, self.squares, pool, squares)
        self.pool, self.squares = pool, squares

    def contents(self) -> tuple[npt.NDArray[np.bool_], U64, U16]:
        """Return what `fill` takes."""
        seen = np.unpackbits(self.groups[:, 0].astype("<u8").view(np.uint8), bitorder="little")
        count = int(seen.sum())
        rows, steps = np.empty(count, np.uint64), np.empty(count, np.uint16)
        _gather(self.groups, self.pool, self.squares, rows, steps)
        return seen.astype(np.bool_), rows, steps
