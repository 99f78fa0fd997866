"""A wanted certainty is the share of days, lived through contact by contact, on which the standard is met."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forestall.sections import ServiceLevelSettings
from forestall.staffing.period import MOST_BELOW, Periods, least_agents_of_periods
from forestall.staffing.plan import Known, plan_requirement
from forestall.staffing.queueing import evaluate
from forestall.staffing.requirement import Demand, expect, least_agents
from forestall.staffing.simulation import draw_arrivals, simulate
from forestall.staffing.standards import QueueOverride, Standards
from forestall.staffing.uncertainty import COLUMNS, PROBABILITIES

INTERVAL_S = 1800
HOURS = np.arange(8, 20, 0.5)
SHAPE = np.exp(-(((HOURS - 10.5) / 2.6) ** 2)) + 0.75 * np.exp(-(((HOURS - 15.5) / 2.4) ** 2)) + 0.1
SHAPE[0] = 0.0  # the queue opens after the first half hour
SCORES = stats.norm.ppf(PROBABILITIES)


def with_quantiles(rows, cv):
    """Counts around a rate that is off by `cv`, Poisson and normal."""
    mean = rows["contacts"].to_numpy()
    deviation = np.sqrt(mean + (cv * mean) ** 2)
    return rows.assign(**{name: mean + at * deviation for name, at in zip(COLUMNS, SCORES, strict=True)})


def forecast(busiest, day_cv, own_cv, days=1):
    """A queue's intervals and days; errors of a day and of an interval multiply."""
    starts = pd.DatetimeIndex(np.concatenate([
        pd.Timestamp("2026-03-02 08:00", tz="UTC") + pd.Timedelta(days=day) + pd.to_timedelta(HOURS - 8, unit="h")
        for day in range(days)
    ]))  # fmt: skip
    rows = pd.DataFrame({
        "queue": "care", "interval_start_at": starts, "local_on": starts.date, "channel": "phone", "is_open": True,
        "contacts": np.tile(busiest * SHAPE, days), "handle_time_s": 300.0,
    })  # fmt: skip
    by_day = rows.groupby(["queue", "local_on"], as_index=False)["contacts"].sum()
    share = SHAPE / SHAPE.sum()
    spread = np.sqrt((1 + day_cv**2) * (1 + own_cv**2 * (share**2).sum()) - 1)
    return with_quantiles(rows, np.sqrt((1 + day_cv**2) * (1 + own_cv**2) - 1)), with_quantiles(by_day, spread)


def lognormal(rng, cv, size):
    sigma = np.sqrt(np.log1p(cv**2))
    return np.exp(sigma * rng.standard_normal(size) - sigma**2 / 2)


def share_of_days_met(rng, agents, busiest, day_cv, own_cv, patience_s, lanes=1500):
    factor = lognormal(rng, day_cv, (lanes, 1, 1)) * lognormal(rng, own_cv, (lanes, 1, len(HOURS)))
    arrivals = draw_arrivals(rng, busiest * SHAPE * factor, np.array([[300.0]]), np.array([patience_s]), INTERVAL_S)
    served = simulate(arrivals, np.tile(agents, (lanes, 1)), INTERVAL_S)
    came = np.isfinite(arrivals.at_s)
    in_time = (came & ~served.is_abandoned & (served.wait_s <= 20)).sum(axis=1)
    offered = (came & ~(served.is_abandoned & (served.wait_s < 5))).sum(axis=1)
    return (in_time / offered >= 0.8).mean()


def planned(busiest, day_cv, own_cv, patience_s, **level):
    rows, days = forecast(busiest, day_cv, own_cv)
    known = Known(Standards(occupancy_cap=1.0), 0.3, {"care": patience_s})
    plan, _ = plan_requirement(rows, known, ServiceLevelSettings(**level), INTERVAL_S, days)
    return plan["agents_net"].to_numpy()


@pytest.mark.parametrize(
    ("busiest", "day_cv", "own_cv", "patience_s", "certainty"),
    [
        (120, 0.12, 0.05, 180.0, 0.8),
        (120, 0.12, 0.05, 180.0, 0.9),
        (120, 0.12, 0.05, 180.0, 0.5),
        (60, 0.08, 0.15, 300.0, 0.8),
        (200, 0.05, 0.1, 120.0, 0.8),
        (120, 0.0, 0.0, 180.0, 0.8),
    ],
)
def test_days_within_the_standard_are_as_many_as_wanted(busiest, day_cv, own_cv, patience_s, certainty):
    agents = planned(busiest, day_cv, own_cv, patience_s, period="day", certainty=certainty)
    met = share_of_days_met(np.random.default_rng(8), agents, busiest, day_cv, own_cv, patience_s)
    print(met, certainty, agents.sum(), planned(busiest, day_cv, own_cv, patience_s).sum())
