"""What would cover an uncovered interval: counted by hand on a day of three agents."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forestall.shifts.plan import plan_shifts
from forestall.shifts.remedies import short_notes
from forestall.shifts.rules import Break, Pattern, Site, StaffingRules
from forestall.shifts.tables import coverage_table, live_contacts

MONDAY, BERLIN = date(2026, 3, 2), ZoneInfo("Europe/Berlin")


def planned(needed, days=1, rest_hours=11, seats=None, **patterns):
    """Two agents; `needed` by hours since Monday 00:00; thirty contacts an hour."""
    starts = pd.date_range(MONDAY, periods=24 * days, freq="h", tz=BERLIN)
    wanted = pd.DataFrame({"queue": "care", "interval_start_at": starts.tz_convert("UTC"), "local_on": starts.date,
                           "agents": [needed.get(hour, 0) for hour in range(24 * days)]})  # fmt: skip
    sites = {"s": Site(most_agents=seats)}
    rules = StaffingRules(step_minutes=30, patterns=patterns, overtime_minutes=60, rest_hours=rest_hours, sites=sites)
    roster = pd.DataFrame({"agent_id": ["a", "b"], "team": "t", "site": "s", "skills": "care", "contract_hours": 40.0,
                           "hired_on": None, "left_on": None})  # fmt: skip
    return plan_shifts(wanted, roster, rules, BERLIN, 3600), rules


def remedy_at(needed, hour, contacts=30.0, **how):
    plan, rules = planned(needed, **how)
    rows, left = coverage_table(plan, rules, np.full((1, 24 * how.get("days", 1)), contacts))
    assert (rows["remedy"].notna() == (rows["short"] > 0)).all()
    assert (left <= plan.short).all()  # no proposal leaves another interval short
    hours = (rows["interval_start_at"] - pd.Timestamp(MONDAY, tz=BERLIN)) / pd.Timedelta(hours=1)
    return rows.loc[hours == hour, "remedy"].iloc[0]


FOUR = Pattern(starts=["08:00"], minutes=240)


def test_who_goes_just_before_could_stay():
    told = remedy_at({8: 2, 12: 1}, 12, four=FOUR)
    assert told == "1 missing; overtime of 1 (1 stay, 0 come earlier, at most 60 min): 0 left"
    assert remedy_at({8: 2, 7: 2}, 7, four=FOUR) == (
        "2 missing; overtime of 2 (0 stay, 2 come earlier, at most 60 min): 0 left"
    )


def test_what_the_rules_allow_is_not_proposed_twice():
    # Both come an hour earlier, and have no overtime left at the end.
    assert remedy_at({7: 2, 8: 2, 12: 1}, 12, four=FOUR) == "1 missing; 1 more with the skill needed"
    # One stays for the hour after, nobody for the next.
    needed = {8: 2, 12: 1, 13: 1}
    assert "0 left" in remedy_at(needed, 12, four=FOUR)
    assert remedy_at(needed, 13, four=FOUR) == "1 missing; 1 more with the skill needed"


def test_overtime_leaves_the_rest_between_shifts_and_the_seats():
    needed = {8: 2, 12: 1, 32: 2}  # 20 hours lie between the shifts of Monday and Tuesday
    assert "0 left" in remedy_at(needed, 12, days=2, rest_hours=19, four=FOUR)
    assert remedy_at(needed, 12, days=2, rest_hours=20, four=FOUR) == "1 missing; 1 more with the skill needed"
    # Whoever stays on Monday cannot come earlier on Tuesday: 18 hours lie between 13 and 7.
    needed = {8: 2, 12: 2, 31: 2, 32: 2}
    assert "overtime of 2" in remedy_at(needed, 12, days=2, rest_hours=18, four=FOUR)
    assert "overtime of 2" in remedy_at(needed, 31, days=2, rest_hours=18, four=FOUR)
    assert (
        remedy_at(needed, 31, contacts=0.0, days=2, rest_hours=19, four=FOUR)
        == "2 missing; 2 more with the skill needed"
    )
    late = {"four": FOUR, "late": Pattern(starts=["12:00"], minutes=240)}
    needed = dict.fromkeys(range(8, 16), 1) | {12: 2}
    assert "0 left" in remedy_at(needed, 12, seats=2, **late)
    assert remedy_at(needed, 12, seats=1, **late) == "1 missing; 1 more with the skill needed"


def test_a_break_is_moved_to_where_nobody_misses_it_and_the_next_one_elsewhere():
    # Both must rest from 9 to 10, when two are needed; at 10 one is to spare, at 11 both are.
    lunch = Pattern(starts=["08:00"], minutes=240, breaks=[Break(minutes=60, earliest=60, latest=60)])
    assert remedy_at({8: 2, 9: 2, 10: 1}, 9, lunch=lunch) == "2 missing; move 2 of 2 breaks: 0 left"
    # At 11 none is to spare: the second break stays where it is.
    assert remedy_at({8: 2, 9: 2, 10: 1, 11: 2}, 9, lunch=lunch) == (
        "2 missing; move 1 of 2 breaks: 1 left; 1 more with the skill needed"
    )


def test_callbacks_are_counted_and_take_the_people_who_are_to_spare():
    # A third of thirty contacts is called back at 9, when one of two is to spare; then nobody is for those of 9.
    assert remedy_at({8: 3, 9: 1, 10: 2, 11: 2}, 8, four=FOUR) == (
        "1 missing; offer about 10 callbacks at 09:00: 0 left"
    )
    # Of four needed two are missing: one is made up for at 9 and one at 11.
    assert remedy_at({8: 4, 9: 1, 10: 2, 11: 1}, 8, four=FOUR) == (
        "2 missing; offer about 15 callbacks at 09:00, 11:00: 0 left"
    )
    # Of 10 nothing is left for 9 once the one to spare is taken.
    assert remedy_at({8: 3, 9: 3, 10: 1, 11: 2}, 9, four=FOUR) == "1 missing; 1 more with the skill needed"
    assert remedy_at({8: 3, 9: 1}, 8, contacts=0.0, four=FOUR) == "1 missing; 1 more with the skill needed"


def test_where_nobody_is_near_people_are_missing():
    assert remedy_at({3: 2, 9: 1}, 3, contacts=0.0, four=FOUR) == "2 missing; 2 more with the skill needed"


def test_contacts_of_a_group_stand_in_their_interval():
    plan, _ = planned({8: 2}, four=FOUR)
    at = pd.to_datetime(["2026-03-02 07:00", "2026-03-02 07:00", "2026-03-02 08:00", "2026-03-03 08:00"], utc=True)
    rows = pd.DataFrame({"queue_group": ["care", "care", "other", "care"], "interval_start_at": at,
                         "contacts": [3.0, 4.0, 9.0, 9.0]})  # fmt: skip
    assert live_contacts(plan, rows).nonzero() == (0, 8)
    assert live_contacts(plan, rows)[0, 8] == 7


def test_the_night_says_how_much_when_most_and_what_would_remain():
    plan, rules = planned({3: 2, 8: 2, 12: 1}, four=FOUR)
    _, left = coverage_table(plan, rules, np.zeros((1, 24)))
    assert short_notes(plan, left) == [
        "care: shifts leave 3.0 of 5.0 agent hours uncovered, at most 2 agents (Mon 2026-03-02 03:00, "
        "Mon 2026-03-02 12:00); shift_coverage.remedy says what would cover them, and 2.0 would remain"
    ]
