"""Hours in which customers may be called, by hand: Berlin is an hour ahead of London, Shanghai seven of Berlin."""

from datetime import date

import pandas as pd
import pytest

from forestall.outreach.hours import Clock, add_hours, unknown_zones

WINTER, SUMMER = date(2026, 3, 2), date(2026, 7, 1)


def hours(zone, answered=None, on=WINTER, work=(8, 18), calling=(9, 20)):
    people = pd.DataFrame({"time_zone": [zone], "answered_hours": [answered]}, dtype=object)
    row = add_hours(people, Clock(on, "Europe/Berlin", work, calling)).iloc[0]
    return tuple(None if pd.isna(value) else value for value in (row["call_hours"], row["best_hours"]))


@pytest.mark.parametrize(
    ("zone", "answered", "expected"),
    [
        (None, "9,17,19", ("09:00-18:00", "09:00-10:00, 17:00-18:00")),  # at 19 the team has gone
        ("Europe/Berlin", "17,9,10", ("09:00-18:00", "09:00-11:00, 17:00-18:00")),
        ("Europe/London", "9,10", ("09:00-17:00", "09:00-10:00")),  # their 8 is too early, their 9 is our 10
        ("Asia/Shanghai", "9,12", ("15:00-20:00", "16:00-17:00, 19:00-20:00")),
        ("Asia/Kolkata", "9", ("12:30-20:00", "13:30-14:30")),
        ("America/New_York", "16", ("09:00-12:00", "10:00-11:00")),
        ("Pacific/Auckland", "9", (None, None)),  # our 8 to 18 is their 20 to 6
        ("Mars/Olympus", None, ("09:00-18:00", None)),
        ("Europe/Berlin", "", ("09:00-18:00", None)),
    ],
)
def test_by_hand(zone, answered, expected):
    assert hours(zone, answered) == expected


def test_zones_are_as_far_apart_as_on_the_day():
    assert hours("Asia/Shanghai", on=SUMMER)[0] == "14:00-20:00"


def test_a_quarter_of_an_hour_is_no_time_to_call():
    # 4:45 ahead of Berlin: our 9 to 15 is their 13:45 to 19:45
    assert hours("Asia/Kathmandu", work=(9, 15), calling=(0, 14))[0] is None
    assert hours("Asia/Kathmandu", work=(9, 15), calling=(19, 21))[0] == "19:00-19:45"


def test_zones_that_do_not_exist_are_counted():
    people = pd.DataFrame({"time_zone": ["Mars/Olympus", None, "Europe/Berlin", "Mars/Olympus"]})
    assert unknown_zones(people).to_dict() == {"Mars/Olympus": 2}
