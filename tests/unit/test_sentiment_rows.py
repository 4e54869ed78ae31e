"""A bucket as one number: what goes in comes out, full counts are halved, steps keep twelve bits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sentiment.rows import gridded, log_ratio, packed, scaled, squared, squared_code, votes, weight

EMPTY = np.uint64(0)
WEIGHTS = st.integers(-32767, 32767)


@given(WEIGHTS, WEIGHTS, st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_bucket_gives_back_what_it_was_given(one: int, other: int, yes: int, no: int) -> None:
    row = np.uint64(packed(one, other, EMPTY, yes, no))
    assert (weight(row), scaled(row), votes(row)) == (one, other, (yes + no) / 4)
    told = math.log(yes / 4 + 0.5) - math.log(no / 4 + 0.5)
    assert log_ratio(row) == pytest.approx(told, abs=0.02)


def test_a_full_count_is_halved_with_the_other_and_keeps_its_ratio() -> None:
    row = EMPTY
    for _ in range(40_000):
        row = np.uint64(packed(7, -7, row, 3, 1))
    assert (weight(row), scaled(row)) == (7, -7)
    assert 8_000 < votes(row) <= 2 * 65_535 / 4
    assert log_ratio(row) == pytest.approx(math.log(3), abs=0.02)


@given(st.floats(1e-6, 200.0))
def test_squared_gradients_keep_twelve_bits(value: float) -> None:
    assert squared(squared_code(np.float32(value))) == pytest.approx(value, rel=2**-12)


def test_weights_and_squared_gradients_stay_within_their_bits() -> None:
    assert (gridded(1e9), gridded(-1e9)) == (32767, -32767)
    assert squared(squared_code(np.float32(1e9))) == pytest.approx(255.94, abs=0.01)
    assert squared(squared_code(np.float32(0.0))) == 0.0
