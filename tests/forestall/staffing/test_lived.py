"""Plans lived through on a made-up queue: last week's plan, the forecast's and the future's meet the same contacts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forestall.sections import ServiceLevelSettings
from forestall.staffing.concurrency import handle_times
from forestall.staffing.lived import (
    AT_NOON,
    ERLANG_C,
    FUTURE,
    LAST_WEEK,
    OURS,
    PLANS,
    REPLICATIONS,
    _by_period,
    live_through,
    plans,
    summary,
)
from forestall.staffing.plan import Known, plan_requirement
from forestall.staffing.queueing import evaluate
from forestall.staffing.standards import Standards
from forestall.staffing.uncertainty import COLUMNS

INTERVAL_S = 1800
LEVEL = ServiceLevelSettings()
SLOTS = np.arange(16, 36)


def rows(came, forecast, last_week, days=10, queue="care"):
    """A queue of phone calls: so many an interval came, were forecast, and came a week before."""
    on = pd.date_range("2026-03-02", periods=days)
    grid = pd.MultiIndex.from_product([on, SLOTS], names=["day_on", "slot"]).to_frame(index=False)
    instants = grid["day_on"].dt.tz_localize("UTC") + pd.to_timedelta(grid["slot"] * 30, unit="min")
    return grid.assign(
        queue=queue, channel="phone", cutoff_on=on[0], interval_start_at=instants, local_on=grid["day_on"],
        contacts=float(came), forecast=float(forecast), last_week=last_week, handle_time_s=300.0,
        **dict.fromkeys(COLUMNS, float(forecast)),
    )  # fmt: skip


@pytest.fixture
def known():
    return Known(standards=Standards(), shrinkage=0.3, patience_s={"care": 180.0})


def test_each_plan_is_the_least_for_what_it_believes(known):
    planned = plans(rows(came=30, forecast=20, last_week=40.0), known, LEVEL, INTERVAL_S)
    one = planned.iloc[0]
    for plan, contacts, patience in (
        (OURS, 20, 180.0),
        (LAST_WEEK, 40, 180.0),
        (ERLANG_C, 20, np.inf),
        (FUTURE, 30, 180.0),
    ):
        agents = int(one[plan])
        enough, less = (
            evaluate(some, contacts / INTERVAL_S, 300.0, patience, one["threshold_s"], LEVEL.short_abandon_s)
            for some in (agents, agents - 1)
        )
        cap = Standards().for_queue("care", "phone").occupancy_cap
        assert enough.service_level >= one["service_level"], plan
        assert less.service_level < one["service_level"] or less.occupancy > cap, plan


def test_plans_are_made_for_and_live_through_the_handle_time_at_the_standards_concurrency(known):
    """Agents lived one and three at once, 300 s alone and 600 s with three: 400 s on average, 450 s with two."""
    lived = pd.DataFrame({"queue": "care", "concurrency": [1, 3], "contact_count": [200_000, 100_000],
                          "contact_s": [60_000_000, 60_000_000]})  # fmt: skip
    standards = Standards.model_validate({"queues": {"care": {"concurrency": 2}}})
    usual = replace(known, standards=standards)
    learned = replace(usual, handle_times=handle_times(lived, {"care": 2}))
    slower = plans(rows(80, 70, 75.0), learned, LEVEL, INTERVAL_S)
    longer = plans(rows(80, 70, 75.0).assign(handle_time_s=300.0 * 450 / 400), usual, LEVEL, INTERVAL_S)
    assert slower["staffed_handle_time_s"].to_numpy() == pytest.approx(337.5, rel=1e-4)
    pd.testing.assert_frame_equal(slower.drop(columns="handle_time_s"), longer.drop(columns="handle_time_s"), rtol=1e-4)
    again, _ = plan_requirement(slower, learned, LEVEL, INTERVAL_S)  # as shifts are planned for: slowed down once
    assert again["agents_net"].tolist() == slower[OURS].tolist()
    assert slower[OURS].sum() > plans(rows(80, 70, 75.0), usual, LEVEL, INTERVAL_S)[OURS].sum()


def test_queues_that_share_agents_are_lived_through_with_people_of_their_own(known):
    both = pd.concat([rows(30, 30, 30.0, days=2, queue=queue) for queue in ("care", "sales")], ignore_index=True)
    apart = replace(known, patience_s={"care": 180.0, "sales": 180.0})
    shared = replace(apart, groups={"service": ["care", "sales"]})
    pooled, _ = plan_requirement(both.assign(contacts=both["forecast"]), shared, LEVEL, INTERVAL_S)
    found, expected = (plans(both, one, LEVEL, INTERVAL_S) for one in (shared, apart))
    assert found[list(PLANS)].equals(expected[list(PLANS)])
    assert found[OURS].sum() > pooled["agents_net"].sum()


def test_cutoffs_that_plan_the_same_days_are_lived_through_each_by_itself(known):
    first = plans(rows(60, 30, 60.0), known, LEVEL, INTERVAL_S)
    second = plans(rows(60, 120, 60.0), known, LEVEL, INTERVAL_S).assign(cutoff_on=pd.Timestamp("2026-03-09"))
    both = live_through(pd.concat([first, second]), LEVEL, INTERVAL_S, 7)
    alone = pd.concat([live_through(one, LEVEL, INTERVAL_S, 7) for one in (first, second)], ignore_index=True)
    pd.testing.assert_frame_equal(both, alone)
    hours = both[both["plan"] == OURS].groupby("cutoff_on")["agent_hours"].sum()
    assert hours.iloc[1] > 1.5 * hours.iloc[0]


def test_who_planned_for_too_few_misses_days_and_who_knew_does_not(known):
    planned = plans(rows(came=60, forecast=60, last_week=30.0, days=20), known, LEVEL, INTERVAL_S)
    lived = live_through(planned, LEVEL, INTERVAL_S, 7)
    table = summary(lived).set_index("plan")
    assert list(table.index) == list(PLANS)
    assert table.loc[LAST_WEEK, "days_in_standard"] < 0.05
    assert table.loc[FUTURE, "days_in_standard"] > 0.4  # whose mean level is the standard's has it on half of the days
    assert table.loc[OURS, "agent_hours"] == table.loc[FUTURE, "agent_hours"]
    assert table.loc[ERLANG_C, "agent_hours"] >= table.loc[OURS, "agent_hours"]
    assert (table["days"] == 20).all()


def unsure(frame, cv):
    """The same with a forecast that may be off by so much of its mean, the whole day alike."""
    spread = np.array([-1.64, -1.28, -0.67, 0.0, 0.67, 1.28, 1.64])
    mean = frame["forecast"].to_numpy()[:, None]
    return frame.assign(**dict(zip(COLUMNS, (mean + spread * np.hypot(np.sqrt(mean), cv * mean)).T, strict=True)))


def flags(*lanes):
    return np.array([[sign == "+" for sign in lane] for lane in lanes])


@pytest.mark.parametrize(
    ("period", "periods", "kept"),
    [
        # Of each day two intervals of two contacts: ++ +- | ++ ++ | -- ++, and half of them wanted.
        ("interval", [2, 2, 2], [2, 2, 1]),
        ("day", [1, 1, 1], [1, 1, 1]),
        ("month", [0, 1, 1], [0, 1, 1]),  # the last day is the next month's first
    ],
)
def test_periods_are_counted_by_hand(period, periods, kept):
    once = flags("+++-", "++++", "--++")
    in_time = np.tile(once, (REPLICATIONS, 1))
    slot = np.tile(np.array([0, 0, 1, 1]), (len(in_time), 1))
    days = pd.to_datetime(["2026-03-30", "2026-03-31", "2026-04-01"]).to_numpy()
    found = _by_period(in_time, np.ones_like(in_time), slot, days, 0.5, period)
    assert [values.tolist() for values in found] == [periods, kept]


def test_a_month_makes_up_for_a_bad_day_and_who_does_not_count_makes_no_period():
    once = flags("----", "++++", "++++")
    in_time, counted = np.tile(once, (REPLICATIONS, 1)), np.tile(flags("++++", "++++", "----"), (REPLICATIONS, 1))
    days = pd.to_datetime(["2026-03-29", "2026-03-30", "2026-03-31"]).to_numpy()
    slot = np.zeros_like(in_time, dtype=np.int64)
    by_day, by_month = (_by_period(in_time, counted, slot, days, 0.5, period) for period in ("day", "month"))
    assert [values.tolist() for values in by_day] == [[1, 1, 0], [0, 1, 0]]
    assert [values.tolist() for values in by_month] == [[0, 0, 1], [0, 0, 1]]
    only_uncounted = np.tile(flags("----", "+---", "++++"), (REPLICATIONS, 1))
    assert _by_period(only_uncounted, counted, slot, days, 0.5, "month")[1].tolist() == [0, 0, 0]


def test_a_day_is_a_period_where_the_settings_say_so(known):
    planned = plans(rows(came=30, forecast=28, last_week=30.0), known, LEVEL, INTERVAL_S)
    by_day = ServiceLevelSettings(period="day", certainty=0.8)
    table = summary(live_through(planned, by_day, INTERVAL_S, 1)).set_index("plan")
    assert table["periods_in_standard"].tolist() == pytest.approx(table["days_in_standard"].tolist())
    assert 0 < table.loc[FUTURE, "periods_in_standard"] <= 1


def test_at_noon_the_afternoon_is_planned_again_from_what_came(known):
    busy = plans(unsure(rows(came=60, forecast=40, last_week=40.0), 0.3), known, LEVEL, INTERVAL_S)
    morning = busy["slot"] < 24
    assert busy.loc[morning, AT_NOON].equals(busy.loc[morning, OURS])
    assert (busy.loc[~morning, AT_NOON] > busy.loc[~morning, OURS]).all()
    lived = summary(live_through(busy, LEVEL, INTERVAL_S, 7)).set_index("plan")
    assert lived.loc[AT_NOON, "service_level"] > lived.loc[OURS, "service_level"] + 0.03
    quiet = plans(unsure(rows(came=25, forecast=40, last_week=40.0), 0.3), known, LEVEL, INTERVAL_S)
    assert (quiet.loc[~morning, AT_NOON] < quiet.loc[~morning, OURS]).all()


def test_each_day_and_queue_has_its_own_noon(known):
    busy, usual = (unsure(rows(came, 40, 40.0, days=1, queue=queue), 0.3) for queue, came in (("a", 60), ("b", 40)))
    planned = plans(pd.concat([busy, usual], ignore_index=True), known, LEVEL, INTERVAL_S).set_index("queue")
    assert planned.loc["a", AT_NOON].sum() > planned.loc["a", OURS].sum()
    assert planned.loc["b", AT_NOON].tolist() == planned.loc["b", OURS].tolist()


def test_hours_and_contacts_are_those_of_the_plan(known):
    planned = plans(rows(came=12, forecast=12, last_week=np.nan, days=2), known, LEVEL, INTERVAL_S)
    lived = live_through(planned, LEVEL, INTERVAL_S, 7)
    ours = lived[lived["plan"] == OURS]
    assert ours["agent_hours"].tolist() == [planned[OURS].iloc[0] * len(SLOTS) / 2] * 2
    assert ours["contacts"].tolist() == [12 * len(SLOTS)] * 2
    assert planned[LAST_WEEK].equals(planned[OURS])  # nothing came a week before: the forecast stands in


def test_the_same_seed_gives_the_same(known):
    planned = plans(rows(came=30, forecast=25, last_week=28.0, days=3), known, LEVEL, INTERVAL_S)
    pd.testing.assert_frame_equal(*(live_through(planned, LEVEL, INTERVAL_S, 3) for _ in range(2)))


def test_mail_is_no_queue_to_live_through(known):
    mail = rows(came=30, forecast=25, last_week=28.0, queue="mail").assign(channel="email")
    assert plans(mail, known, LEVEL, INTERVAL_S).empty
