"""The detector equals River's event by event and survives a snapshot at any of them."""

from __future__ import annotations

import json
import random

import pytest
from river import drift

from models.drift.adwin import Adwin


def stream(seed: int, n: int = 6000) -> list[float]:
    rng = random.Random(seed)
    out: list[float] = []
    rate, binary = rng.random(), seed % 2 == 0
    for i in range(n):
        if i % 1500 == 1499:
            rate = rng.random()
        out.append(float(rng.random() < rate) if binary else rng.gauss(rate, 0.2))
    return out


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("clock", [1, 32])
def test_equals_river_at_every_event(seed: int, clock: int) -> None:
    ours, rivers = Adwin(delta=0.01, clock=clock), drift.ADWIN(delta=0.01, clock=clock)
    detections = 0
    for x in stream(seed, 3000):
        ours.update(x)
        rivers.update(x)
        assert ours.drift_detected == rivers.drift_detected
        assert ours.width == rivers.width
        assert ours.total == pytest.approx(rivers.total, rel=1e-12, abs=1e-12)
        assert ours.variance == pytest.approx(rivers.variance, rel=1e-9, abs=1e-9)
        detections += ours.drift_detected
    assert detections >= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_restored_window_goes_on_as_if_never_stopped(seed: int) -> None:
    never, often = Adwin(), Adwin()
    for i, x in enumerate(stream(seed)):
        never.update(x)
        often.update(x)
        assert never.drift_detected == often.drift_detected
        if i % 97 == 0:
            text = json.dumps(often.state())
            often = Adwin()
            often.restore(json.loads(text))
    assert never.state() == often.state()


def test_the_window_is_logarithmic() -> None:
    detector = Adwin()
    for i in range(50_000):
        detector.update(float(i % 7 == 0))
    assert detector.width == 50_000
    assert len(json.dumps(detector.state())) < 4000


def test_a_window_that_does_not_add_up_is_refused() -> None:
    detector = Adwin()
    for _ in range(10):
        detector.update(1.0)
    state = detector.state()
    state["width"] = 11
    with pytest.raises(ValueError, match="width 11 holds 10"):
        Adwin().restore(state)
