"""Small slices of a wave are read together: what comes out is what each would have given alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_flood import LAYOUT, LIMIT, MINUTE, feedback, outcome, step

from streams.agents.score import MOST_AHEAD, ScoreStep
from streams.outbox import Outbox
from streams.state import PartitionState
from streams.step import Slice
from streams.topics import FEEDBACK_MASKED


def wave(*sizes: int) -> list[Slice]:
    """Return a slice a partition of so many feedbacks and one outcome."""
    pieces = []
    for partition, size in enumerate(sizes):
        first = 100 * partition
        said = [feedback(first + n, f"c{partition}{n % 2}", 5 * MINUTE + n) for n in range(size)]
        state = PartitionState(partition)
        state.begin()
        told = outcome(first + size, "x", 6 * MINUTE)
        pieces.append(Slice(FEEDBACK_MASKED, partition, [*said, told], state))
    return pieces


def scored(own: ScoreStep, pieces: list[Slice], ahead: bool = True) -> list[Any]:
    """Return what is written and remembered."""
    if ahead:
        own.ahead(pieces)
    found: list[Any] = []
    for piece in pieces:
        assert piece.state is not None
        own.open(piece.state)
        out = Outbox(LAYOUT)
        own.process(piece, out)
        found += [dict(out.batches()), dict(piece.state.changes())]
    return found


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> tuple[ScoreStep, list[int]]:
    """Return a step, and how many texts were read in each call."""
    own, calls = step(), list[int]()
    real = own._scorer.read

    def read(said: Any) -> Any:
        calls.append(len(said))
        return real(said)

    monkeypatch.setattr(own._scorer, "read", read)
    return own, calls


@pytest.mark.parametrize("sizes", [(2, 1, 3), (1, 1), (MOST_AHEAD, 2)])
def test_reading_ahead_changes_nothing(sizes: tuple[int, ...]) -> None:
    assert scored(step(), wave(*sizes)) == scored(step(), wave(*sizes), ahead=False)


@pytest.mark.parametrize(
    ("sizes", "calls"), [((2, 1, 3), [6]), ((4,), [4]), ((MOST_AHEAD, 2), [2 * LIMIT, 2])]
)
def test_texts_are_read_once_and_the_surplus_of_large_slices_not_at_all(
    counted: tuple[ScoreStep, list[int]], sizes: tuple[int, ...], calls: list[int]
) -> None:
    own, read = counted
    scored(own, wave(*sizes))
    assert read == calls


def test_texts_are_read_again_by_a_model_that_came_between(counted: tuple[ScoreStep, list[int]]) -> None:
    own, read = counted
    pieces = wave(1, 1)
    own.ahead(pieces)
    own._scorer._models._versions = {**own._scorer._models.versions(), "sentiment": 7}
    scored(own, pieces, ahead=False)
    assert read == [2, 1, 1]


def test_a_surplus_read_ahead_is_still_dropped() -> None:
    own, pieces = step(), wave(40, 1)
    assert scored(own, pieces) == scored(step(), wave(40, 1), ahead=False)


def test_what_cannot_be_read_ahead_is_left_to_its_slice() -> None:
    own, pieces = step(), wave(1, 1)
    broken = replace(pieces[1].records[0], value=b"{")
    pieces[1] = replace(pieces[1], records=[broken, *pieces[1].records[1:]])
    with pytest.raises(ValueError, match="end of input|EOF|unexpected|expected"):
        own.ahead(pieces)
    assert own._ahead == {}
    assert scored(own, pieces[:1], ahead=False) == scored(step(), wave(1), ahead=False)
