"""The texts of a slice as one array of UTF-16, encoded once for every kernel that reads them.

A call into compiled code costs about a microsecond whatever it does, so a slice is one call, not one a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


class Units(NamedTuple):
    """Texts one after the other.

    Parameters
    ----------
    data
        Bytes of UTF-16, little endian; lone surrogates stand as they are.
    ends
        Where each text ends in `data`, shape (texts,).
    """

    data: U8
    ends: I64


def encoded(texts: Sequence[str]) -> Units:
    """Return the units of these texts.

    Examples
    --------
    >>> encoded(["ab", "", "好"]).ends.tolist()
    [4, 4, 6]
    """
    parts = [text.encode("utf-16-le", "surrogatepass") for text in texts]
    ends = np.fromiter(accumulate(map(len, parts)), np.int64, len(parts))
    return Units(np.frombuffer(b"".join(parts), np.uint8), ends)
