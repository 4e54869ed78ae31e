"""Drift is found soon, dated, sized, and never invented."""

from __future__ import annotations

import json
import math
import random
import statistics

import pytest

from models.drift.inputs import CHANNELS, LANGUAGES, input_series
from models.drift.watch import ERROR, Drift, Watch


def run(watch: Watch, series: str, values: list[float]) -> list[Drift]:
    found = (watch.update(series, value, float(i)) for i, value in enumerate(values))
    return [drift for drift in found if drift is not None]


def errors(
    seed: int, n: int, shift_at: int | None = None, rate: float = 0.1, then: float = 0.3
) -> list[float]:
    rng = random.Random(seed)
    return [float(rng.random() < (rate if shift_at is None or i < shift_at else then)) for i in range(n)]


def test_a_shift_is_found_within_300_events_in_the_median_over_20_seeds() -> None:
    delays, after = [], []
    for seed in range(20):
        found = run(Watch("m"), "error", errors(seed, 7000, shift_at=5000))
        assert len(found) == 1, f"seed {seed}: {found}"
        delays.append(found[0].at - 5000)
        assert abs(found[0].since - 5000) <= 300
        assert found[0].before == pytest.approx(0.1, abs=0.03)
        after.append(found[0].after)
    assert min(delays) > 0 and statistics.median(delays) <= 300
    assert statistics.median(after) == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_no_false_alarm_over_100_000_events(rate: float) -> None:
    assert run(Watch("m"), "error", errors(11, 100_000, rate=rate)) == []


def test_a_model_that_learns_raises_no_alarm_but_one_that_forgets_does() -> None:
    learning = errors(3, 6000, shift_at=3000, rate=0.4, then=0.1)
    assert run(Watch("m"), "error", learning) == []
    forgetting = errors(3, 6000, shift_at=3000, rate=0.1, then=0.4)
    assert [drift.series for drift in run(Watch("m"), "error", forgetting)] == ["error"]


def test_scores_are_watched_both_ways_in_their_own_unit() -> None:
    rng = random.Random(5)
    values = [rng.gauss(0.4 if i < 4000 else -0.2, 0.3) for i in range(6000)]
    (found,) = run(Watch("m"), "score", values)
    assert found.before == pytest.approx(0.4, abs=0.05) and found.after == pytest.approx(-0.2, abs=0.15)
    assert found.magnitude == pytest.approx(0.6, abs=0.15)


def test_a_change_of_language_is_told_by_its_series_and_only_by_it() -> None:
    rng = random.Random(9)
    watch = Watch("sentiment")
    found: list[Drift] = []
    for i in range(8000):
        lang = "zh" if rng.random() < (0.9 if i < 5000 else 0.4) else "en"
        values = input_series(lang=lang, channel=rng.choice(CHANNELS), length=int(rng.expovariate(0.02)))
        found += watch.observe(values, float(i))
    assert {drift.series for drift in found} == {"language:zh", "language:en"}


def test_inputs_cover_every_known_value_and_lump_the_rest() -> None:
    values = input_series(lang="fr", channel="pigeon", length=10**9, fields={"a": math.nan, "b": "", "c": 0})
    assert values["language:other"] == values["channel:other"] == values["length"] == 1.0
    assert values["missing"] == pytest.approx(2 / 3)
    assert len(values) == len(LANGUAGES) + len(CHANNELS) + 4
    assert input_series() == {}


def test_restored_watch_goes_on_as_if_never_stopped() -> None:
    never, often = Watch("m"), Watch("m")
    for i, value in enumerate(errors(2, 6000, shift_at=3000)):
        values = {"error": value, "score": value - 0.5, "missing": value}
        assert never.observe(values, float(i)) == often.observe(values, float(i))
        if i % 211 == 0:
            text = json.dumps(often.state())
            often = Watch("m")
            often.restore(json.loads(text))
    assert never.state() == often.state()


def test_memory_is_bounded_in_series_and_in_events() -> None:
    watch = Watch("m", limit=4)
    for i in range(20_000):
        watch.update(f"channel:{i % 10}", float(i % 2), float(i))
    assert len(watch.state()) == 4
    assert len(json.dumps(watch.state())) < 40_000
    with pytest.raises(ValueError, match="more than the limit"):
        Watch("m", limit=2).restore(watch.state())


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_ignored(bad: float) -> None:
    watch = Watch("m", {"error": ERROR})
    run(watch, "error", errors(1, 1000))
    before = watch.mean("error")
    assert watch.update("error", bad, 0.0) is None
    assert watch.mean("error") == before
    assert watch.mean("unknown") is None
