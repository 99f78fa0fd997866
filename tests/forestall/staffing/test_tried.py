"""Queues of few contacts meet their standard on as many days as wanted, which a normal distribution does not tell."""

import numpy as np
import pandas as pd
import pytest

from forestall.sections import ServiceLevelSettings
from forestall.staffing import tried
from forestall.staffing.plan import Known, plan_requirement
from forestall.staffing.standards import QueueOverride, Standards
from tests.forestall.staffing.test_period import INTERVAL_S, forecast, share_of_days_met

DAY_CV, OWN_CV, PATIENCE_S = 0.1, 0.15, 180.0
SIZES = np.array([0.7, 0.85, 1.0, 1.15, 1.3])  # of the busiest half hour, day by day


def week(busiest, certainty=0.8, **standard):
    """Agents of five days that bring more and more; day by day."""
    made = [forecast(busiest * size, DAY_CV, OWN_CV) for size in SIZES]
    rows, days = (
        pd.concat([table.assign(**moved(table, at)) for at, table in enumerate(tables)], ignore_index=True)
        for tables in zip(*made, strict=True)
    )
    standards = Standards(occupancy_cap=1.0, queues={"care": QueueOverride(**standard)})
    known = Known(standards, 0.3, {"care": PATIENCE_S})
    level = ServiceLevelSettings(period="day", certainty=certainty)
    plan, _ = plan_requirement(rows, known, level, INTERVAL_S, days)
    return plan["agents_net"].to_numpy().reshape(len(SIZES), -1)


def moved(table, days):
    """The columns of time, so many days later."""
    later = pd.Timedelta(days=days)
    out = {"local_on": pd.to_datetime(table["local_on"]) + later}
    return out | ({"interval_start_at": table["interval_start_at"] + later} if "interval_start_at" in table else {})


def met(busiest, agents):
    """Over the days, drawn anew."""
    rng = np.random.default_rng(77)
    return np.mean([
        share_of_days_met(rng, own, busiest * size, DAY_CV, OWN_CV, PATIENCE_S, lanes=800)
        for own, size in zip(agents, SIZES, strict=True)
    ])  # fmt: skip


@pytest.mark.parametrize("busiest", [10, 15, 20, 25])
def test_days_are_met_as_often_as_wanted_where_few_come(busiest, monkeypatch):
    agents = week(busiest)
    assert met(busiest, agents) == pytest.approx(0.8, abs=0.03)
    monkeypatch.setattr(tried, "FEW", 0.0)
    assert agents.sum() <= week(busiest).sum()


def test_what_is_computed_alone_asks_for_too_many(monkeypatch):
    few = [week(busiest).sum() for busiest in (15, 20)]
    monkeypatch.setattr(tried, "FEW", 0.0)
    computed = [week(busiest) for busiest in (15, 20)]
    assert np.mean([met(busiest, agents) for busiest, agents in zip((15, 20), computed, strict=True)]) > 0.82
    assert sum(few) < sum(agents.sum() for agents in computed)


def test_where_one_agent_more_or_less_is_a_leap_the_safe_side_is_taken():
    """Three contacts in the busiest half hour: one agent is too few, and two are plenty."""
    assert met(3, week(3)) >= 0.8 - 0.03
    assert week(3).max() <= 3


def test_a_queue_whose_standard_cannot_be_missed_keeps_the_agents_it_takes():
    agents = week(10, service_level=0.01)
    assert (agents.max(axis=1) >= 1).all()


def test_the_same_night_gives_the_same_plan():
    np.testing.assert_array_equal(week(15), week(15))
