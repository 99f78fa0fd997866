"""A week's list is worked over its working days, in its order."""

from datetime import date

import pandas as pd

from forestall.simulation.nights import days_of


def test_each_working_day_has_as_many_minutes() -> None:
    minutes = pd.Series([12.0, 8, 20, 10, 10, 20, 5, 15])
    days = days_of(minutes, date(2026, 3, 2))
    assert days == [date(2026, 3, day) for day in (2, 2, 3, 4, 4, 5, 6, 6)]
    assert days_of(minutes.head(0), date(2026, 3, 2)) == []
