"""The level of leaving, apart from who leaves: found by date, and forecast."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models.churn.level import Level, base_levels, date_levels, forecast_level, usual_level

OLD, NEW = date(2025, 1, 1), date(2025, 2, 1)


def test_the_level_of_a_date_makes_expected_equal_observed() -> None:
    random = np.random.default_rng(3)
    raw = random.normal(size=40_000)
    dates = pd.Series(np.repeat([OLD, NEW], 20_000))
    truth = np.where(dates == OLD, -2.0, -1.0)
    outcome = (random.random(40_000) < expit(raw + truth)).astype(float)
    levels = date_levels(raw, outcome, np.ones(40_000), dates)
    assert levels[OLD].value == pytest.approx(-2, abs=0.06)
    assert levels[NEW].value == pytest.approx(-1, abs=0.06)


def test_a_few_rows_are_drawn_towards_evens() -> None:
    outcome = np.array([1.0, 1] + 8 * [0.0])
    levels = date_levels(np.zeros(10), outcome, np.ones(10), pd.Series([OLD] * 10))
    assert levels[OLD].value == pytest.approx(np.log(2.5 / 8.5))
    assert np.isfinite(date_levels(np.zeros(3), np.zeros(3), np.ones(3), pd.Series([OLD] * 3))[OLD].value)


def test_the_base_level_of_a_date_is_of_its_known_outcomes() -> None:
    outcome = np.array([1.0, 0, 0, np.nan, np.nan])
    dates = pd.Series([OLD, OLD, OLD, OLD, NEW])
    found = base_levels(outcome, np.ones(5), dates)
    assert found[:4] == pytest.approx(np.log(1.5 / 2.5))
    assert np.isnan(found[4])


def _dates(*values: float, leavers: float = 10_000) -> dict[date, Level]:
    return {date(2025, month + 1, 1): Level(value, leavers) for month, value in enumerate(values)}


def test_dates_that_differ_by_chance_are_averaged() -> None:
    usual, beyond = usual_level(_dates(-2.8, -2.9, -3.0, -2.9, leavers=50))
    assert (usual, beyond) == (pytest.approx(-2.9), 0)
    assert usual_level({OLD: Level(-2.0, 30), NEW: Level(-2.1, 10)})[0] == pytest.approx(-2.025)


def test_a_shock_of_fewer_than_half_of_the_dates_moves_the_usual_level_little() -> None:
    calm, shock = [-2.9, -2.9, -2.9, -2.9], [-2.3, -2.2, -2.5]
    assert usual_level(_dates(*calm, *shock))[0] == pytest.approx(-2.9, abs=0.01)
    assert usual_level(_dates(*calm))[0] == pytest.approx(-2.9)
    # as many leavers as dates of a small company have: part of the difference is chance, and the mean has its say
    assert -2.9 < usual_level(_dates(*calm, *shock, leavers=30))[0] < -2.7


def test_one_date_is_its_own_level() -> None:
    assert usual_level(_dates(-2.0)) == (-2.0, 0)
    rounded = {OLD: Level(-0.45772582566733916, 650.8088169915485)}  # its weighted mean is another float
    assert usual_level(rounded) == (pytest.approx(-0.45772582566733916), 0)
    assert forecast_level({30: rounded}, 30, 0.25) == pytest.approx(-0.45772582566733916)


def test_a_part_of_the_newest_deviation_lasts_as_far_as_it_is_sure() -> None:
    levels = {30: _dates(-4.0, -4.0, -4.0, -3.6), 90: _dates(-2.8, -2.8)}
    assert forecast_level(levels, 90, 0) == pytest.approx(-2.8)
    assert forecast_level(levels, 90, 0.25) == pytest.approx(-2.8 + 0.25 * 0.4, abs=0.005)
    unsure = levels | {30: _dates(-4.0, -4.0, -4.0, -3.6, leavers=40)}
    assert -2.8 <= forecast_level(unsure, 90, 0.25) < -2.75
