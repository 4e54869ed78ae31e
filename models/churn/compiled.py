"""Numba's compiler behind a typed decorator, without fast-math: a restored learner must round as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile `function` to machine code, cached on disk beside its source."""
    return cast(F, numba.njit(cache=True, error_model="numpy")(function))


def unlocked(function: F) -> F:
    """Do as `compiled` without the interpreter's lock: for what takes long, as other agents wait meanwhile.

    Short kernels keep the lock: taking it back costs more than they do.
    """
    return cast(F, numba.njit(cache=True, error_model="numpy", nogil=True)(function))
