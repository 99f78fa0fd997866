from datetime import timedelta

import numpy as np
import pandas as pd

from models.volume.params import volume_params
from models.volume.rivals import four_like_weekdays, last_week, last_year, rival_at, rival_rows

NAN = np.nan


def test_the_mean_of_the_last_four_like_weekdays_by_hand():
    weekday = np.arange(42) % 7
    rates = np.stack([np.arange(42.0), np.full(42, NAN)], axis=1)
    rival = four_like_weekdays(rates, np.ones(42, bool), weekday, np.array([0, 1]), 4)
    assert rival[0, 0] == np.mean([14, 21, 28, 35])
    assert rival[1, 0] == np.mean([15, 22, 29, 36])
    assert (rival[:, 1] == 0).all()


def test_days_without_data_make_way_for_older_ones():
    weekday = np.arange(42) % 7
    rates = np.arange(42.0)[:, None]
    is_day = np.arange(42) != 35
    assert four_like_weekdays(rates, is_day, weekday, np.array([0]), 4)[0, 0] == np.mean([7, 14, 21, 28])


def test_a_weekday_never_seen_takes_the_last_days():
    rates = np.array([[10.0], [20.0]])
    assert four_like_weekdays(rates, np.ones(2, bool), np.array([0, 1]), np.array([5]), 4)[0, 0] == 15


def test_the_rival_at_a_cutoff_does_not_see_beyond_it(site):
    made = site().queue("a")
    history, cutoff = made.histories()["a"], made.weeks_back(3)[0]
    before = rival_at(history, cutoff, 7, 365, volume_params())
    later = history.changes.assign(
        contacts=np.where(history.changes["known_on"] > pd.Timestamp(cutoff), 0, history.changes["contacts"])
    )
    object.__setattr__(history, "changes", later)
    assert (rival_at(history, cutoff, 7, 365, volume_params()) == before).all()

    monday = history.grid.day_index(cutoff)
    past = [monday - 7 * step for step in (1, 2, 3, 4) if history.accepts[monday - 7 * step].any()]
    expected = history.as_of(cutoff).contacts[past].mean(axis=0)
    assert len(past) >= 3
    if len(past) == 4:
        np.testing.assert_allclose(before[0], expected)


def test_rows_name_the_day_and_leave_out_closed_cells(site):
    made = site().queue("a").queue("b", channel="email")
    cutoff = made.run_date - timedelta(days=7)
    rows = rival_rows(made.histories(), [cutoff], 7, 365, volume_params())
    assert set(rows.loc[rows["queue"] == "a", "slot"]) == set(range(8, 20))
    assert set(rows.loc[rows["queue"] == "b", "slot"]) == set(range(24))
    assert rows["day_on"].min() == pd.Timestamp(cutoff)


def test_last_week_comes_again_and_a_closed_day_gives_way_to_the_rival():
    rates = np.arange(1.0, 11.0)[:, None]  # ten days; the last seven are 4 to 10
    is_day = np.ones(10, dtype=bool)
    is_day[5] = False  # the day of 6
    rival = np.full((9, 1), 99.0)
    expected = [4, 5, 99, 7, 8, 9, 10, 4, 5]
    np.testing.assert_array_equal(last_week(rates, is_day, rival)[:, 0], expected)


def test_last_year_is_the_like_weekday_at_this_years_level():
    """Last year 10 a day but for a peak of 30; this year 15 a day: half as much again."""
    rates = np.full((400, 1), 10.0)
    rates[364:] = 15.0
    rates[400 - 364 + 2] = 30.0  # 52 weeks before the third day ahead
    ahead = last_year(rates, np.ones(400, dtype=bool), np.full((5, 1), 99.0), 28)
    np.testing.assert_allclose(ahead[:, 0], [15, 15, 45, 15, 15])


def test_without_a_year_of_history_last_year_is_the_rival():
    rival = np.full((5, 1), 99.0)
    np.testing.assert_array_equal(last_year(np.ones((200, 1)), np.ones(200, dtype=bool), rival, 28), rival)
    np.testing.assert_array_equal(last_year(np.zeros((0, 1)), np.ones(0, dtype=bool), rival, 28), rival)
