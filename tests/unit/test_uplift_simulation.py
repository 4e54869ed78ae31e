"""Known truth, a thousand runs at once: do intervals cover it, do looks every day stay honest."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from models.uplift import newcombe, sequential, weighting
from models.uplift.distributions import normal_quantile
from models.uplift.guardrail import watch
from models.uplift.moments import Floats, Moments
from models.uplift.trial import compare

RUNS = 1000
Z = normal_quantile(0.975)


def paths(
    rng: np.random.Generator,
    p1: float,
    p0: float,
    holdout: float,
    sizes: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return successes and customers of both arms at every look, shape (RUNS, looks)."""
    n0 = np.round(sizes * holdout).astype(np.int64)
    n1 = sizes - n0
    x1, x0 = (
        np.cumsum(rng.binomial(np.diff(np.append(0, n)), p, (RUNS, len(sizes))), axis=1).astype(float)
        for n, p in ((n1, p1), (n0, p0))
    )
    return x1, np.broadcast_to(n1, x1.shape).astype(float), x0, np.broadcast_to(n0, x0.shape).astype(float)


def variance(x1: Floats, n1: Floats, x0: Floats, n0: Floats) -> Floats:
    m1, m0 = x1 / n1, x0 / n0
    return m1 * (1 - m1) / (n1 - 1) + m0 * (1 - m0) / (n0 - 1)


@pytest.mark.parametrize("holdout", [0.05, 0.1, 0.2, 0.5])
@pytest.mark.parametrize(("rate", "effect"), [(0.10, 0.03), (0.7, 0.08), (0.5, -0.1), (0.3, 0.0)])
def test_newcombe_covers_the_true_effect(holdout: float, rate: float, effect: float) -> None:
    rng = np.random.default_rng(7)
    n0 = round(4000 * holdout)
    n1 = 4000 - n0
    # Four thousand runs, so that the band below is about the method, not about luck.
    x1, x0 = rng.binomial(n1, rate + effect, 4 * RUNS), rng.binomial(n0, rate, 4 * RUNS)
    low, high = newcombe.limits(x1, n1, x0, n0, Z)
    assert 0.93 <= np.mean((low <= effect) & (effect <= high)) <= 0.97


@pytest.mark.parametrize("holdout", [0.05, 0.5])
def test_welch_and_cuped_cover_the_true_effect(holdout: float) -> None:
    rng = np.random.default_rng(8)
    n0 = round(2000 * holdout)
    plain = adjusted = 0
    width: list[float] = []
    for _ in range(RUNS):
        x = rng.exponential(10, 2000)
        y = 0.8 * x + rng.exponential(5, 2000)
        y[n0:] += 2
        found = compare("spend", y[n0:], y[:n0], rate=False, covariates=(x[n0:], x[:n0]))
        assert found.cuped is not None
        plain += found.interval.low <= 2 <= found.interval.high
        adjusted += found.cuped.low <= 2 <= found.cuped.high
        width.append(found.cuped.reduction)
    assert 0.93 <= plain / RUNS <= 0.97
    assert 0.93 <= adjusted / RUNS <= 0.97
    assert np.median(width) > 0.6


