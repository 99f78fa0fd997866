from datetime import date

import pandas as pd
import pytest

from features.calendar import Calendar
from models.volume.marks import day_marks, event_mark, in_words
from models.volume.params import volume_params

PARAMS = volume_params().daily
NO_EVENTS = pd.DataFrame(columns=["name", "starts_on", "ends_on", "queues", "known_on"])
OFFICE = Calendar.model_validate(
    {"default": {"hours": {"default": "08:00-20:00", "saturday": "closed", "sunday": "closed"}},
     "holidays": {"country": "DE"}}
)  # fmt: skip


def marks_on(on, events=NO_EVENTS, queue="q", calendar=OFFICE):
    days = calendar.days(queue, date(2026, 4, 1), date(2027, 1, 31))
    marks = day_marks(days, events, queue, PARAMS)
    return set(marks.loc[marks["ds"] == pd.Timestamp(on), "holiday"])


def event(**values):
    return pd.DataFrame([{"name": "campaign", "starts_on": date(2026, 6, 9), "ends_on": None, "queues": None,
                          "known_on": date(2026, 6, 1), **values}])  # fmt: skip


def test_days_around_a_day_off_share_their_effect():
    assert "after: 1" in marks_on("2026-05-15")  # Ascension Day is the 14th
    assert "after: 1" in marks_on("2026-05-26")  # Whit Monday is the 25th
    assert "before: 1" in marks_on("2026-05-13")
    assert "bridge: day" in marks_on("2026-05-15")


def test_a_holiday_keeps_its_name():
    assert "holiday: Pentecost Monday" in marks_on("2026-05-25")


def test_the_working_days_of_a_month_count_from_both_ends():
    assert marks_on("2026-07-01") == {"month: first 1"}
    assert marks_on("2026-07-03") == {"month: first 3"}
    assert marks_on("2026-07-31") == {"month: last 1"}
    assert marks_on("2026-07-04") == set()  # a Saturday
    assert marks_on("2026-07-15") == set()


def test_the_days_around_new_year():
    assert "year end: between" in marks_on("2026-12-29")
    assert {"year end: 24"} <= marks_on("2026-12-24")
    assert "year end: between" not in marks_on("2026-12-31")


def test_an_event_marks_its_days_and_those_after():
    events = event(ends_on=date(2026, 6, 10))
    assert "event: campaign" in marks_on("2026-06-09", events)
    assert "event: campaign" in marks_on("2026-06-10", events)
    assert "event: campaign after 1" in marks_on("2026-06-11", events)
    assert "event: campaign after 3" in marks_on("2026-06-13", events)
    assert marks_on("2026-06-14", events) == set()
    assert marks_on("2026-06-08", events) == set()


def test_an_event_without_a_date_marks_nothing_and_takes_nothing_from_the_others():
    dated = pd.DataFrame(
        {"name": ["run", "lost"], "starts_on": pd.to_datetime(["2025-03-04", None]), "ends_on": pd.NaT, "queues": "",
         "known_on": pd.NaT}
    )  # fmt: skip
    days = OFFICE.days("a", date(2025, 3, 3), date(2025, 3, 9))
    named = day_marks(days, dated, "a", PARAMS)["holiday"]
    assert "event: run" in set(named)
    assert not named.str.contains("lost").any()


def test_an_event_is_felt_by_the_queues_that_it_names():
    assert "event: campaign" in marks_on("2026-06-09", event(queues="a, q"))
    assert "event: campaign" not in marks_on("2026-06-09", event(queues="a,quality"))
    assert "event: campaign" in marks_on("2026-06-09", event(queues=""))


def test_an_open_queue_without_holidays_has_no_marks_but_the_months():
    kinds = day_marks(Calendar().days("q", date(2026, 4, 1), date(2026, 11, 30)), NO_EVENTS, "q", PARAMS)["holiday"]
    assert set(kinds.str.split(":").str[0]) == {"month"}


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("holiday: Good Friday", "Good Friday"),
        ("after: 1", "1st open day after a day off"),
        ("before: 2", "2nd open day before a day off"),
        ("bridge: day", "bridge day"),
        ("month: first 3", "3rd working day of a month"),
        ("month: last 1", "1st from a month's end"),
        ("year end: 24", "24 December"),
        ("year end: between", "25 to 30 December"),
        (event_mark("sale"), "sale"),
        (event_mark("sale", 2), "sale, 2nd day after"),
        (event_mark("care after sales"), "care after sales"),
    ],
)
def test_marks_in_words(mark, words):
    assert in_words(mark) == words
