import numpy as np
import pytest

from models.volume.outliers import find_gaps, find_outliers
from models.volume.params import volume_params

PARAMS = volume_params().outliers
WEEKDAY = np.arange(140) % 7
OPEN = WEEKDAY < 6
EXPECTED = np.array([120, 100, 100, 100, 90, 40, 0])[WEEKDAY]


@pytest.fixture
def totals():
    return np.random.default_rng(5).poisson(EXPECTED).astype(float)


def test_ordinary_days_are_no_outliers(totals):
    assert find_outliers(totals, WEEKDAY, OPEN, PARAMS).sum() == 0


@pytest.mark.parametrize("factor", [0.1, 6.0])
def test_a_flood_and_an_outage_are_found_whatever_their_weekday(totals, factor):
    totals[71:73] *= factor
    assert list(np.flatnonzero(find_outliers(totals, WEEKDAY, OPEN, PARAMS))) == [71, 72]


def test_a_new_level_is_none(totals):
    totals[126:] *= 3
    assert not find_outliers(totals, WEEKDAY, OPEN, PARAMS)[126:].any()
    totals[133:] = totals[126:133] / 3
    assert not find_outliers(totals, WEEKDAY, OPEN, PARAMS)[133:].any()


def test_marked_and_closed_days_are_not_judged(totals):
    totals[71] *= 6
    is_ordinary = OPEN & (np.arange(140) != 71)
    assert not find_outliers(totals, WEEKDAY, is_ordinary, PARAMS).any()


def test_small_counts_scatter_without_being_outliers():
    few = np.random.default_rng(1).poisson(1.5, 140).astype(float)
    assert not find_outliers(few, WEEKDAY, np.ones(140, bool), PARAMS).any()


def test_an_empty_day_is_a_gap_only_where_many_are_usual(totals):
    totals[70] = 0
    assert list(np.flatnonzero(find_gaps(totals, WEEKDAY, OPEN, PARAMS))) == [70]
    assert not find_gaps(totals * 0, WEEKDAY, OPEN, PARAMS).any()
    few = np.minimum(totals, 3)
    assert not find_gaps(few, WEEKDAY, OPEN, PARAMS).any()