@pytest.mark.parametrize("holdout", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_looking_every_day_raises_few_false_alarms(holdout: float, rate: float) -> None:
    arms = paths(np.random.default_rng(9), rate, rate, holdout, np.arange(200, 20_001, 200))
    x1, n1, x0, n0 = arms
    delta, v = x1 / n1 - x0 / n0, variance(*arms)
    with np.errstate(divide="ignore", invalid="ignore"):
        valid = sequential.p_values(delta, v, n1 + n0) < 0.05
        fixed = np.abs(delta) > Z * np.sqrt(v)
    speaks = sequential.speaks(x1, n1) & sequential.speaks(x0, n0)
    assert np.mean((valid & speaks).any(axis=1)) <= 0.05
    assert np.mean(fixed.any(axis=1)) > 0.3


def test_without_the_floor_a_rare_outcome_alarms_falsely() -> None:
    """Why the floor of five successes and failures is there."""
    arms = paths(np.random.default_rng(10), 0.01, 0.01, 0.1, np.arange(200, 20_001, 200))
    x1, n1, x0, n0 = arms
    with np.errstate(divide="ignore", invalid="ignore"):
        valid = sequential.p_values(x1 / n1 - x0 / n0, variance(*arms), n1 + n0) < 0.05
    assert np.mean(valid.any(axis=1)) > 0.2


def revenue(rng: np.random.Generator, n: int) -> Floats:
    """One customer in a hundred buys, most a little, some a lot."""
    return (rng.random(n) < 0.01) * rng.lognormal(0, 1, n)


@pytest.mark.parametrize("draw", [revenue, lambda rng, n: rng.lognormal(0, 2, n)])
@pytest.mark.parametrize("holdout", [0.05, 0.1])
def test_heavy_tails_wait_for_twenty_values_to_carry_the_variance(
    draw: Callable[[np.random.Generator, int], Floats], holdout: float
) -> None:
    rng = np.random.default_rng(11)
    sizes = np.arange(200, 20_001, 200)
    careless = steady = 0
    for _ in range(200):
        arms = []
        for share in (1 - holdout, holdout):
            sized = np.round(sizes * share)
            y = draw(rng, int(sized[-1]))
            powers = np.cumsum(np.stack([y, y**2, y**3, y**4]), axis=1)[:, sized.astype(int) - 1] / sized
            m, v = powers[0], np.maximum(powers[1] - powers[0] ** 2, 1e-300)
            fourth = powers[3] - 4 * m * powers[2] + 6 * m * m * powers[1] - 3 * m**4
            arms.append((m, v / (sized - 1), sized * v * v / np.maximum(fourth, 1e-300)))
        (m1, v1, c1), (m0, v0, c0) = arms
        alarms = sequential.p_values(m1 - m0, v1 + v0, sizes) < 0.05
        careless += alarms.any()
        steady += (alarms & (np.minimum(c1, c0) >= sequential.CARRIERS)).any()
    assert careless / 200 > 0.08
    assert steady / 200 <= 0.05


def test_carriers_of_a_rate_are_its_yeses() -> None:
    rare = Moments.of(np.repeat([1.0, 0.0], [30, 9970]))
    assert rare.carriers == pytest.approx(30, rel=0.02)
    few = Moments.of(np.repeat([900.0, 1.0, 0.0], [2, 30, 9968]))
    other = Moments.of(np.random.default_rng(1).normal(0.3, 1.0, 9000))
    assert not sequential.always_valid(few, other, rate=False).steady
    assert watch(few, other, worse_by=0.01, rate=False).state == "too early"


@pytest.mark.parametrize(
    ("stays", "harm", "holdout"), [(0.75, 0.10, 0.2), (0.75, 0.2, 0.1), (0.6, 0.06, 0.5)]
)
def test_a_harmful_rule_is_paused_in_time(stays: float, harm: float, holdout: float) -> None:
    """Expected harm: what a trial of fixed size with 80 % power would have done to its treated."""
    p1 = stays - harm
    spread = p1 * (1 - p1) / (1 - holdout) + stays * (1 - stays) / holdout
    fixed = (Z + normal_quantile(0.8)) ** 2 * spread / harm**2
    sizes = np.linspace(fixed / 60, 3 * fixed, 180).astype(np.int64)
    x1, n1, x0, n0 = paths(np.random.default_rng(12), p1, stays, holdout, sizes)
    pauses = paused(x1, n1, x0, n0)
    done = np.full(RUNS, harm * n1[0, -1])
    for run in np.flatnonzero(pauses.any(axis=1)):
        look = int(np.argmax(pauses[run]))
        done[run] = harm * n1[run, look]
        if run % 20 == 0:  # the guardrail itself says the same, at this look and at the one before
            for at, state in ((look, "pause"), (look - 1, None)):
                arms = [
                    Moments(int(n), x / n, x / n * (1 - x / n) * n / (n - 1))
                    for x, n in ((x1[run, at], n1[run, at]), (x0[run, at], n0[run, at]))
                ]
                found = watch(*arms, worse_by=0.03, rate=True).state
                assert (found == state) if state else (found != "pause" or at < 0)
    expected = harm * fixed * (1 - holdout)
    assert done.mean() < 1.25 * expected
    assert np.mean(done < 2 * expected) > 0.85


def paused(x1: Floats, n1: Floats, x0: Floats, n0: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return where the guardrail of 0.03 pauses, every run and look at once."""
    delta = x0 / n0 - x1 / n1
    with np.errstate(divide="ignore", invalid="ignore"):
        low = delta - sequential.radius(variance(x1, n1, x0, n0), n1 + n0, alpha=0.1, plan=500)
    speaks = sequential.speaks(x1, n1) & sequential.speaks(x0, n0)
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = speaks & (low > 0) & (delta > 0.03)
    return found


@pytest.mark.parametrize("harm", [0.0, -0.05])
def test_a_harmless_rule_is_rarely_paused(harm: float) -> None:
    sizes = np.arange(100, 10_001, 100)
    arms = paths(np.random.default_rng(13), 0.7 - harm, 0.7, 0.2, sizes)
    assert np.mean(paused(*arms).any(axis=1)) <= 0.05


def test_the_vectorised_and_the_single_form_agree() -> None:
    treated, control = Moments(900, 0.12, 0.12 * 0.88 * 900 / 899), Moments(100, 0.2, 0.16 * 100 / 99)
    found = sequential.always_valid(treated, control, rate=True)
    v = treated.var / 900 + control.var / 100
    half = float(sequential.radius(v, 1000))
    assert found.low == pytest.approx(-0.08 - half) and found.high == pytest.approx(-0.08 + half)
    # At p = alpha the interval just touches zero.
    touching = float(sequential.p_values(half, v, 1000))
    assert touching == pytest.approx(0.05)


def test_weights_undo_a_ramp() -> None:
    """Early customers are better and mostly held out; pooling says harm where there is help."""
    rng = np.random.default_rng(14)
    pooled = covered = 0
    for _ in range(200):
        share = np.repeat([0.1, 0.9], 2000)
        treated = rng.random(4000) < share
        chance = np.where(share < 0.5, 0.8, 0.4) + 0.05 * treated
        values = (rng.random(4000) < chance).astype(float)
        pooled += values[treated].mean() > values[~treated].mean()
        found = weighting.weighted(values, treated, share)
        covered += found.low <= 0.05 <= found.high
    assert pooled == 0
    assert 0.9 <= covered / 200 <= 0.99


def test_too_few_are_no_interval() -> None:
    found = weighting.weighted(np.array([1.0, 0.0]), np.array([True, False]), np.array([0.5, 0.5]))
    assert math.isnan(found.low)
