import numpy as np
import pandas as pd
import pytest
from scipy import stats

from features.published_volume import FORECAST_ACCURACY
from models.volume.accuracy import (
    LEAD_BUCKETS,
    accuracy_rows,
    bias,
    bucket_of,
    is_within_80,
    noise_floor,
    pinball,
    poisson_floor,
    share_of_days,
    wape,
)
from models.volume.quantiles import LEVELS, QUANTILE_COLUMNS

FORECAST, ACTUAL = np.array([10.0, 20.0, 0.0]), np.array([8.0, 25.0, 7.0])


def test_measures_by_hand():
    assert wape(FORECAST, ACTUAL) == pytest.approx((2 + 5 + 7) / 40)
    assert bias(FORECAST, ACTUAL) == pytest.approx(-10 / 40)
    assert noise_floor(np.array([1153.0])) == pytest.approx(0.0235, abs=1e-4)
    assert np.isnan(wape(FORECAST, np.zeros(3)))


def test_the_floor_is_what_a_perfect_mean_leaves():
    actual = np.random.default_rng(1).poisson(50, 20_000).astype(float)
    assert wape(np.full(20_000, 50.0), actual) == pytest.approx(noise_floor(actual), rel=0.02)


@pytest.mark.parametrize("mean", [0.05, 0.2, 1.0, 3.7, 40.0])
def test_the_exact_floor_is_the_mean_deviation_of_poisson_counts(mean):
    counts = np.arange(200)
    expected = (stats.poisson.pmf(counts, mean) * np.abs(counts - mean)).sum()
    assert poisson_floor(np.array([mean]), np.array([1.0])) == pytest.approx(expected, rel=1e-9)


def test_pinball_and_coverage_by_hand():
    levels = np.array([[1.0, 2, 3, 4, 5, 6, 7]])
    expected = np.mean([(0.05 * 3), (0.1 * 2), (0.25 * 1), 0, (0.25 * 1), (0.1 * 2), (0.05 * 3)])
    assert pinball(levels, np.array([4.0])) == pytest.approx(expected)
    assert [is_within_80(levels, np.array([y])).item() for y in (1.0, 2.0, 6.0, 7.0)] == [0, 1, 1, 0]
    assert len(LEVELS) == levels.shape[1]


def test_leads_fall_into_their_buckets():
    leads = np.array([1, 2, 3, 4, 7, 8, 14, 15, 28, 29, 56, 60])
    named = [LEAD_BUCKETS[index] for index in bucket_of(leads)]
    assert named == ["1", "2-3", "2-3", "4-7", "4-7", "8-14", "8-14", "15-28", "15-28", "29-56", "29-56", "29-56"]


def test_rows_by_queue_and_bucket_and_over_all():
    scored = pd.DataFrame(
        {"queue": ["a", "a", "b"], "day_on": pd.to_datetime(["2026-03-02", "2026-03-03", "2026-03-02"]),
         "lead_days": [1, 2, 1], "forecast": [10.0, 20.0, 5.0], "rival": [8.0, 20.0, 6.0], "contacts": [8.0, 25.0, 6.0]}
    )  # fmt: skip
    scored[list(QUANTILE_COLUMNS)] = 6.0
    rows = accuracy_rows(scored, 28, "ledger")
    assert list(rows.columns) == list(FORECAST_ACCURACY.names)
    found = rows.set_index(["queue", "lead_bucket"])
    assert found.loc[("a", "1"), "wape"] == pytest.approx(2 / 8)
    assert found.loc[("a", "1"), "rival_wape"] == 0
    assert found.loc[("all", "1"), "wape"] == pytest.approx(3 / 14)
    assert found.loc[("all", "1"), "day_count"] == 1
    assert found.loc[("b", "1"), "coverage_80"] == 1
    assert np.isnan(found.loc[("b", "1"), "coverage_80_low"])  # one day says nothing of its like
    assert found.loc[("all", "2-3"), "contacts"] == 25


def test_a_share_has_days_for_its_sample():
    """Three of four and one of two, so two thirds; days are off by 1/3 and -1/3: sqrt(2/9 x 2 / 1) / 6 = .111."""
    days = pd.Series(pd.to_datetime(["2026-03-02"] * 4 + ["2026-03-03"] * 2))
    share, low, high = share_of_days(np.array([True, True, True, False, True, False]), days)
    assert (share, low, high) == pytest.approx((2 / 3, 2 / 3 - 1.96 / 9, 2 / 3 + 1.96 / 9))
    assert share_of_days(np.ones(6, bool), days) == (1, 1, 1)
    assert np.isnan(share_of_days(np.ones(0, bool), days.iloc[:0])).all()
