from datetime import timedelta

import numpy as np
import pandas as pd

from models.volume.params import volume_params
from models.volume.rivals import four_like_weekdays, rival_at, rival_rows

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
