from datetime import date

import pandas as pd
import pytest
from pydantic import ValidationError

from features.calendar import FAR_DAYS, Calendar, parse_hours
from forestall.reviewed import load_reviewed
from forestall.settings import ConfigError

OFFICE = {"default": {"hours": {"default": "08:00-20:00", "saturday": "09:00-12:00, 13:00-16:00", "sunday": "closed"}}}


def calendar(**more):
    return Calendar.model_validate({**OFFICE, "holidays": {"country": "DE", "subdivision": "SN"}, **more})


def opening(made, queue, on, at, zone="Europe/Berlin", minutes=30):
    return made.is_open(queue, pd.DatetimeIndex([pd.Timestamp(f"{on} {at}", tz=zone)]), minutes)[0]


@pytest.mark.parametrize(
    ("on", "at", "expected"),
    [
        ("2026-03-02", "07:30", False),  # a Monday, before opening
        ("2026-03-02", "08:00", True),
        ("2026-03-02", "19:30", True),
        ("2026-03-02", "20:00", False),
        ("2026-03-07", "12:00", False),  # a Saturday at noon: the break
        ("2026-03-07", "13:00", True),
        ("2026-03-08", "10:00", False),  # a Sunday
        ("2026-04-03", "10:00", False),  # Good Friday
        ("2026-11-18", "10:00", False),  # Day of Repentance, in Saxony only
    ],
)
def test_a_queue_is_open_by_weekday_and_holiday(on, at, expected):
    assert opening(calendar(), "any", on, at) == expected


def test_an_interval_that_is_partly_open_is_open():
    made = Calendar.model_validate({"default": {"hours": "08:15-20:00"}})
    assert opening(made, "q", "2026-03-02", "08:00", minutes=30)
    assert not opening(made, "q", "2026-03-02", "08:00", minutes=15)


def test_opening_hours_are_wall_clock_time_on_both_sides_of_a_clock_change():
    made = calendar()
    for on, utc_hour in (("2026-03-28", 8), ("2026-03-30", 6)):  # 09:00 before and 08:00 after the change, in UTC
        local = pd.DatetimeIndex([pd.Timestamp(f"{on} {utc_hour:02d}:00", tz="UTC")]).tz_convert("Europe/Berlin")
        assert made.is_open("q", local, 30)[0]
        assert not made.is_open("q", local - pd.Timedelta(minutes=30), 30)[0]


def test_a_queue_of_its_own_has_its_own_hours_country_and_holidays():
    made = calendar(
        queues={"vienna": {"hours": "10:00-12:00", "country": "AT"}, "night": {"is_closed_on_holidays": False}}
    )
    assert not opening(made, "vienna", "2026-10-26", "10:00")  # Austria's national day
    assert opening(made, "other", "2026-10-26", "10:00")
    assert opening(made, "vienna", "2026-11-18", "10:00")  # Saxony's holiday is none of Austria's
    assert opening(made, "night", "2026-12-25", "03:00")


def test_closures_and_special_hours_hold_for_the_queues_they_name():
    closures = [
        {"starts_on": "2026-03-02", "ends_on": "2026-03-03", "queues": ["a"]},
        {"starts_on": "2026-03-04", "hours": "08:00-10:00"},
    ]
    made = calendar(closures=closures)
    assert not opening(made, "a", "2026-03-03", "10:00")
    assert opening(made, "b", "2026-03-03", "10:00")
    assert not opening(made, "b", "2026-03-04", "10:00")
    assert opening(made, "b", "2026-03-04", "09:30")


def test_days_around_days_off_and_bridge_days():
    days = calendar().days("q", date(2026, 5, 11), date(2026, 5, 20))  # Ascension Day is Thursday the 14th
    assert days.loc["2026-05-14", "holiday"] != ""
    assert days.loc["2026-05-14", "is_off"]
    assert days.loc["2026-05-13", "open_days_before_off"] == 1
    assert days.loc["2026-05-12", "open_days_before_off"] == 2
    assert days.loc["2026-05-15", "open_days_after_off"] == 1
    assert days.loc["2026-05-16", "open_days_after_off"] == 2
    assert days.loc["2026-05-18", "open_days_after_off"] == 3  # Sunday is no open day
    assert days.loc["2026-05-17", "open_days_after_off"] == FAR_DAYS
    assert not days["is_bridge"].any()  # Friday is followed by an open Saturday

    five_days = Calendar.model_validate(
        {"default": {"hours": {"default": "08:00-20:00", "saturday": "closed", "sunday": "closed"}},
         "holidays": {"country": "DE"}}
    )  # fmt: skip
    bridges = five_days.days("q", date(2026, 5, 1), date(2026, 5, 31)).query("is_bridge").index
    assert list(bridges.strftime("%m-%d")) == ["05-15"]


def test_an_ordinary_holiday_and_the_sites_own():
    rules = {"country": "US", "open_on": ["columbus"], "also": {"2026-03-03": "Founder's Day"}}
    made = Calendar.model_validate({**OFFICE, "holidays": rules})
    days = made.days("q", date(2026, 1, 1), date(2026, 12, 31))
    assert not days.loc["2026-10-12", "is_off"]
    assert days.loc["2026-03-03", "holiday"] == "Founder's Day"
    assert not opening(made, "q", "2026-03-03", "10:00")


def test_without_a_file_everything_is_open_and_no_day_is_off(tmp_path):
    made = load_reviewed(tmp_path / "calendar.yml", Calendar)
    assert opening(made, "q", "2026-12-25", "03:00")
    assert not made.days("q", date(2026, 1, 1), date(2026, 12, 31))["is_off"].any()


def test_the_companys_country_fills_in_where_the_file_names_none():
    assert not opening(Calendar.model_validate(OFFICE).in_country("DE", "SN"), "q", "2026-11-18", "10:00")
    assert opening(calendar().in_country("US"), "q", "2026-07-03", "10:00")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("default:\n  hours:\n    mondey: 08:00-20:00\n", r"calendar.yml:\d: default.hours: `mondey`.*meant monday"),
        ("default:\n  hours: 20:00-08:00\n", "does not end after it starts"),
        ("default:\n  hours: eight\n", "neither `closed` nor hours"),
        ("holidays:\n  country: DK_\n", "is no country"),
        ("queues:\n  q:\n    country: DE\n    subdivision: XX\n", "`XX` is no part of DE; known: .*SN"),
        ("closures:\n  - starts_on: 2026-03-02\n    ends_on: 2026-03-01\n", "before it starts"),
        ("opening: all\n", "opening: there is no such key"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path, text, told):
    path = tmp_path / "calendar.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_reviewed(path, Calendar)


def test_hours_of_the_docstring():
    assert parse_hours("08:00-12:00, 13:00-18:00") == ((480, 720), (780, 1080))
    assert parse_hours("00:00-24:00") == ((0, 1440),)


def test_a_calendar_cannot_be_changed():
    with pytest.raises(ValidationError):
        calendar().closures = ()
