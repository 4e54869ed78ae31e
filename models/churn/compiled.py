"""Numba's compiler behind a typed decorator, without fast-math: a restored learner must round as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile `function` to machine code, cached on disk beside its source."""
    return cast(F, numba.njit(cache=True, error_model="numpy")(function))
