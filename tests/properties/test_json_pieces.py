"""A state's text is the same in pieces, and no piece is long."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.json_pieces import json_pieces

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=6)
)


@given(VALUES, st.integers(1, 600))
def test_pieces_are_what_json_writes(value: Any, times: int) -> None:
    for state in (value, [value] * times, {str(number): value for number in range(times)}):
        assert "".join(json_pieces(state)) == json.dumps(state, ensure_ascii=False, separators=(",", ":"))


def test_no_piece_is_long() -> None:
    rows = [[number, "customer", 0.5, ["app", "web"], {"n": number}] for number in range(10_000)]
    state = {
        "rows": rows,
        "flat": list(range(100_000)),
        "by": {str(number): [number] for number in range(10_000)},
    }
    assert max(map(len, json_pieces(state))) < 8_000
