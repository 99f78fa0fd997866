from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from features.calendar import Calendar
from models.volume.history import Grid, build_histories

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("on", "intervals", "slot", "expected"),
    [
        (date(2026, 3, 28), 48, 4, 1),
        (date(2026, 3, 29), 46, 4, 0),  # 02:00 does not exist
        (date(2026, 10, 25), 50, 4, 2),  # 02:00 comes twice
    ],
)
def test_days_have_the_intervals_that_clocks_give_them(on, intervals, slot, expected):
    grid = Grid(on, 1, 30, BERLIN)
    assert len(grid.instants) == intervals
    assert grid.multiplicity[0, slot] == expected
    assert grid.multiplicity.sum() == intervals
    assert grid.local[0].hour == 0


def test_instants_find_their_cells_across_zones_and_clock_changes():
    grid = Grid(date(2026, 3, 28), 3, 30, BERLIN)
    at = pd.DatetimeIndex(["2026-03-28 07:00", "2026-03-30 06:00", "2026-03-27 22:59"], tz="UTC")
    assert list(grid.cells_of(at)) == [16, 2 * 48 + 16, -1 * 48 + 47]


@pytest.mark.parametrize(
    ("zone", "minutes", "first_at"),
    [
        ("Asia/Kolkata", 60, "2026-01-04 18:30"),
        ("Asia/Kathmandu", 30, "2026-01-04 18:15"),
        ("Asia/Kathmandu", 60, "2026-01-04 18:15"),
        ("Australia/Adelaide", 60, "2026-01-04 13:30"),
    ],
)
def test_in_zones_off_the_full_hour_intervals_are_counted_from_midnight(zone, minutes, first_at):
    grid = Grid(date(2026, 1, 5), 2, minutes, ZoneInfo(zone))
    assert grid.instants[0] == pd.Timestamp(first_at, tz="UTC")
    minute_of_day = grid.local.hour * 60 + grid.local.minute
    assert list(minute_of_day) == 2 * list(range(0, 24 * 60, minutes))
    assert list(grid.cells) == list(range(2 * 24 * 60 // minutes))


def test_a_day_begins_at_its_own_midnight_also_after_half_an_hour_more_or_none_at_all():
    lord_howe = Grid(date(2026, 4, 5), 2, 60, ZoneInfo("Australia/Lord_Howe"))  # a day of 24 hours and a half
    assert list(lord_howe.local[[0, 25]].strftime("%d %H:%M")) == ["05 00:00", "06 00:00"]
    assert len(lord_howe.instants) == 25 + 24
    sao_paulo = Grid(date(2018, 11, 4), 1, 30, ZoneInfo("America/Sao_Paulo"))  # the day began at 01:00
    assert len(sao_paulo.instants) == 46


def test_a_series_is_what_was_known_on_the_morning(site):
    at = pd.Timestamp("2026-03-03 09:00", tz="UTC")
    changes = pd.DataFrame(
        {
            "queue": "a", "channel": "phone", "interval_start_at": [at, at, at],
            "known_on": pd.to_datetime(["2026-03-04", "2026-03-05", "2026-03-09"]),
            "contacts": [10, 3, -4], "handled_count": [9, 3, -4], "handle_time_s": [900, 300, -400],
        }
    )  # fmt: skip
    history = build_histories(changes, Grid(date(2026, 3, 2), 10, 30, BERLIN), Calendar())["a"]
    assert history.as_of(date(2026, 3, 3)).contacts.sum() == 0
    assert history.as_of(date(2026, 3, 4)).contacts[1, 20] == 10
    assert history.as_of(date(2026, 3, 5)).contacts[1, 20] == 13  # a late row
    assert history.as_of(date(2026, 3, 9)).contacts[1, 20] == 9  # a correction
    assert history.as_of(date(2026, 3, 9)).handle_s.sum() == 800
    assert history.as_of(date(2026, 3, 9)).contacts.shape == (7, 48)


def test_live_channels_accept_while_open_and_the_rest_always(site):
    made = site().queue("phone", channel="phone").queue("mail", channel="email").histories()
    assert made["phone"].accepts.sum() < made["mail"].accepts.sum()
    assert (made["phone"].accepts == made["phone"].is_open).all()
    assert made["mail"].accepts.sum() == (made["mail"].grid.multiplicity > 0).sum()
    assert not made["mail"].is_open.all()


def test_contacts_outside_opening_hours_are_counted_apart(site):
    late = pd.DataFrame(
        {"queue": "a", "channel": "phone", "interval_start_at": [pd.Timestamp("2025-03-04 21:00", tz="UTC")],
         "known_on": [pd.Timestamp("2025-03-05")], "contacts": [7], "handled_count": [7], "handle_time_s": [70]}
    )  # fmt: skip
    made = site().queue("a")
    history = build_histories(pd.concat([made.changes(), late]), made.grid, made.calendar)["a"]
    series = history.as_of(made.run_date)
    assert series.outside == 7
    assert np.isclose(
        series.contacts.sum() + 7, made.changes().query("known_on <= @made.run_date")["contacts"].sum() + 7
    )
