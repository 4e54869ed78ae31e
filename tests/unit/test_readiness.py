"""Waiting in any start-up order, and the end of a stop that hangs."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from streams.readiness import LONGEST_PAUSE_S, NotReady, patiently
from streams.topics import ARCHIVED, needed_by, read_by
from streams.worker import Watchdog


def test_it_tries_again_with_growing_pauses_and_says_for_what(caplog: pytest.LogCaptureFixture) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def attempt() -> str:
        if len(pauses) < 8:
            raise NotReady("run `hark topics apply`")
        return "ready"

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(patiently("topics", attempt, sleep=sleep)) == "ready"
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert "waiting for topics: run `hark topics apply`" in caplog.text


def test_what_waiting_does_not_cure_passes_through() -> None:
    async def attempt() -> None:
        raise ValueError("a wrong setting")

    with pytest.raises(ValueError, match="a wrong setting"):
        asyncio.run(patiently("topics", attempt))


def test_the_watchdog_ends_a_process_whose_stop_hangs() -> None:
    ended, statuses = threading.Event(), list[int]()

    def end(status: int) -> None:
        statuses.append(status)
        ended.set()

    dog = Watchdog(0.01, end)
    dog.start()
    dog.start()
    assert ended.wait(10)
    assert statuses == [1]


def test_a_cancelled_watchdog_does_not_bite() -> None:
    bitten = threading.Event()
    dog = Watchdog(0.2, lambda status: bitten.set())
    dog.start()
    dog.cancel()
    assert not bitten.wait(0.4)


def test_an_agent_needs_what_it_reads_and_writes_and_nothing_else() -> None:
    names = {topic.name for topic in needed_by(["intake"])}
    assert {"feedback.raw", "feedback.masked", "dead.letters", "alerts"} <= names
    assert not names & {"decisions", "state.decide", "feedback.scored"}
    assert set(ARCHIVED) <= {topic.name for topic in needed_by(["archive"])}
    assert "feedback.raw" not in {name for agent in ("score", "decide", "archive") for name in read_by(agent)}
