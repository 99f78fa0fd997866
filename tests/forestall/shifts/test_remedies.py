"""What would cover an uncovered interval: counted by hand on a day of three agents."""

from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd

from forestall.shifts.plan import plan_shifts
from forestall.shifts.remedies import short_notes
from forestall.shifts.rules import Break, Pattern, StaffingRules
from forestall.shifts.tables import coverage_table

MONDAY, BERLIN = date(2026, 3, 2), ZoneInfo("Europe/Berlin")


def planned(needed, **patterns):
    starts = pd.date_range(MONDAY, periods=24, freq="h", tz=BERLIN)
    wanted = pd.DataFrame({"queue": "care", "interval_start_at": starts.tz_convert("UTC"), "local_on": MONDAY,
                           "agents": [needed.get(hour, 0) for hour in range(24)]})  # fmt: skip
    rules = StaffingRules(step_minutes=30, patterns=patterns, overtime_minutes=60)
    roster = pd.DataFrame({"agent_id": ["a", "b"], "team": "t", "site": "s", "skills": "care", "contract_hours": 40.0,
                           "hired_on": None, "left_on": None})  # fmt: skip
    plan = plan_shifts(wanted, roster, rules, BERLIN, 3600)
    return plan, rules


def remedy_at(needed, hour, is_live=True, **patterns):
    plan, rules = planned(needed, **patterns)
    rows = coverage_table(plan, rules, [is_live])
    local = rows["interval_start_at"].dt.tz_convert(BERLIN).dt.hour
    assert (rows["remedy"].notna() == (rows["short"] > 0)).all()
    return rows.loc[local == hour, "remedy"].iloc[0]


def test_who_goes_just_before_could_stay():
    told = remedy_at({8: 2, 12: 1}, 12, four=Pattern(starts=["08:00"], minutes=240))
    assert told == "overtime of 1 (2 could stay, 0 could come earlier, within 60 min)"


def test_a_break_could_be_moved_and_callbacks_made_later():
    # Both must rest from 9 to 10, when two are needed; at 10 one is to spare, at 11 both are, which two callbacks take.
    lunch = Pattern(starts=["08:00"], minutes=240, breaks=[Break(minutes=60, earliest=60, latest=60)])
    told = remedy_at({8: 2, 9: 2, 10: 1}, 9, lunch=lunch)
    assert told == "move 2 of 2 breaks; or offer callbacks at 11:00, when 2 more are there than required"
    assert remedy_at({8: 2, 9: 2, 10: 1}, 9, is_live=False, lunch=lunch) == "move 2 of 2 breaks"


def test_where_nobody_is_near_people_are_missing():
    told = remedy_at({3: 2, 8: 1}, 3, is_live=False, four=Pattern(starts=["08:00"], minutes=240))
    assert told == "2 more with the skill: nobody is near, on a break or free"


def test_the_night_says_how_much_and_when_most():
    plan, _ = planned({3: 2, 8: 1}, four=Pattern(starts=["08:00"], minutes=240))
    assert short_notes(plan) == [
        "care: shifts leave 2.0 of 3.0 agent hours uncovered, at most 2 agents (Mon 2026-03-02 03:00); "
        "shift_coverage.remedy says what would cover them"
    ]
