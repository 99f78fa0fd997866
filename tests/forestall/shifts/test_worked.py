"""Plans made again every night, lived day by day: rules hold over what was worked, nights go on in the morning."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forestall.sections import ServiceLevelSettings
from forestall.shifts.plan import plan_shifts
from forestall.shifts.remedies import remedies
from forestall.shifts.roster import roster_of, week_limits
from forestall.shifts.rules import Absence, Pattern, StaffingRules
from forestall.shifts.service import Losses, QueueLoad, simulate_plan
from forestall.shifts.tables import coverage_table, shift_table
from forestall.shifts.worked import worked
from forestall.staffing.standards import Standards

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 9)
HOUR = 60
KEYS = {f"p{at}": f"a{at}" for at in range(12)}
NIGHT = {"night": Pattern(starts=[22 * HOUR], minutes=8 * HOUR)}
DARK = (0, 1, 2, 3, 4, 5, 22, 23)


def on(day):
    return MONDAY + timedelta(days=day)


def need(first, days, hours_of, count=1):
    """So many agents in the local hours `hours_of(day)` of days counted from `MONDAY`."""
    rows = [
        (on(day), pd.Timestamp(on(day), tz=BERLIN) + pd.Timedelta(hours=hour), count if hour in hours_of(day) else 0)
        for day in range(first, first + days) for hour in range(24)
    ]  # fmt: skip
    days_on, starts, agents = zip(*rows, strict=True)
    return pd.DataFrame({"queue": "care", "interval_start_at": pd.DatetimeIndex(starts).tz_convert("UTC"),
                         "local_on": days_on, "agents": agents})  # fmt: skip


def agents(count, **columns):
    usual = {"agent_id": [f"a{at}" for at in range(count)], "team": "floor", "site": "here", "skills": "care",
             "contract_hours": 60.0, "hired_on": None, "left_on": None}  # fmt: skip
    return pd.DataFrame(usual | columns)


def rules(patterns, **given):
    return StaffingRules(**({"step_minutes": 30, "days_a_week": 7, "days_in_a_row": 14, "patterns": patterns} | given))


def published(plan):
    busy = np.full((len(plan.groups), plan.grid.day_start[-1] // 2), 0.5)
    return shift_table(plan, busy, lambda agent: agent.replace("a", "p"))


def lived(first, nights, hours_of, given, roster, ahead=7, count=1, every=1):
    """Plans of every so many nights, and of each day the shifts that the newest plan had for it; `roster(day)`."""
    told, plans, days = [], [], []
    for day in range(first, first + nights, every):
        past = worked(told, on(day), KEYS)
        plans.append(plan_shifts(need(day, ahead, hours_of, count), roster(day), given, BERLIN, 3600, None, past))
        told.append((on(day), published(plans[-1])))
        rows = told[-1][1]
        days.append(rows[rows["is_assigned"] & rows["local_on"].isin([on(day + more) for more in range(every)])])
    return plans, pd.concat(days, ignore_index=True)


def test_nobody_works_more_days_in_a_row_than_allowed_however_often_plans_are_made():
    given = rules({"day": Pattern(starts=[8 * HOUR], minutes=6 * HOUR)}, days_in_a_row=6)
    _, found = lived(0, 13, lambda _: range(8, 14), given, lambda _: agents(1), ahead=3)
    # One agent who is needed every day: six days, one off, six days.
    assert [(one - MONDAY).days for one in found["local_on"]] == [*range(6), *range(7, 13)]


def test_whoever_was_late_last_night_is_not_early_this_morning():
    both = {
        "early": Pattern(starts=[6 * HOUR], minutes=8 * HOUR),
        "late": Pattern(starts=[15 * HOUR], minutes=8 * HOUR),
    }
    given = rules(both, rest_hours=11)
    _, found = lived(0, 5, lambda day: range(15, 23) if day % 2 == 0 else range(6, 14), given, lambda _: agents(2), 3)
    found = found.sort_values("starts_at", ignore_index=True)
    assert len(found) == 5  # two agents are enough to cover each day
    for _, mine in found.groupby("slot_id"):
        rest = mine["starts_at"].to_numpy()[1:] - mine["ends_at"].to_numpy()[:-1]
        assert (rest >= np.timedelta64(11, "h")).all()


def test_a_week_planned_again_every_night_stays_within_its_days_and_hours():
    day = {"day": Pattern(starts=[8 * HOUR], minutes=8 * HOUR)}
    given = rules(day, days_a_week=5)
    _, found = lived(0, 7, lambda _: range(8, 16), given, lambda _: agents(2, contract_hours=[40.0, 24.0]), count=2)
    week = pd.to_datetime(found["local_on"]).dt.isocalendar().week
    worked_h = found.groupby(["slot_id", week])["paid_hours"].sum()
    # Both are needed on every day, so each works all that the contract allows: five days, and three.
    assert worked_h.to_dict() == {("p0", 11): 40, ("p1", 11): 24}


def test_last_nights_shift_covers_the_first_morning_and_its_service():
    given = rules(NIGHT)
    plans, _ = lived(0, 2, lambda _: DARK, given, lambda _: agents(3), ahead=3)
    first, second = plans
    assert first.planned[0, :12].sum() == 0  # nobody knows of Sunday
    assert second.planned[0, :12].tolist() == [1] * 12
    assert second.short[0, : second.grid.day_start[-1]].sum() == 0
    coverage, _ = coverage_table(second, given, np.ones((1, 3 * 24)))
    assert coverage.loc[coverage["local_on"] == on(1), "remedy"].isna().all()
    assert coverage["planned"].iloc[0] == 1
    # The shifts are those of the plan's days; last night's stands beside them.
    assert second.shifts["local_on"].min() == on(1)
    assert second.before["slot"].tolist() == first.shifts.loc[first.shifts["local_on"] == on(0), "slot"].tolist()
    intervals = second.grid.day_start[-1] // 2
    nothing, rates = np.zeros(intervals), np.zeros((intervals, 7))
    rates[:6] = 3.0
    load = QueueLoad(Standards().for_queue("care", "phone"), 1e6, nothing, nothing, rates, np.full(intervals, 60.0))
    service, occupancy = simulate_plan(
        second, {"care": ["care"]}, {"care": load}, Losses(0, 0), ServiceLevelSettings(), 1
    )
    assert service.set_index("local_on").loc[on(1), "service_level"] > 0.8
    assert (occupancy[0, :6] > 0).all()


def test_an_agent_who_was_absent_last_night_covers_nothing_this_morning():
    given = rules(NIGHT)
    told = [(on(0), published(plan_shifts(need(0, 7, lambda _: DARK), agents(1), given, BERLIN, 3600)))]
    away = rules(NIGHT, absences=[Absence(agent="a0", from_on=on(0), to_on=on(0))])
    for now, covered in ((given, 1), (away, 0)):
        plan = plan_shifts(need(1, 6, lambda _: DARK), agents(1), now, BERLIN, 3600, None, worked(told, on(1), KEYS))
        assert plan.planned[0, :12].tolist() == [covered] * 12


def test_who_left_yesterday_is_still_there_in_the_morning_and_never_again():
    given = rules(NIGHT)
    plans, _ = lived(0, 2, lambda _: DARK, given, lambda day: agents(2, left_on=[on(0), on(0)] if day else None))
    assert plans[1].planned[0, :12].tolist() == [1] * 12
    assert not plans[1].shifts["is_assigned"].any()


def test_without_a_roster_slots_go_on_too():
    plans, _ = lived(0, 2, lambda _: DARK, rules(NIGHT), lambda _: agents(0))
    assert plans[1].short[0, : plans[1].grid.day_start[-1]].sum() == 0


def test_overtime_in_the_morning_leaves_the_rest_after_last_night():
    both = {
        "late": Pattern(starts=[12 * HOUR], minutes=8 * HOUR),
        "early": Pattern(starts=[8 * HOUR], minutes=8 * HOUR),
    }
    yesterday, today = need(0, 1, lambda _: range(12, 20)), need(1, 1, lambda _: range(7, 16))
    for rest_hours, proposed in ((11, True), (12, False)):
        given = rules(both, rest_hours=rest_hours, overtime_minutes=60)
        told = [(on(0), published(plan_shifts(yesterday, agents(1), given, BERLIN, 3600)))]
        plan = plan_shifts(today, agents(1), given, BERLIN, 3600, None, worked(told, on(1), KEYS))
        assert plan.shifts["is_assigned"].tolist() == [True]  # from eight: twelve hours after eight in the evening
        coverage = pd.DataFrame({"short": plan.short[0, :48].reshape(-1, 2).mean(axis=1)})
        (said,) = [one for one in remedies(plan, given, np.zeros((1, 24)), coverage)[0] if one is not None]
        assert ("overtime of 1" in said) == proposed


def test_each_day_is_as_the_newest_plan_for_it_had_it():
    def plan_of(first, pattern, days=7):
        start = int(pattern.removeprefix("p"))
        given = rules({pattern: Pattern(starts=[start * HOUR], minutes=4 * HOUR)})
        wanted = need(first, days, lambda _: range(start, start + 4))
        return on(first), published(plan_shifts(wanted, agents(1), given, BERLIN, 3600))

    told = [plan_of(0, "p8"), plan_of(2, "p9")]
    found = worked(told, on(4), KEYS)
    assert found.days == tuple(on(day) for day in range(4))
    assert found.rows["pattern"].tolist() == ["p8", "p8", "p9", "p9"]
    assert found.rows["slot_id"].tolist() == ["a0"] * 4
    # A plan that is not that old, and one that ended before yesterday, say nothing of yesterday.
    assert worked([], on(4), KEYS) is None
    assert worked(told, on(12), KEYS) is None
    assert worked([(on(3), told[0][1].iloc[:0])], on(4), KEYS) is None
    assert len(worked([plan_of(-30, "p8", days=34)], on(4), KEYS).days) == 14


def test_what_was_worked_this_week_is_taken_off_what_is_left_of_it():
    given = rules(NIGHT, days_a_week=5, least_share_of_contract=0.5)
    roster, _ = roster_of(agents(2, contract_hours=40.0), {"care": ["care"]}, [on(day) for day in range(3, 7)], given)
    told = [(on(0), pd.DataFrame({
        "slot_id": ["p0", "p0", "p1"], "is_assigned": True, "local_on": [on(0), on(1), on(2)], "paid_hours": 8.0,
        "starts_at": pd.NaT, "ends_at": pd.NaT,
    }))]  # fmt: skip
    past = worked(told, on(3), KEYS)
    before, _ = roster_of(agents(2), {"care": ["care"]}, past.days, given)
    passed = past.passed(roster.agents, before, on(3))
    days, hours, least = week_limits(roster, range(4), given, passed)
    # Thursday: of five days and 40 hours, of which 20 are paid anyway.
    assert (days.tolist(), hours.tolist(), least.tolist()) == ([3, 4], [24.0, 32.0], [4.0, 12.0])


def test_the_rotation_goes_on_from_week_to_week_in_plans_of_their_own():
    starts = {"four": Pattern(starts=[6 * HOUR, 10 * HOUR, 14 * HOUR], minutes=4 * HOUR)}
    given = rules(starts, rotation="weekly")
    _, found = lived(0, 21, lambda _: range(6, 18), given, lambda _: agents(3), every=7)
    hour = found["starts_at"].dt.tz_convert(BERLIN).dt.hour
    week = pd.to_datetime(found["local_on"]).dt.isocalendar().week
    of_agent = (
        found.assign(hour=hour, week=week)
        .groupby(["slot_id", "week"])["hour"]
        .agg(lambda some: tuple(sorted(set(some))))
    )
    for slot in ("p0", "p1", "p2"):
        assert sorted(of_agent[slot]) == [(6,), (10,), (14,)]


def test_new_agents_do_not_turn_the_rotation_of_others():
    first, _ = roster_of(agents(3, hired_on=date(2020, 1, 1)), {"care": ["care"]}, [MONDAY], rules(NIGHT))
    more = pd.concat([agents(3, hired_on=date(2020, 1, 1)),
                      agents(1, agent_id=["a00"], hired_on=date(2026, 1, 1))])  # fmt: skip
    more["left_on"] = [None, on(-9), None, None]
    second, _ = roster_of(more, {"care": ["care"]}, [MONDAY], rules(NIGHT))
    assert dict(zip(first.agents, first.turn, strict=True)) == {"a0": 0, "a1": 1, "a2": 2}
    assert dict(zip(second.agents, second.turn, strict=True)) == {"a0": 0, "a00": 3, "a2": 2}
