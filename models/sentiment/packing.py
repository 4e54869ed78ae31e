"""The sparse bucket table as arrays that compress well, without losing a bit.

Snapshots travel every few seconds, so what is zero is not sent, and the rest in byte planes: the high bytes
of neighbours resemble each other, the low ones do not, and a general compressor sees that only when they
stand apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.sentiment.rows import U16, U64

Array = npt.NDArray[Any]
Bits = npt.NDArray[np.bool_]
_FIELDS = (("weight", 0, True), ("scaled", 16, True), ("positive", 32, False), ("negative", 48, False))
"""Name, first bit in a row, and whether only rows that moved have it."""
_WEIGHTS = np.uint64(0xFFFFFFFF)


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


def pack_table(seen: Bits, rows: U64, steps: U16, learning: bool) -> dict[str, Array]:
    """Pack what `SparseTable.contents` returned; squared gradients only where learning goes on."""
    if not learning:
        steps = np.zeros(len(rows), np.uint16)
    moved = ((rows & _WEIGHTS) != 0) | (steps != 0)
    packed: dict[str, Array] = {"seen": np.packbits(seen), "moved": np.packbits(moved)}
    for name, first, sparse in _FIELDS:
        values = (rows[moved] if sparse else rows) >> np.uint64(first)
        packed[name] = split_planes(values.astype(np.uint16))
    if learning:
        packed["squares"] = split_planes(steps[moved])
    return packed


def unpack_table(state: Mapping[str, Any], size: int) -> tuple[Bits, U64, U16]:
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
    rows, steps = np.zeros(count, np.uint64), np.zeros(count, np.uint16)
    for name, first, sparse in _FIELDS:
        values = join_planes(state[name], np.uint16, changed if sparse else count)
        rows[moved if sparse else slice(None)] |= values.astype(np.uint64) << np.uint64(first)
    if not (rows > _WEIGHTS).all():
        raise ValueError("a bucket has weights but was never seen")
    if "squares" in state:
        steps[moved] = join_planes(state["squares"], np.uint16, changed)
    return seen, rows, steps
