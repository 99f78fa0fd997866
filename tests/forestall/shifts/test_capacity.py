"""Capacity by hand: hours beyond the requirement, heads that leave, and when to begin to search."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from forestall.shifts.capacity import attrition_of, daily_hours, heads_there, plan_hires
from forestall.shifts.rules import CapacityRules

MONDAY = date(2026, 3, 2)


def requirement(days=28):
    on = [MONDAY + timedelta(days=day) for day in range(days)]
    return pd.DataFrame({"queue": "care", "local_on": on, "agents": [10 + day.weekday() for day in on],
                         "contacts": 50.0})  # fmt: skip


def test_beyond_the_requirement_like_weekdays_go_on():
    hours = daily_hours(requirement(), 0.5, MONDAY, None).set_index("local_on")
    assert len(hours) == 364
    assert hours.loc["2026-03-04", ["hours", "basis"]].tolist() == [6.0, "requirement"]
    assert hours.loc["2026-12-02", ["hours", "basis"]].tolist() == [6.0, "like_weeks"]


def test_where_days_are_forecast_they_go_before():
    days = pd.DataFrame({"queue": "care", "local_on": [date(2026, 12, 2), MONDAY], "contacts": [100.0, 999.0]})
    hours = daily_hours(requirement(), 0.5, MONDAY, days).set_index("local_on")
    # 28 days: (10 + 3) / 2 hours on the mean day for 50 contacts; 100 contacts are twice as many.
    assert hours.loc["2026-12-02", "hours"] == pytest.approx(13.0)
    assert hours.loc["2026-12-02", "basis"] == "forecast"
    assert hours.loc["2026-03-02", ["hours", "basis"]].tolist() == [5.0, "requirement"]


def test_attrition_is_what_left_over_who_was_there():
    agents = pd.DataFrame({
        "hired_on": [date(2020, 1, 1)] * 3 + [date(2025, 9, 1)], "left_on": [date(2025, 12, 1), None, None, None],
    })  # fmt: skip
    # Three a year ago, three now, one gone.
    share, source = attrition_of(agents, MONDAY, CapacityRules())
    assert share == pytest.approx(1 / 3)
    assert source == "the roster's last 365 days"
    assert attrition_of(agents, MONDAY, CapacityRules(attrition_a_year=0.2)) == (0.2, "staffing.yml")


def test_who_serves_two_groups_is_divided_by_their_need():
    agents = pd.DataFrame({"hired_on": [None, None], "left_on": [None, MONDAY + timedelta(days=9)],
                           "contract_hours": [40.0, 20.0]})  # fmt: skip
    weeks = [MONDAY + timedelta(weeks=week) for week in range(3)]
    there = heads_there(agents, np.array([[True, True], [False, True]]), np.array([30.0, 10.0]), weeks, 0.0, 40.0)
    assert there.tolist() == [[0.75, 0.75, 0.75], [0.75, 0.75, 0.25]]


def test_hires_come_in_time_and_not_for_a_peak():
    required = np.full(20, 10.0)
    required[12:] = 12.0
    required[8] = 30.0  # a peak of one week
    rules = CapacityRules(hiring_lead_weeks=3, training_weeks=2, peak_weeks=2)
    plan = plan_hires(required, np.full(20, 10.0), 0.0, rules)
    assert np.flatnonzero(plan["hires_to_search"]).tolist() == [7]
    assert np.flatnonzero(plan["hires_to_start"]).tolist() == [10]
    assert plan["hires_to_search"][7] == 2
    assert plan["heads_short"].tolist() == [20.0 if week == 8 else 0.0 for week in range(20)]


def test_what_is_too_near_stays_short_and_attrition_is_replaced():
    rules = CapacityRules(hiring_lead_weeks=3, training_weeks=1, peak_weeks=1)
    plan = plan_hires(np.full(60, 11.0), np.full(60, 10.0), 0.5, rules)
    assert plan["heads_short"][:4].tolist() == [1.0] * 4
    assert (plan["heads_short"][4:] <= 1e-9).all()
    assert plan["hires_to_search"].sum() > 1
