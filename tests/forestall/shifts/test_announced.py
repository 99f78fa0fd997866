"""Announced shifts: they stay, to the quarter of an hour, and what they no longer cover is told."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forestall.shifts.announced import Announced, announced
from forestall.shifts.plan import plan_shifts
from forestall.shifts.rules import Absence, Break, Pattern, StaffingRules
from forestall.shifts.tables import shift_table

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 23)  # clocks change on the Sunday of this week
HOUR = 60
KEYS = {f"p{at}": f"a{at}" for at in range(6)}


def need(count, first=MONDAY, days=14, hours=range(8, 14)):
    """So many agents in these local hours of each day."""
    instants = [
        (on, pd.Timestamp(on, tz=BERLIN).replace(hour=hour))
        for on in (first + timedelta(days=day) for day in range(days)) for hour in hours
    ]  # fmt: skip
    return pd.DataFrame({
        "queue": "care", "interval_start_at": pd.DatetimeIndex([at for _, at in instants]).tz_convert("UTC"),
        "local_on": [on for on, _ in instants], "agents": count,
    })  # fmt: skip


def agents(count, skills="care"):
    return pd.DataFrame({"agent_id": [f"a{at}" for at in range(count)], "team": "floor", "site": "here",
                         "skills": skills, "contract_hours": 40.0, "hired_on": None, "left_on": None})  # fmt: skip


def rules(**given):
    lunch = Break(minutes=30, earliest=120, latest=180)
    full = Pattern(starts=[8 * HOUR], minutes=6 * HOUR, breaks=[lunch])
    return StaffingRules(
        **({"step_minutes": 30, "days_a_week": 7, "days_in_a_row": 14, "patterns": {"full": full}} | given)
    )


def plan(requirement, roster, given, kept=None):
    return plan_shifts(requirement, roster, given, BERLIN, 3600, kept)


def published(found):
    busy = np.full((len(found.groups), found.grid.day_start[-1] // 2), 0.5)
    return shift_table(found, busy, lambda agent: agent.replace("a", "p"))


def of_days(found, days):
    rows = found.shifts[found.shifts["local_on"].isin(days)]
    return sorted(zip(rows["local_on"], rows["slot"], rows["first"], rows["last"], rows["breaks"], strict=True))


def test_announced_weeks_stay_and_later_ones_follow_the_need():
    first = plan(need(2), agents(4), rules())
    kept = announced(published(first), MONDAY, MONDAY, 1, KEYS)
    second = plan(need(4), agents(4), rules(), kept)
    this_week = [MONDAY + timedelta(days=day) for day in range(7)]
    assert of_days(second, this_week) == of_days(first, this_week)
    assert len(of_days(second, this_week)) >= 14
    by_day = second.shifts.groupby("local_on").size()
    assert by_day[MONDAY + timedelta(days=7)] > by_day[MONDAY]
    # What the announced shifts do not cover by now is short, and bound and cost know it.
    assert second.short[0, : second.grid.day_start[7]].sum() > 0
    assert second.cost >= second.bound > 0


def test_days_that_have_passed_are_gone_and_a_week_that_was_not_planned_to_its_end_is_not_announced():
    last = published(plan(need(1, days=10), agents(2), rules()))
    wednesday = MONDAY + timedelta(days=2)
    kept = announced(last, MONDAY, wednesday, 3, KEYS)
    assert kept.until == MONDAY + timedelta(days=7)  # ten days were planned: the second week only to its Wednesday
    assert min(kept.rows["local_on"]) == wednesday
    assert kept.keeps([wednesday])
    assert not kept.keeps([wednesday, MONDAY + timedelta(days=7)])
    assert announced(last, MONDAY, wednesday, 1, KEYS).until == MONDAY + timedelta(days=7)


def test_a_shift_whose_agent_has_left_is_open_and_it_is_said():
    first = plan(need(2), agents(2), rules())
    kept = announced(published(first), MONDAY, MONDAY, 1, KEYS)
    second = plan(need(2), agents(1), rules(), kept)
    monday = second.shifts[second.shifts["local_on"] == MONDAY]
    assert monday["is_assigned"].sum() == 1
    assert monday.loc[~monday["is_assigned"], "slot"].str.startswith("open care").all()
    assert any("announced shifts of the week of 2026-03-23 have lost their agent" in note for note in second.notes)
    assert second.short[0, 16] == 1
    unskilled = plan(need(2), agents(2, skills=["care", "mail"]), rules(), kept)
    assert unskilled.shifts.loc[unskilled.shifts["local_on"] == MONDAY, "is_assigned"].sum() == 1


def test_announced_shifts_of_a_group_that_is_no_more_are_told():
    first = plan(need(2), agents(2), rules())
    kept = announced(published(first).assign(queue_group="sales"), MONDAY, MONDAY, 1, KEYS)
    second = plan(need(2), agents(2), rules(), kept)
    assert (second.shifts["local_on"] >= MONDAY + timedelta(days=7)).all()
    assert any("are left out: nobody is required for sales any more" in note for note in second.notes)


def test_an_absence_that_came_to_light_opens_the_shift():
    first = plan(need(2), agents(2), rules())
    kept = announced(published(first), MONDAY, MONDAY, 1, KEYS)
    away = Absence(agent="a0", from_on=MONDAY, to_on=MONDAY)
    found = plan(need(2), agents(2), rules(absences=[away]), kept).shifts
    monday, tuesday = (found[found["local_on"] == MONDAY + timedelta(days=day)] for day in (0, 1))
    assert monday.loc[monday["is_assigned"], "slot"].tolist() == ["a1"]
    assert tuesday["is_assigned"].sum() == 2


def test_what_an_announced_week_costs_is_its_hours_and_what_it_leaves_uncovered():
    first = plan(need(2, days=7), agents(4), rules())
    second = plan(need(3, days=7), agents(4), rules(), announced(published(first), MONDAY, MONDAY, 1, KEYS))
    assert second.paid_h == first.paid_h == first.shifts["paid_h"].sum()
    uncovered = second.short.sum() * second.grid.step_s / 3600
    assert uncovered > first.short.sum() * second.grid.step_s / 3600
    assert second.cost == second.bound == second.paid_h + rules().short_cost * uncovered


def test_whoever_worked_the_announced_sunday_night_rests_before_a_new_shift():
    night = Pattern(starts=[20 * HOUR], minutes=8 * HOUR)
    early = Pattern(starts=[6 * HOUR], minutes=4 * HOUR)
    both = rules(step_minutes=30, patterns={"night": night, "early": early}, rest_hours=11)
    late = need(1, days=7, hours=range(20, 24))
    first = plan(late, agents(2), both)
    sunday = MONDAY + timedelta(days=6)
    worker = first.shifts.loc[first.shifts["local_on"] == sunday, "slot"].iloc[0]
    kept = announced(published(first), MONDAY, sunday, 1, KEYS)
    monday = MONDAY + timedelta(days=7)
    more = pd.concat(
        [need(1, first=sunday, days=1, hours=range(20, 24)), need(1, first=monday, days=1, hours=range(6, 10))]
    )
    second = plan(more, agents(2), both, kept)
    assert of_days(second, [sunday])[0][1] == worker
    early_birds = second.shifts.loc[second.shifts["local_on"] == monday, "slot"]
    assert len(early_birds) == 1
    assert worker not in set(early_birds)


def test_breaks_after_midnight_come_back_where_they_were():
    night = Pattern(starts=[22 * HOUR], minutes=8 * HOUR, breaks=[Break(minutes=30, earliest=180, latest=240)])
    given = rules(patterns={"night": night})
    first = plan(need(1, days=7, hours=(22, 23)), agents(3), given)
    assert first.on_break.sum() > 0
    second = plan(
        need(1, days=7, hours=(22, 23)), agents(3), given, announced(published(first), MONDAY, MONDAY, 1, KEYS)
    )
    assert of_days(second, first.grid.days) == of_days(first, first.grid.days)
    assert (second.on_break == first.on_break).all()


def test_a_break_in_the_hour_that_comes_twice_comes_back_as_long_as_it_was():
    saturday = date(2026, 10, 24)
    # Breaks 4 and 5 hours after 22:00: both times the clock shows 02:00 to 02:30.
    for after in (240, 270, 300):
        rest = Break(minutes=30, earliest=after, latest=after)
        given = rules(patterns={"night": Pattern(starts=[22 * HOUR], minutes=8 * HOUR, breaks=[rest])})
        wanted = need(1, first=saturday, days=2, hours=(22, 23))
        first = plan(wanted, agents(2), given)
        kept = announced(published(first), saturday, saturday, 2, KEYS)
        kept = Announced(kept.rows, saturday + timedelta(days=2))
        second = plan(wanted, agents(2), given, kept)
        assert [last - begin for row in first.shifts["breaks"] for begin, last in row] == [1, 1]
        assert of_days(second, first.grid.days) == of_days(first, first.grid.days)


def test_without_a_roster_slots_stay_covered():
    nobody = agents(0)
    first = plan(need(2), nobody, rules())
    second = plan(need(2), nobody, rules(), announced(published(first), MONDAY, MONDAY, 1, {}))
    assert second.shifts["is_assigned"].all()
    assert second.short.sum() == 0
    assert second.cost == first.cost
