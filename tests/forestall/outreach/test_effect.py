"""Scores of the randomised comparison: by hand, unbiased whatever is expected, and in simulated experiments."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import effect as simulated
from forestall.outreach.effect import baseline, scores
from forestall.outreach.experiment import HOLDOUT, TREATMENT


def accounts(**columns):
    rows = pd.DataFrame(columns)
    return rows.assign(listed_on=pd.to_datetime(rows.get("listed_on", pd.Timestamp("2026-03-02"))))


def test_the_scores_of_the_first_night_by_hand():
    rows = accounts(arm=[HOLDOUT, TREATMENT], arm_probability=[0.1, 0.9], left=[1.0, 0.0], churn_probability=[0.3, 0.3])
    assert scores(rows, "left", "churn_probability") == pytest.approx([-7, -1 / 3])


def test_a_night_is_expected_from_earlier_nights_alone():
    rng = np.random.default_rng(0)
    nights = np.repeat(np.arange(10), 20)
    expected, outcome = rng.random(200), rng.random(200)
    usual = baseline(outcome, expected, np.ones(200), nights)
    changed = baseline(np.where(nights >= 6, 9.0, outcome), expected, np.ones(200), nights)
    np.testing.assert_array_equal(usual[nights <= 6], changed[nights <= 6])
    assert not np.allclose(usual[nights > 6], changed[nights > 6])
    np.testing.assert_array_equal(usual[nights == 0], expected[nights == 0])


def test_the_baseline_comes_to_least_squares():
    rng = np.random.default_rng(1)
    expected, weight = rng.gamma(2, 50, 20_000), rng.choice([1.0, 80.0], 20_000)
    outcome = 12 + 0.4 * expected + rng.normal(0, 5, 20_000)
    last = baseline(outcome, expected, weight, np.arange(20_000))[-1]
    slope, intercept = np.polyfit(expected[:-1], outcome[:-1], 1, w=np.sqrt(weight[:-1]))
    assert last == pytest.approx(intercept + slope * expected[-1], rel=2e-3)


def test_an_expectation_that_says_nothing_is_replaced_by_what_came():
    outcome = np.tile([0.0, 1.0], 500)
    assert baseline(outcome, np.zeros(1000), np.ones(1000), np.arange(1000))[-1] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("expectation", [0.0, 0.3, 50.0])
def test_a_wrong_expectation_adds_no_bias(expectation):
    """The mean over all ways in which six accounts could have been drawn, as likely as they are, is the effect."""
    spared, called = np.array([1, 0, 1, 1, 0, 0.0]), np.array([0, 0, 1, 0, 0, 1.0])
    share, total = 0.3, 0.0
    for draw in range(2**6):
        is_held = np.array([draw >> place & 1 for place in range(6)], bool)
        likely = np.prod(np.where(is_held, share, 1 - share))
        rows = accounts(
            arm=np.where(is_held, HOLDOUT, TREATMENT), arm_probability=np.where(is_held, share, 1 - share),
            left=np.where(is_held, spared, called), expected=expectation,
            listed_on=pd.date_range("2026-03-02", periods=6),
        )  # fmt: skip
        total += likely * scores(rows, "left", "expected").mean()
    assert total == pytest.approx((called - spared).mean())


@pytest.mark.slow
def test_intervals_of_simulated_experiments_hold_the_truth():
    """The benchmark's own worlds, a few of them: binomial limits at 1 in 1,000 each side."""
    found = pd.DataFrame(
        [
            simulated.covers(simulated.live(simulated.listings((0.1, 0.25), run), world, run), "left")
            for world in [simulated.WORLDS["share_raised"]]
            for run in range(60)
        ]
    )
    assert found["fixed_180"].sum() >= 51
    assert found["always"].sum() >= 51
    assert found["fixed_every_night"].sum() <= 55
    assert abs(found["bias"].mean()) <= 4 * found["bias"].std() / np.sqrt(60)
