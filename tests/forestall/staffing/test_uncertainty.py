import numpy as np
import pytest
from scipy import stats

from forestall.staffing.uncertainty import (
    COLUMNS,
    PROBABILITIES,
    WEIGHTS,
    likely_rates,
    shared_part,
    shift_at,
    spread_of,
)


def quantiles(distribution):
    return np.array([distribution.ppf(PROBABILITIES)])


def test_columns_are_those_of_the_published_forecast():
    from features.published_volume import VOLUME_FORECAST

    assert set(COLUMNS) <= set(VOLUME_FORECAST.names)
    assert WEIGHTS.sum() == pytest.approx(1)


def test_poisson_counts_leave_a_known_rate():
    rates = likely_rates(np.array([400.0]), quantiles(stats.poisson(400)))
    assert rates == pytest.approx(np.full((1, 7), 400), rel=0.01)


def test_what_is_left_is_the_spread_of_the_rate():
    # counts with mean 1000 and variance 1000 + 10000: the rate's own standard deviation is 100
    rates = likely_rates(np.array([1000.0]), quantiles(stats.norm(1000, np.sqrt(11_000))))
    deviation = np.sqrt((WEIGHTS * (rates - 1000) ** 2).sum() / 0.9163)
    assert deviation == pytest.approx(100, rel=0.01)


def test_the_mean_is_kept_and_nothing_is_negative():
    mean = np.array([0.0, 0.03, 2.0, 50.0])
    wide = np.array(
        [[0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 5, 9], [1, 2, 10, 20, 60, 150, 300]], float
    )
    rates = likely_rates(mean, wide)
    assert rates @ WEIGHTS == pytest.approx(mean)
    assert (rates >= 0).all()


def test_missing_quantiles_mean_a_known_rate():
    assert likely_rates(np.array([5.0]), np.full((1, 7), np.nan)).tolist() == [[5.0] * 7]


def test_spread_and_shift_of_a_normal_rate():
    mean = np.array([1000.0])
    rates = likely_rates(mean, quantiles(stats.norm(1000, np.sqrt(11_000))))
    assert spread_of(rates, mean) == pytest.approx([0.1], rel=0.01)
    for probability in (0.02, 0.3, 0.5, 0.85, 0.99):
        assert shift_at(rates, mean, probability) == pytest.approx(0.1 * stats.norm.ppf(probability), abs=2e-3)


def test_what_intervals_share_is_found_again_in_drawn_days():
    rng = np.random.default_rng(4)
    share = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    rates = share * (1 + 0.1 * rng.standard_normal((200_000, 1)) + 0.2 * rng.standard_normal((200_000, 5)))
    day_cv, cv = rates.sum(axis=1).std(keepdims=True), rates.std(axis=0) / share
    assert shared_part(day_cv, cv, share, np.zeros(5, np.int64)) == pytest.approx([0.1], abs=0.003)
    # an hour that is the whole day shares all, a day surer than its intervals' own errors shares nothing
    assert shared_part(np.array([0.3]), np.array([0.3]), np.ones(1), np.zeros(1, np.int64)) == pytest.approx([0.3])
    assert shared_part(np.array([0.02]), cv, share, np.zeros(5, np.int64)).tolist() == [0]
