"""A sparse table as arrays that compress well, without losing a bit.

Snapshots travel every few seconds, so what is zero is not sent, counts travel as small integers, and
floats are split into byte planes: sign-and-exponent bytes of neighbours resemble each other, mantissa
bytes do not, and a general compressor sees that only when they stand apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def split_planes(values: Array) -> npt.NDArray[np.uint8]:
    """Return the bytes of a 1-d array by significance, shape (itemsize, n)."""
    contiguous = np.ascontiguousarray(values)
    raw = contiguous.view(np.uint8).reshape(contiguous.shape[0], contiguous.dtype.itemsize)
    return np.ascontiguousarray(raw.T)


def join_planes(planes: Array, dtype: npt.DTypeLike) -> Array:
    """Undo `split_planes`."""
    kind = np.dtype(dtype)
    if planes.dtype != np.uint8 or planes.ndim != 2 or planes.shape[0] != kind.itemsize:
        raise ValueError(f"byte planes of shape {planes.shape} do not hold {kind}")
    return np.ascontiguousarray(planes.T).reshape(-1).view(kind)


def pack_column(name: str, column: Array) -> dict[str, Array]:
    """Pack a mostly-zero float32 column into an occupancy bitmap and the values that are not zero.

    Whole numbers below 65,536 (label counts, as a rule) go as 16-bit integers.
    """
    bits = column.view(np.uint32)
    occupied = bits != 0
    values = column[occupied]
    small = bool(((values >= 1) & (values < 65536) & (values == np.floor(values))).all())
    packed = split_planes(values.astype(np.uint16) if small else values)
    return {f"{name}.at": np.packbits(occupied), f"{name}.is": packed}


def unpack_column(name: str, state: Mapping[str, Any], size: int) -> npt.NDArray[np.float32]:
    """Undo `pack_column` for a column of `size` entries; raises ValueError when it does not fit."""
    bitmap = np.asarray(state[f"{name}.at"])
    planes = np.asarray(state[f"{name}.is"])
    if bitmap.dtype != np.uint8 or bitmap.shape != ((size + 7) // 8,):
        raise ValueError(f"{name}: occupancy of shape {bitmap.shape} does not cover {size} buckets")
    occupied = np.unpackbits(bitmap, count=size).astype(bool)
    values = join_planes(planes, np.uint16 if planes.shape[0] == 2 else np.float32)
    if values.shape[0] != int(occupied.sum()):
        raise ValueError(f"{name}: {values.shape[0]} values for {int(occupied.sum())} occupied buckets")
    column = np.zeros(size, np.float32)
    column[occupied] = values
    if not np.isfinite(column).all():
        raise ValueError(f"{name}: not a finite number")
    return column
