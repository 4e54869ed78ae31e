"""Published and reference values: Hillstrom to four digits, textbook examples, edge cases."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from models.uplift import cuped, multiplicity, newcombe, qini, sequential, srm, welch
from models.uplift.cuped import Pairs
from models.uplift.moments import Moments
from models.uplift.srm import Srm
from models.uplift.trial import compare, is_rate, with_verdicts
from models.uplift.verdict import Evidence, Word, judge, needed

# Hillstrom's e-mail trial (MineThatData, 2008) as sufficient statistics of each arm: visits,
# conversions, and spend (y) with the money spent in the year before (x).
VISITS = {"mens": (3894, 21307), "womens": (3238, 21387), "none": (2262, 21306)}
CONVERSIONS = {"mens": (267, 21307), "womens": (189, 21387), "none": (122, 21306)}
SPEND = {
    "mens": Pairs(
        21307, 1.422616511005773, 242.83593091472284, 315.2117988655562, 67785.0826640012, 117.18571293774085
    ),
    "womens": Pairs(
        21387,
        1.0772015710478329,
        242.53663346892975,
        228.49667483465916,
        65194.879513205415,
        90.03603064683034,
    ),
    "none": Pairs(
        21306, 0.6527893551112361, 240.8826532432179, 134.28637185302222, 63877.18501511906, 43.07244343195286
    ),
}


def spend(arm: str) -> Moments:
    pairs = SPEND[arm]
    return Moments(pairs.n, pairs.mean_y, pairs.var_y)


@pytest.mark.parametrize(
    ("counts", "arm", "expected"),
    [
        (VISITS, "mens", (0.076590, 0.069953, 0.083227)),
        (VISITS, "womens", (0.045233, 0.038894, 0.051574)),
        (CONVERSIONS, "mens", (0.006805, 0.005014, 0.008641)),
        (CONVERSIONS, "womens", (0.003111, 0.001502, 0.004745)),
    ],
)
def test_hillstrom_rates(
    counts: dict[str, tuple[int, int]], arm: str, expected: tuple[float, float, float]
) -> None:
    found = newcombe.interval(*counts[arm], *counts["none"])
    assert (found.delta, found.low, found.high) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("arm", "interval", "valid", "p", "t"),
    [
        ("mens", (0.769827, 0.485140, 1.054515), (0.302066, 1.237589), 8.075e-6, 5.3001),
        ("womens", (0.424412, 0.168957, 0.679868), (0.004648, 0.844177), 0.044622, 3.2564),
    ],
)
def test_hillstrom_spend(
    arm: str, interval: tuple[float, ...], valid: tuple[float, ...], p: float, t: float
) -> None:
    treated, control = spend(arm), spend("none")
    found = welch.interval(treated, control)
    assert (found.delta, found.low, found.high) == pytest.approx(interval, abs=5e-7)
    se = math.sqrt(treated.variance_of_mean + control.variance_of_mean)
    assert found.delta / se == pytest.approx(t, abs=5e-5)
    always = sequential.always_valid(treated, control, rate=False)
    assert (always.low, always.high) == pytest.approx(valid, abs=5e-7)
    assert always.p == pytest.approx(p, rel=1e-4)


@pytest.mark.parametrize(
    ("arm", "theta", "delta", "reduction"),
    [("mens", 0.00122290, 0.767438, 0.000434), ("womens", 0.00103465, 0.422701, 0.000378)],
)
def test_hillstrom_cuped(arm: str, theta: float, delta: float, reduction: float) -> None:
    found = cuped.from_pairs(SPEND[arm], SPEND["none"])
    assert found is not None
    assert found.theta == pytest.approx(theta, abs=5e-9)
    assert found.delta == pytest.approx(delta, abs=5e-7)
    assert found.reduction == pytest.approx(reduction, abs=5e-7)


def test_hillstrom_sizes() -> None:
    three = srm.check([21307, 21387, 21306])
    assert (three.chi2, three.p) == pytest.approx((0.2025, 0.9037), abs=5e-5)
    assert srm.check([21307, 21306]).p == pytest.approx(0.9961, abs=5e-5)
    assert srm.check([21387, 21306]).p == pytest.approx(0.6950, abs=5e-5)


# Newcombe 1998, table II, method 10: examples (a) to (h).
@pytest.mark.parametrize(
    ("x1", "n1", "x0", "n0", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ],
)
def test_newcombes_own_examples(x1: int, n1: int, x0: int, n0: int, low: float, high: float) -> None:
    found = newcombe.interval(x1, n1, x0, n0)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


def test_test_and_interval_agree() -> None:
    rng = random.Random(5)
    for _ in range(200):
        n1, n0 = rng.randint(5, 400), rng.randint(5, 400)
        x1, x0 = rng.randint(0, n1), rng.randint(0, n0)
        found = newcombe.interval(x1, n1, x0, n0)
        assert (newcombe.p_value(x1, n1, x0, n0) < 0.05) == (found.low > 0 or found.high < 0)


def test_arms_swap_sides() -> None:
    one, two = newcombe.interval(30, 90, 12, 80), newcombe.interval(12, 80, 30, 90)
    assert (one.low, one.high) == pytest.approx((-two.high, -two.low))


@pytest.mark.parametrize(("n1", "n0"), [(0, 5), (1, 5), (1, 1)])
def test_arms_too_small_have_no_interval(n1: int, n0: int) -> None:
    found = compare("m", np.full(n1, 2.0), np.full(n0, 3.0), rate=False)
    assert math.isnan(found.interval.low) and found.p == 1.0 and math.isnan(found.sequential.low)


def test_what_never_varies_gives_no_verdict() -> None:
    found = with_verdicts([compare("m", np.full(50, 5.0), np.full(50, 5.0), rate=False)], Srm(0, 1))[0]
    assert found.verdict is not None and found.verdict.text == "not yet, needs more"


def test_the_floor_silences_rare_outcomes() -> None:
    treated, control = Moments(5000, 0.02, 0.0196), Moments(500, 0.008, 0.0079)
    assert sequential.always_valid(treated, control, rate=True).p == 1.0
    assert sequential.always_valid(treated, control, rate=False).p < 1.0


def test_corrections_are_monotone_and_bounded() -> None:
    rng = random.Random(6)
    for _ in range(50):
        ps = [rng.random() ** 3 for _ in range(rng.randint(1, 12))]
        holm, bh = multiplicity.holm(ps), multiplicity.benjamini_hochberg(ps)
        for p, h, q in zip(ps, holm, bh, strict=True):
            assert p * (1 - 1e-12) <= q <= h * (1 + 1e-12) and h <= 1
        order = sorted(range(len(ps)), key=lambda i: ps[i])
        assert [holm[i] for i in order] == sorted(holm) and [bh[i] for i in order] == sorted(bh)


def evidence(
    delta: float, half: float, p: float, alone: float | None = None, higher_is_better: bool = True
) -> Evidence:
    v = (half / 1.96) ** 2
    alone = p if alone is None else alone
    return Evidence(delta, delta - half, delta + half, p, alone, 1000, v, 0.01, higher_is_better)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (evidence(0.05, 0.02, 0.001), "helps"),
        (evidence(-0.05, 0.02, 0.001), "hurts"),
        (evidence(0.05, 0.02, 0.001, higher_is_better=False), "hurts"),
        (evidence(0.001, 0.004, 0.6), "no difference big enough to matter"),
        (evidence(0.05, 0.06, 0.1), "not yet, needs about 2000 more"),
        (
            evidence(0.05, 0.04, 0.2, alone=0.01),
            "not yet, needs about 310 more (clear alone, not among all comparisons)",
        ),
    ],
)
def test_verdicts_in_words(given: Evidence, words: str) -> None:
    assert judge(given, Srm(0.2, 0.7)).text == words


def test_a_mismatch_blocks_every_verdict() -> None:
    verdict = judge(evidence(0.05, 0.02, 1e-9), srm.check([5000, 5400]))
    assert verdict.word is Word.BLOCKED and "do not fit the planned shares" in verdict.text


def test_what_it_takes_is_enough_four_times_in_five() -> None:
    rng = np.random.default_rng(4)
    v = 0.24 / 500 + 0.24 / 500
    more = needed(Evidence(0.05, -0.01, 0.11, 0.1, 0.1, 1000, v, 0.0))
    assert more is not None
    n = (1000 + more) // 2
    x1, x0 = rng.binomial(n, 0.45, 4000), rng.binomial(n, 0.40, 4000)
    low, _ = newcombe.limits(x1, n, x0, n, 1.96)
    assert np.mean(low > 0) == pytest.approx(0.8, abs=0.03)


def test_an_always_valid_test_takes_more() -> None:
    fixed, always = (
        needed(Evidence(0.05, -0.01, 0.11, 0.1, 0.1, 1000, 0.00096, 0.0, always_valid=always))
        for always in (False, True)
    )
    assert fixed is not None and always is not None and always > 1.2 * fixed


def test_a_good_score_has_a_qini_above_a_bad_one() -> None:
    rng = np.random.default_rng(3)
    score, treated = rng.random(20_000), rng.random(20_000) < 0.5
    value = (rng.random(20_000) < 0.1 + 0.2 * score * treated).astype(float)
    good, bad = (qini.coefficient(s, value, treated) for s in (score, -score))
    assert good > 0.005 and good == pytest.approx(-bad, rel=0.05)
    assert abs(qini.coefficient(rng.random(20_000), value, treated)) < good / 4
    tenths = qini.deciles(score, value, treated, rate=True)
    assert tenths[0].uplift.low > tenths[-1].uplift.high
    assert sum(tenth.n_treated + tenth.n_control for tenth in tenths) == 20_000
    assert tenths[-1].gain.low < 0.1 < tenths[-1].gain.high


def test_the_value_of_acting_on_the_top_is_covered() -> None:
    rng = np.random.default_rng(8)
    truth = 0.2 * (1 - 0.7**2) / 2  # the integral of .2 score over the top three tenths
    covered = 0
    for _ in range(300):
        score, treated = rng.random(2000), rng.random(2000) < 0.7
        value = (rng.random(2000) < 0.1 + 0.2 * score * treated).astype(float)
        gain = qini.deciles(score, value, treated, rate=True)[2].gain
        covered += gain.low <= truth <= gain.high
    assert 0.9 <= covered / 300 <= 0.98


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_interval_of_a_scores_worth_covers_none(share: float) -> None:
    """A score of noise is told from chance in one run of twenty, with ties and unequal arms too."""
    rng = np.random.default_rng(17)
    alarms = 0
    for _ in range(400):
        score, treated = rng.integers(0, 7, 3000).astype(float), rng.random(3000) < share
        value = rng.exponential(1, 3000) + score
        alarms += qini.tested(score, value, treated).p < 0.05
    assert 0.025 <= alarms / 400 <= 0.075


def test_words_as_a_covariate_keep_the_coverage() -> None:
    rng = np.random.default_rng(18)
    covered = 0
    for _ in range(400):
        groups, treated = rng.integers(0, 8, 600), rng.random(600) < 0.8
        value = rng.normal(size=600) + groups + 0.5 * treated
        x1, x0 = cuped.means_by_group(value[treated], groups[treated], value[~treated], groups[~treated])
        found = cuped.adjust(value[treated], x1, value[~treated], x0)
        assert found is not None
        covered += found.low <= 0.5 <= found.high
    assert 0.92 <= covered / 400 <= 0.975


def test_qini_does_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(2)
    score, treated = rng.integers(0, 4, 500).astype(float), rng.random(500) < 0.5
    value = rng.random(500)
    order = rng.permutation(500)
    shuffled = qini.coefficient(score[order], value[order], treated[order])
    assert qini.coefficient(score, value, treated) == pytest.approx(shuffled)


def test_rates_are_recognised_with_gaps() -> None:
    assert is_rate(np.array([0.0, 1.0, np.nan]))
    assert not is_rate(np.array([0.0, 2.0]))
