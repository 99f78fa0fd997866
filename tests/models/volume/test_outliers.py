import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.volume.outliers import find_gaps, first_full_day
from models.volume.outliers import find_outliers as outliers_of
from models.volume.params import volume_params

PARAMS = volume_params().outliers
WEEKDAY = np.arange(140) % 7
OPEN = WEEKDAY < 6
EXPECTED = np.array([120, 100, 100, 100, 90, 40, 0])[WEEKDAY]
NO_PART = np.full(140, "", dtype=object)


def find_outliers(totals, weekday, is_ordinary, params, part=NO_PART):
    return outliers_of(totals, weekday, part, is_ordinary, params)


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


@pytest.mark.parametrize("factor", [0.2, 3.0])
@pytest.mark.parametrize("known", [140, 78])  # days; of the second the week was over for two open ones
def test_a_week_of_strike_is_left_out_once_it_is_over(totals, factor, known):
    totals[70:75] *= factor
    found = find_outliers(totals[:known], WEEKDAY[:known], OPEN[:known], PARAMS, NO_PART[:known])
    assert list(np.flatnonzero(found)) == list(range(70, 75))


@pytest.mark.parametrize("known", [75, 76, 77])  # at most one day has been as before
def test_what_may_still_last_is_a_new_level(totals, known):
    totals[70:75] *= 0.2
    assert not find_outliers(totals[:known], WEEKDAY[:known], OPEN[:known], PARAMS, NO_PART[:known]).any()


@pytest.mark.parametrize("days", range(4, 12))
def test_a_new_level_is_none_however_long_it_has_been_there(totals, days):
    """After a week or so the newest days are usual already; of the oldest of them a few may be left out then."""
    totals[np.flatnonzero(OPEN)[-days:]] *= 3
    found = find_outliers(totals, WEEKDAY, OPEN, PARAMS)
    assert found.sum() <= (0 if days < 7 else 3)


def test_what_every_month_brings_is_no_outlier_and_an_outage_on_such_a_day_is_one():
    weekday = np.arange(420) % 7
    part = np.where(np.arange(420) % 30 == 10, "month: first 1", "").astype(object)
    expected = np.where(part != "", 300.0, 100.0)
    totals = np.random.default_rng(2).poisson(expected).astype(float)
    everyday = np.ones(420, bool)
    assert not find_outliers(totals, weekday, everyday, PARAMS, part).any()
    totals[310] *= 0.2
    assert list(np.flatnonzero(find_outliers(totals, weekday, everyday, PARAMS, part))) == [310]


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


def test_stray_rows_before_the_first_real_day_are_no_history():
    week = np.array([500.0, 430, 400, 400, 380, 120, 0])
    stray = np.array([0, 3, 0, 1, 8, 2, 1, 0, 0, 4, 7, 8, 12, 9.0])
    found = first_full_day(np.concatenate([stray, np.tile(week, 30)]), PARAMS)
    assert found == len(stray)
    assert first_full_day(np.tile(week, 30), PARAMS) == 0
    # Whoever begins on a Sunday or with a small day loses a day, not a week.
    assert first_full_day(np.concatenate([[60.0, 0.0], np.tile(week, 30)]), PARAMS) == 2


def test_a_history_that_begins_small_for_long_is_one_that_grew():
    grown = np.concatenate([np.full(70, 10.0), np.full(300, 500.0)])
    assert first_full_day(grown, PARAMS) == 0
    assert first_full_day(grown[20:], PARAMS) == 50


def test_sparse_and_empty_histories_begin_with_their_first_contact():
    sparse = np.zeros(200)
    sparse[[30, 90, 150]] = 1.0
    assert first_full_day(sparse, PARAMS) == 30
    assert first_full_day(np.zeros(10), PARAMS) == 10
    assert first_full_day(np.array([0.0, 5.0]), PARAMS) == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=120))
def test_a_history_begins_on_a_day_with_contacts_if_there_are_any(totals):
    found = first_full_day(np.array(totals, dtype=float), PARAMS)
    assert found == len(totals) if not any(totals) else totals[found] > 0
