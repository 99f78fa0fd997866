"""What outreach may take: runs by hand, nothing inside the requirement, and as much of the idle as service allows."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.sections import ServiceLevelSettings
from forestall.shifts.grid import grid_of
from forestall.shifts.plan import ShiftPlan
from forestall.shifts.quiet import Calling
from forestall.shifts.service import Losses, QueueLoad
from forestall.shifts.usable import free_in_runs, usable_minutes
from forestall.staffing.standards import Standards

MONDAY, BERLIN = date(2026, 3, 2), ZoneInfo("Europe/Berlin")
LEVEL = ServiceLevelSettings()


def test_runs_by_hand():
    assert free_in_runs(np.array([1, 2, 0, 3, 1, 1]), 2).tolist() == [1, 1, 0, 1, 1, 1]
    assert free_in_runs(np.array([1, 2, 0, 3, 1, 1]), 1).tolist() == [1, 2, 0, 3, 1, 1]
    assert free_in_runs(np.array([[2, 2, 2, -1], [1, 1, 0, 5]]), 3).tolist() == [[2, 2, 2, 0], [0, 0, 0, 0]]
    assert free_in_runs(np.array([4, 4]), 3).tolist() == [0, 0]


@given(st.lists(st.integers(-2, 4), min_size=1, max_size=14), st.integers(1, 5))
def test_runs_are_those_of_each_agent_in_turn(beyond, steps):
    count = [0] * len(beyond)
    for agent in range(1, 5):  # the plain way: one agent after the other, one run after the other
        run = []
        for at, free in enumerate([*beyond, -9]):
            if free >= agent:
                run.append(at)
                continue
            for one in run if len(run) >= steps else ():
                count[one] += 1
            run = []
    assert free_in_runs(np.array(beyond), steps).tolist() == count


def table(duty, required, agents=None, losses=None, calling=None, shrinkage=0.0, rests=(), rates=0.0, channel="phone"):
    """One day in steps of half an hour; each agent of `duty` from one hour to another."""
    grid = grid_of([MONDAY], BERLIN, 1800, 30)
    planned, need = np.zeros((1, grid.steps), int), np.zeros((1, grid.steps), int)
    for first, last in duty:
        planned[0, 2 * first : 2 * last] += 1
    for first, last in rests:
        planned[0, first:last] -= 1
    for first, last, count in required:
        need[0, 2 * first : 2 * last] = count
    shifts = pd.DataFrame({
        "slot": [f"a{at}" for at in range(len(duty))], "is_assigned": True, "queue_group": "care",
        "first": [2 * first for first, _ in duty], "last": [2 * last for _, last in duty],
        "breaks": [tuple(rests) if at == 0 else () for at in range(len(duty))],
    })  # fmt: skip
    plan = ShiftPlan(grid, ("care",), shifts, need, planned, need * 0, 0.0, 0.0, 0.0, ())
    if agents is None:
        agents = pd.DataFrame({"agent_id": shifts["slot"], "team": "floor", "languages": "de", "skills": "care"})
    needed = pd.DataFrame({"queue": ["care"], "agents_gross": [1.0], "shrinkage": [shrinkage]})
    nothing = np.zeros(48)
    spread = np.zeros((48, 7))
    for first, last, _ in required:
        spread[2 * first : 2 * last] = rates
    standard = Standards().for_queue("care", channel)
    loads = {"care": QueueLoad(standard, 300.0, nothing, nothing, spread, np.full(48, 300.0))}
    calling = calling or Calling((8, 20), 30, 0)
    return usable_minutes(
        plan, agents, needed, {"care": ["care"]}, loads, losses or Losses(0, 0), LEVEL, calling, 3
    ).set_index("interval_start_at")  # fmt: skip


def hours(rows):
    return {f"{at.tz_convert(BERLIN):%H:%M}": minutes for at, minutes in rows["firm_minutes"].items() if minutes}


def test_nothing_inside_the_requirement_counts():
    for required in (3, 4):
        rows = table([(9, 12)] * 3, [(9, 12, required)])
        assert (rows["firm_minutes"] == 0).tolist() == [True] * 6  # on duty, and not for outreach


def test_agents_beyond_it_do_less_what_is_lost():
    # Three on duty; two needed until ten, then three, from eleven one: 1 x 60 min and 2 x 60 min, a quarter lost.
    rows = table([(9, 12)] * 3, [(9, 10, 2), (10, 11, 3), (11, 12, 1)], shrinkage=0.25)
    assert hours(rows) == {"09:00": 22.5, "09:30": 22.5, "11:00": 45.0, "11:30": 45.0}
    assert rows["if_quiet_minutes"].isna().all()


def test_a_run_that_is_too_short_for_a_contact_is_none():
    rows = table([(9, 12)] * 2, [(9, 10, 1), (10, 12, 2)], calling=Calling((8, 20), 61, 0))
    assert hours(rows) == {}
    rows = table([(9, 12)] * 2, [(9, 10, 1), (10, 12, 2)], calling=Calling((8, 20), 60, 0))
    assert hours(rows) == {"09:00": 30.0, "09:30": 30.0}


def test_a_break_ends_a_run():
    rows = table([(9, 12)], [], rests=[(20, 21)], calling=Calling((8, 20), 60, 0))  # 10:00 to 10:30
    assert hours(rows) == {"09:00": 30.0, "09:30": 30.0, "10:30": 30.0, "11:00": 30.0, "11:30": 30.0}


def test_only_hours_in_which_customers_may_be_called():
    assert hours(table([(6, 22)], [], calling=Calling((20, 21), 30, 0))) == {"20:00": 30.0, "20:30": 30.0}


def test_agents_alike_share_as_many_as_they_are():
    agents = pd.DataFrame({"agent_id": ["a0", "a1", "a2"], "team": ["floor", "floor", "chat"],
                           "languages": ["de", "de", None], "skills": "care"})  # fmt: skip
    rows = table([(9, 10)] * 3, [(9, 10, 2)], agents)
    by_team = rows.groupby(["team", "languages"])["firm_minutes"].sum()
    assert by_team.to_dict() == pytest.approx({("floor", "de"): 40.0, ("chat", ""): 20.0})


def test_simulated_days_stand_beside_the_firm_minutes():
    rows = table([(9, 17)] * 30, [(9, 17, 26)], rates=120.0, calling=Calling((9, 17), 8, 1))
    assert (rows["firm_minutes"] == 4 * 30).all()
    assert rows["service_level_if_quiet"].between(0.8, 1).all()
    assert rows["if_quiet_minutes"].sum() > 0
    called = rows.between_time("08:00", "16:00")  # UTC: nine to five in Berlin
    assert called["idle_agents"].max() - called["idle_agents"].min() <= 1
    assert called["idle_agents"].is_monotonic_decreasing
    assert rows["answers_ahead"].isna().all()  # no certainty is asked for
