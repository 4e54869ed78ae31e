"""The sparse bucket table as arrays that compress well, without losing a bit.

Snapshots travel every few seconds, so what is zero is not sent, counts travel as small integers,
weights as the 16 bits their grid leaves them, and all of it in byte planes: the high bytes of neighbours
resemble each other, the low ones do not, and a general compressor sees that only when they stand apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.sentiment.kernels import (
    COLUMNS,
    F32,
    GRID,
    LIMIT,
    NEGATIVE,
    POSITIVE,
    SCALED,
    WEIGHT,
)

Array = npt.NDArray[Any]
_COUNTS = (("positive", POSITIVE), ("negative", NEGATIVE))
_WEIGHTS = (("weight", WEIGHT), ("scaled", SCALED))


def split_planes(values: Array) -> npt.NDArray[np.uint8]:
    """Return the bytes of a 1-d array by significance, shape (itemsize, n)."""
    contiguous = np.ascontiguousarray(values)
    raw = contiguous.view(np.uint8).reshape(contiguous.shape[0], contiguous.dtype.itemsize)
    return np.ascontiguousarray(raw.T)


def join_planes(planes: Any, dtype: npt.DTypeLike, size: int) -> Array:
    """Undo `split_planes`; raises ValueError unless there are `size` values of `dtype`."""
    kind = np.dtype(dtype)
    array = np.asarray(planes)
    if array.dtype != np.uint8 or array.shape != (kind.itemsize, size):
        raise ValueError(f"byte planes of shape {array.shape} do not hold {size} values of {kind}")
    return np.ascontiguousarray(array.T).reshape(-1).view(kind)


def _bitmap(bits: Any, size: int) -> npt.NDArray[np.bool_]:
    array = np.asarray(bits)
    if array.dtype != np.uint8 or array.shape != ((size + 7) // 8,):
        raise ValueError(f"bitmap of shape {array.shape} does not cover {size} entries")
    return np.unpackbits(array, count=size).astype(bool)


def pack_table(buckets: F32, squares: F32 | None) -> dict[str, Array]:
    """Pack the bucket table, and the squared gradients of each bucket unless they are None."""
    seen = (buckets[:, POSITIVE] != 0) | (buckets[:, NEGATIVE] != 0)
    rows = buckets[seen]
    steps = np.zeros(len(rows), np.float32) if squares is None else squares[seen]
    moved = (rows[:, WEIGHT] != 0) | (steps != 0) | (rows[:, SCALED] != 0)
    packed: dict[str, Array] = {"seen": np.packbits(seen), "moved": np.packbits(moved)}
    for name, column in _COUNTS:
        values = rows[:, column]
        whole = bool(((values < 65536) & (values == np.floor(values))).all())
        packed[name] = split_planes(values.astype(np.uint16) if whole else values)
    for name, column in _WEIGHTS:
        packed[name] = split_planes((rows[moved, column] * GRID).astype(np.int16))
    if squares is not None:
        packed["squares"] = split_planes(steps[moved])
    return packed


def unpack_table(state: Mapping[str, Any], size: int) -> tuple[F32, F32]:
    """Undo `pack_table` for `size` buckets; squared gradients that were not packed are zero.

    Raises
    ------
    KeyError, ValueError
        When the arrays do not fit.
    """
    seen = _bitmap(state["seen"], size)
    count = int(seen.sum())
    moved = _bitmap(state["moved"], count)
    changed = int(moved.sum())
    rows = np.zeros((count, COLUMNS), np.float32)
    for name, column in _COUNTS:
        kind = np.uint16 if np.asarray(state[name]).shape[0] == 2 else np.float32
        rows[:, column] = join_planes(state[name], kind, count)
    for name, column in _WEIGHTS:
        rows[moved, column] = join_planes(state[name], np.int16, changed) / np.float32(GRID)
    steps = np.zeros(count, np.float32)
    if "squares" in state:
        steps[moved] = join_planes(state["squares"], np.float32, changed)
    sane = np.isfinite(rows).all() and (rows[:, [POSITIVE, NEGATIVE]] >= 0).all()
    if (
        not sane
        or not (np.isfinite(steps).all() and (steps >= 0).all())
        or (np.abs(rows[:, [WEIGHT, SCALED]]) > LIMIT).any()
    ):
        raise ValueError("a weight or a count is out of its range")
    buckets = np.zeros((size, COLUMNS), np.float32)
    buckets[seen] = rows
    squares = np.zeros(size, np.float32)
    if changed and "squares" in state:
        squares[seen] = steps
    return buckets, squares
