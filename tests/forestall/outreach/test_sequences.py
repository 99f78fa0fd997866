"""Intervals for one date and for every night: worked numbers, a known truth, and their limits."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forestall.outreach.sequences import LEAST_ARM, accounts_to_detect, holm, mixture_width, running


def arms(count, share=0.1, seed=0):
    return np.random.default_rng(seed).random(count) < share


def test_the_mixture_is_as_wide_as_its_formula_says():
    assert mixture_width(np.array([1000.0]))[0] == pytest.approx(0.0960, abs=5e-5)
    # Robbins' normal mixture, written another way: the sum where the martingale reaches 1 / alpha.
    rho2, count = 0.0079362, 4321.0
    total = mixture_width(np.array([count]))[0] * count
    assert np.exp(rho2 * total**2 / (2 * (count * rho2 + 1))) / np.sqrt(count * rho2 + 1) == pytest.approx(20, rel=1e-3)


def test_of_symmetric_scores_the_fixed_interval_is_students():
    scores = np.tile([1.0, -1.0, 2.0, -2.0], 500)
    is_holdout = np.tile([True, False, False, True], 500)
    found = running(scores, is_holdout)
    half = stats.t.ppf(0.975, 999) * scores.std(ddof=1) / np.sqrt(2000)
    assert found.mean[-1] == 0
    assert found.fixed_high[-1] == pytest.approx(half, rel=1e-6)
    assert found.fixed_low[-1] == pytest.approx(-half, rel=1e-6)


def test_the_interval_of_skewed_scores_is_halls():
    """Hall 1992: of the mean of 400 exponential ones, 0.975 normal points lie where his cubic is 1.96."""
    scores = np.random.default_rng(3).exponential(size=400)
    found = running(scores, np.arange(400) % 2 == 0)
    skewness, root = stats.skew(scores), 20
    for end, z in ((found.fixed_low, 1), (found.fixed_high, -1)):
        t = root * (scores.mean() - end[-1]) / scores.std(ddof=1)
        cubic = t + skewness / root * (t**2 / 3 + 1 / 6) + (skewness / root) ** 2 * t**3 / 27
        assert cubic == pytest.approx(z * stats.t.ppf(0.975, 199), rel=1e-6)


def test_nothing_is_said_before_each_arm_has_enough():
    is_holdout = arms(2000)
    enough = np.flatnonzero(is_holdout.cumsum() == LEAST_ARM)[0]
    found = running(np.random.default_rng(1).normal(size=2000), is_holdout)
    for end in (found.fixed_low, found.fixed_high, found.always_low, found.always_high, found.p_value):
        assert np.isnan(end[:enough]).all()
        assert not np.isnan(end[enough:]).any()


def test_looking_every_night_costs_width_and_a_fixed_date_does_not_allow_it():
    found = running(np.random.default_rng(1).normal(size=5000), arms(5000))
    known = ~np.isnan(found.fixed_low)
    assert (found.always_low < found.fixed_low)[known].all()
    assert (found.always_high > found.fixed_high)[known].all()


def test_the_p_value_falls_below_alpha_exactly_where_the_sequence_leaves_zero():
    scores = np.random.default_rng(2).exponential(size=3000) - 0.93
    found = running(scores, arms(3000))
    known = ~np.isnan(found.p_value)
    outside = (found.always_low > 0) | (found.always_high < 0)
    assert outside[known].any()
    assert (~outside[known]).any()
    np.testing.assert_array_equal((found.p_value < 0.05)[known], outside[known])


def test_scores_without_any_spread_leave_no_doubt_and_no_error():
    found = running(np.zeros(400), np.arange(400) % 4 == 0)
    assert (found.fixed_low[-1], found.always_high[-1], found.p_value[-1]) == (0, 0, 1)
    assert running(np.array([]), np.array([], bool)).mean.size == 0


@pytest.mark.slow
def test_of_a_known_mean_both_intervals_hold_as_often_as_they_say():
    rng, runs, count = np.random.default_rng(5), 1000, 1500
    fixed = always = every_night = 0
    for _ in range(runs):
        is_holdout = rng.random(count) < 0.1
        scores = np.where(is_holdout, -10, 1 / 0.9) * (rng.random(count) - 0.5)
        found = running(scores, is_holdout)
        known = ~np.isnan(found.fixed_low)
        holds = (found.fixed_low <= 0) & (found.fixed_high >= 0)
        fixed += holds[-1]
        every_night += holds[known].all()
        always += ((found.always_low <= 0) & (found.always_high >= 0))[known].all()
    assert 0.93 <= fixed / runs <= 0.97
    assert always / runs >= stats.binom.ppf(0.025, runs, 0.95) / runs
    assert every_night / runs < 0.85  # a fixed-date interval looked at every night fools


def test_holm_by_hand():
    adjusted = holm(pd.Series([0.01, 0.04, 0.03], index=["a", "b", "c"]))
    assert adjusted.to_dict() == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})


def test_groups_that_cannot_be_judged_yet_are_counted():
    adjusted = holm(pd.Series([0.01, np.nan, 0.04]))
    assert adjusted[0] == pytest.approx(0.03)
    assert np.isnan(adjusted[1])
    assert adjusted[2] == pytest.approx(0.08)


def test_what_it_takes_to_see_an_effect():
    once = accounts_to_detect(np.array([0.05, 0.1, 0.0]), 1.5, every_night=False)
    assert once[0] == pytest.approx(7064, abs=2)
    assert once[0] / once[1] == pytest.approx(4, rel=1e-3)
    assert np.isinf(once[2])
    often = accounts_to_detect(np.array([0.05, 0.1, 0.0]), 1.5, every_night=True)
    width = mixture_width(often[:2]) * 1.5 + stats.norm.ppf(0.8) * 1.5 / np.sqrt(often[:2])
    assert width == pytest.approx([0.05, 0.1], rel=2e-3)
    assert np.isinf(often[2])
    assert (often[:2] > once[:2]).all()
