"""When a fetcher may ask: not before the interval is over, not while a poll is in hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.fetch_rounds import FetchRounds

SECONDS = 0.02


@dataclass
class Fetcher:
    """aiokafka's fetcher as far as rounds see it: one broker, which always could be asked."""

    _fetcher_timeout: float = 0.2
    _wait_consume_future: str = "consumed"
    notified: list[str] = field(default_factory=list)
    requests: list[Any] = field(default_factory=lambda: [(1, "request")])
    asked: int = 0

    def _notify(self, future: str) -> None:
        self.notified.append(future)

    def _get_actions_per_node(self, assignment: Any) -> Any:
        self.asked += 1
        return self.requests, {"leader": ["reset"]}, self._fetcher_timeout, True, ["resumed"]


@dataclass
class World:
    """A fetcher, a clock and a hand."""

    now: float = 100.0
    busy: bool = False
    fetcher: Fetcher = field(default_factory=Fetcher)

    def __post_init__(self) -> None:
        self.rounds = FetchRounds(self.fetcher, SECONDS, lambda: self.busy, lambda: self.now)

    def actions(self) -> Any:
        return self.fetcher._get_actions_per_node(None)


def test_the_first_round_goes_at_once_with_all_the_fetcher_had_to_say() -> None:
    world = World()
    assert world.actions() == ([(1, "request")], {"leader": ["reset"]}, 0.2, True, ["resumed"])


def test_a_round_waits_for_the_rest_of_the_interval_and_the_fetcher_is_not_even_asked() -> None:
    world = World()
    world.actions()
    world.now += 0.005
    fetches, resets, wait, stale, resumed = world.actions()
    assert (fetches, resets, stale, resumed) == ([], {}, False, [])
    assert abs(wait - 0.015) < 1e-9
    assert world.fetcher.asked == 1
    world.now += wait
    assert world.actions()[0] == [(1, "request")]


def test_nobody_asks_while_a_poll_is_in_hand_and_release_wakes_the_fetcher() -> None:
    world = World(busy=True)
    assert world.actions()[0] == []
    world.busy = False
    world.rounds.release()
    assert world.fetcher.notified == ["consumed"]
    assert world.actions()[0] == [(1, "request")]


def test_a_look_that_asks_no_broker_begins_no_interval() -> None:
    world = World(fetcher=Fetcher(requests=[]))
    assert world.actions()[1] == {"leader": ["reset"]}
    world.fetcher.requests = [(1, "request")]
    world.now += 0.001
    assert world.actions()[0] == [(1, "request")]


@given(st.lists(st.tuples(st.floats(0.0, 0.05), st.booleans()), max_size=60))
def test_rounds_keep_their_distance_and_nothing_is_held_for_good(looks: list[tuple[float, bool]]) -> None:
    world, rounds = World(), list[float]()
    for passed, world.busy in looks:
        world.now += passed
        if world.actions()[0]:
            assert not world.busy
            rounds.append(world.now)
    assert all(later - earlier >= SECONDS - 1e-9 for earlier, later in zip(rounds, rounds[1:], strict=False))
    world.busy = False
    fetches, _, wait, _, _ = world.actions()
    world.now += wait
    assert fetches or world.actions()[0]
