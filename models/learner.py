"""What every online model here is: predict, learn, and give its whole state away.

The conformance suite (`tests/unit/test_learners.py`) runs over every class of `models` with `state` and
`restore`: pure predict, bounded memory, snapshot round trip, order of features, no NaN, speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
State = dict[str, "Array | float | int | str | bool | None | list[Any] | dict[str, Any]"]


class Learner(Protocol):
    """An online model whose state is plain arrays and JSON values.

    `state()` followed by `restore()` on a fresh instance of the same configuration must
    give a learner whose every later prediction is bit-identical (design, "How Faust is used").
    """

    name: str

    def state(self) -> State:
        """Return the complete state, sharing nothing that changes: it is packed while the learner goes on."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the state; raises ValueError when it does not fit this configuration."""
        ...


def finite(array: Array) -> bool:
    """Tell whether every entry of `array` is a finite number."""
    return bool(np.isfinite(array).all())
