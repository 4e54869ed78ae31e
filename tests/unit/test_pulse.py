"""A worker that stood still knows it, also when the whole machine was suspended."""

from __future__ import annotations

import time

import pytest

from streams.app import Pulse, uptime


def test_a_standstill_past_the_limit_is_counted_once() -> None:
    now = [100.0]
    pulse = Pulse(9.0, lambda: now[0])
    assert pulse.check() == 0
    now[0] += 8.0
    assert pulse.check() == 0
    now[0] += 9.5
    assert [pulse.check(), pulse.check()] == [1, 1]


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="needs Linux")
def test_its_clock_counts_while_the_machine_is_suspended() -> None:
    before, now, after = (
        time.clock_gettime(time.CLOCK_BOOTTIME),
        uptime(),
        time.clock_gettime(time.CLOCK_BOOTTIME),
    )
    assert before <= now <= after
    assert uptime.args == (time.CLOCK_BOOTTIME,)
