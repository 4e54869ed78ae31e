"""A typed door to Numba, so that strict typing reaches through the decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` to machine code on its first call and keep it on disk.

    Without fast-math: sums keep their order, so a replay is bit-identical. The error model is
    NumPy's because the kernels guard their own divisions.
    """
    return cast("Callable[P, R]", numba.njit(cache=True, error_model="numpy")(function))
