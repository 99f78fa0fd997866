"""Outreach lived through beside contacts: days whose outcome is plain, and the table by hand."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forestall.sections import ServiceLevelSettings
from forestall.shifts.grid import grid_of
from forestall.shifts.lived import BOTH, DRAWS, FIRM, KNOWING, NONE, came_in, live_beside, summary
from forestall.shifts.plan import ShiftPlan
from forestall.shifts.quiet import Calling
from forestall.shifts.service import Losses, QueueLoad
from forestall.staffing.standards import Standards

MONDAY, BERLIN = date(2026, 3, 2), ZoneInfo("Europe/Berlin")
NINE, NOON = 18, 24  # intervals of half an hour


def lived(agents, required, contacts, channel="phone", idle_agents=None, knowing=0.0, days=(MONDAY,), ahead=0):
    """From nine to twelve, so many on duty and required, so many contacts each half hour; calls of half an hour."""
    grid = grid_of(days, BERLIN, 1800, 30)
    at = np.array([grid.local_step(day, 9 * 60) + step for day in range(len(days)) for step in range(NOON - NINE)])
    planned, need = np.zeros((2, 1, grid.steps), int)
    planned[0, at], need[0, at] = agents, required
    plan = ShiftPlan(grid, ("care",), pd.DataFrame(), need, planned, need * 0, 0.0, 0.0, 0.0, ())
    starts = grid.instant(at)
    usable = pd.DataFrame({
        "queue_group": "care", "interval_start_at": starts, "answers_ahead": pd.Series(ahead, range(len(at)), "Int64"),
        "idle_agents": pd.Series(idle_agents, range(len(at)), "Int64"),
    })  # fmt: skip
    rows = pd.DataFrame(
        {
            "queue": "care",
            "interval_start_at": starts,
            "came": np.tile(contacts, len(at) // np.size(contacts)),
            "needed": knowing,
        }
    )
    nothing, queues_of = np.zeros(grid.day_start[-1]), {"care": ["care"]}
    standard = Standards().for_queue("care", channel)
    loads = {"care": QueueLoad(standard, 1e6, nothing, nothing, np.zeros((len(nothing), 7)), nothing + 60)}
    return live_beside(
        plan, usable, queues_of, loads, came_in(plan, rows, queues_of), Losses(0, 0), ServiceLevelSettings(),
        Calling((8, 20), 30, 1), 5,
    ).groupby("way")  # fmt: skip


def minutes(found):
    return found["minutes"].mean().to_dict()


def test_agents_nobody_needs_do_outreach_all_the_time():
    # Ten for one call of a minute each half hour; two are required, so eight are firm: 8 x 180 min.
    found = lived(agents=10, required=2, contacts=1)
    told = minutes(found)
    assert told[NONE] == 0
    assert told[FIRM] == 8 * 180
    assert told[BOTH] == told[FIRM]  # nothing was published of quiet minutes
    # Whoever knows that no more than one or two calls come at once leaves as many on the line.
    assert 8 * 180 <= told[KNOWING] <= 10 * 180
    assert found["is_in_standard"].mean().to_dict() == {NONE: 1.0, FIRM: 1.0, BOTH: 1.0, KNOWING: 1.0}


def test_quiet_minutes_are_those_beyond_the_reserve():
    # All ten are required, nine of them must stay idle: one calls, 30 min on end, but not while a contact has another.
    told = minutes(lived(agents=10, required=10, contacts=1, idle_agents=9))
    assert told[FIRM] == 0
    assert 60 <= told[BOTH] <= 180
    assert told[KNOWING] > told[BOTH]


def test_a_day_of_23_hours_goes_by_the_rules_of_others():
    # Calls of 200 minutes at nine keep three agents busy for over an hour, most are answered late, and then they are
    # idle. No answers ahead are asked for, on the Sunday that lacks an hour neither.
    days = [date(2026, 3, 28), date(2026, 3, 29)]
    found = lived(agents=3, required=3, contacts=[200, 0, 0, 0, 0, 0], idle_agents=0, days=days, ahead=None)
    both = found.get_group(BOTH)
    assert not both["is_in_standard"].any()
    # Three calls of half an hour may begin before the first contact; on either day more begin when all are served.
    assert (both.groupby("local_on")["minutes"].min().reindex(days) > 3 * 30).tolist() == [True, True]


def test_who_chats_with_several_at_once_has_firm_minutes_only():
    told = minutes(lived(agents=10, required=4, contacts=1, channel="chat", idle_agents=0))
    assert told[BOTH] == told[FIRM] == 6 * 180


def test_whoever_knows_that_the_day_is_lost_takes_nothing():
    # One agent for sixty calls of a minute in each half hour: two erlangs.
    found = lived(agents=1, required=0, contacts=60)
    assert found["is_in_standard"].mean()[NONE] == 0
    assert minutes(found)[KNOWING] == 0
    assert minutes(found)[FIRM] == 180  # the plan did not know


def test_the_contacts_are_the_same_for_all_and_counted_once():
    found = lived(agents=10, required=2, contacts=3)
    assert found["contacts"].unique().map(list).to_dict() == {way: [18] for way in (NONE, FIRM, BOTH, KNOWING)}
    assert found.size().unique().tolist() == [DRAWS]


def test_the_table_by_hand():
    def day(way, on, of_groups):
        return [
            {"way": way, "company": "one", "local_on": on, "draw": draw, "queue_group": group, "minutes": some,
             "in_time": 8, "counted": 10, "is_in_standard": kept}
            for draw in range(DRAWS) for group, some, kept in of_groups
        ]  # fmt: skip

    rows = pd.DataFrame([
        *day(BOTH, 1, [("a", 9.0, True), ("b", 16.0, False)]), *day(BOTH, 2, [("a", 100.0, True), ("b", 0.0, True)]),
        *day(KNOWING, 1, [("a", 100.0, True), ("b", 0.0, True)]),
        *day(KNOWING, 2, [("a", 36.0, True), ("b", 64.0, True)]),
    ])  # fmt: skip
    ours = summary(rows, 3).set_index("way").loc[BOTH]
    # Value goes with the root of a day's minutes: 5 + 10 of 10 + 10; without the group that missed its day 3 + 10.
    assert (ours["days"], ours["days_in_standard"], ours["service_level"]) == (4, 0.75, 0.8)
    assert ours["minutes"] == pytest.approx(62.5)
    assert ours["of_minutes"] == pytest.approx(125 / 200)
    assert ours["of_value"] == pytest.approx(15 / 20)
    assert ours["of_value_kept"] == pytest.approx(13 / 20)
    assert ours["of_value_low"] == pytest.approx(0.5)
    assert ours["of_value_high"] == pytest.approx(1.0)
