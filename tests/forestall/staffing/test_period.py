"""A wanted certainty is the share of days, lived through contact by contact, on which the standard is met."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forestall.sections import ServiceLevelSettings
from forestall.staffing.lag import load_ratio
from forestall.staffing.period import MOST_BELOW, Periods, least_agents_of_periods
from forestall.staffing.plan import Known, plan_requirement
from forestall.staffing.queueing import evaluate
from forestall.staffing.requirement import AGENT_LIMIT, Demand, expect, least_agents
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


def share_of_days_met(rng, agents, busiest, day_cv, own_cv, patience_s, lanes=1200):
    sigma = np.sqrt(np.log1p(day_cv**2))
    scores = stats.norm.ppf((np.arange(lanes) + 0.5) / lanes)[:, None, None]  # every kind of day as often as it comes
    factor = np.exp(sigma * scores - sigma**2 / 2) * lognormal(rng, own_cv, (lanes, 1, len(HOURS)))
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
        (120, 0.12, 0.05, 180.0, 0.95),
        (120, 0.12, 0.05, 180.0, 0.5),
        (60, 0.08, 0.0, 100.0, 0.8),
        (200, 0.05, 0.1, 120.0, 0.8),
        (30, 0.1, 0.1, 200.0, 0.8),
        (120, 0.0, 0.0, 180.0, 0.8),
    ],
)
def test_days_within_the_standard_are_as_many_as_wanted(busiest, day_cv, own_cv, patience_s, certainty):
    agents = planned(busiest, day_cv, own_cv, patience_s, period="day", certainty=certainty)
    met = share_of_days_met(np.random.default_rng(8), agents, busiest, day_cv, own_cv, patience_s)
    assert met == pytest.approx(certainty, abs=0.03)


def test_interval_by_interval_it_is_the_least_for_the_quantile():
    agents = planned(100, 0.2, 0.1, 180.0, period="interval", certainty=0.9)
    # counts are normal: the rate's 90 % quantile is its mean and 1.2816 of its own deviations, Poisson taken out
    rate = 100 * SHAPE * (1 + 1.2816 * np.sqrt(1.04 * 1.01 - 1)) / INTERVAL_S
    busy = rate > 0
    level = [evaluate(some[busy], rate[busy], 300.0, 180.0, 20.0, 5.0).service_level for some in (agents, agents - 1)]
    assert (level[0] >= 0.8 - 0.01).all()
    assert (level[1] < 0.8 + 0.01).all()
    assert agents[~busy].tolist() == [0]


def simple(rates, target=0.8, certainty=0.5, shift=0.0, cap=1.0):
    size = len(rates)
    flat = np.zeros(size)
    demand = Demand(
        np.asarray(rates, float)[:, None] / INTERVAL_S, np.ones(1), flat + 300.0, flat + 180.0, flat + 20.0,
        flat + target, flat + cap, np.ones(size, np.int64), 5.0,
    )  # fmt: skip
    one = np.zeros(size, np.int64)
    return demand, Periods(one, flat + shift, flat, one, flat, flat + 1.0, certainty, INTERVAL_S)


@pytest.mark.parametrize("seed", range(8))
def test_within_an_agent_of_the_best_of_all_days_and_none_to_spare(seed):
    rates = np.random.default_rng(seed).uniform(2, 60, 4)
    demand, periods = simple(rates)
    found = least_agents_of_periods(demand, periods)
    alone = least_agents(demand)
    options = [range(max(most - 2, 1), most + 2) for most in alone]
    level = {
        (place, agents): float(evaluate(agents, rates[place] / INTERVAL_S, 300.0, 180.0, 20.0, 5.0).service_level)
        for place, some in enumerate(options) for agents in some
    }  # fmt: skip

    def of_day(day):
        return sum(rates[place] * level[place, agents] for place, agents in enumerate(day)) / rates.sum()

    def keeps_limit(day):
        return all(level[place, agents] >= 0.8 - MOST_BELOW for place, agents in enumerate(day))

    best = min(sum(day) for day in product(*options) if of_day(day) >= 0.8 and keeps_limit(day))
    assert of_day(found) >= 0.8
    assert keeps_limit(found)
    assert best <= found.sum() <= min(best + 1, alone.sum())


def test_the_cap_is_kept_in_every_interval():
    demand, periods = simple([40, 60, 200], cap=0.75)
    found = least_agents_of_periods(demand, periods)
    assert (expect(demand, found).occupancy <= 0.75).all()
    assert (expect(demand, found - 1).occupancy > 0.75).any()


def test_no_load_takes_nobody_and_a_gigantic_one_is_capped():
    demand, periods = simple([0.0, 10.0, 1e9])
    periods = replace(periods, period=np.array([0, 1, 2]))
    assert least_agents_of_periods(demand, periods)[[0, 2]].tolist() == [0, AGENT_LIMIT]


@settings(max_examples=25, deadline=None)
@given(
    rates=st.lists(st.floats(0.5, 300), min_size=1, max_size=6),
    certainty=st.floats(0.5, 0.97),
    shift=st.floats(0.0, 0.4),
)
def test_more_shift_never_takes_fewer_in_all(rates, certainty, shift):
    demand, periods = simple(rates, certainty=certainty, shift=shift)
    more = replace(periods, shift=periods.shift + 0.1)
    assert least_agents_of_periods(demand, more).sum() >= least_agents_of_periods(demand, periods).sum()


def test_a_surer_day_takes_more_and_an_even_month_less_than_its_days():
    rows, days = forecast(120, 0.12, 0.05, days=6)
    known = Known(Standards(occupancy_cap=1.0), 0.3, {"care": 180.0})

    def hours(**level):
        return plan_requirement(rows, known, ServiceLevelSettings(**level), INTERVAL_S, days)[0]["agents_net"].sum()

    by_day = [hours(period="day", certainty=certainty) for certainty in (0.5, 0.8, 0.95)]
    assert by_day == sorted(by_day)
    assert by_day[0] < by_day[2]
    assert hours(period="month", certainty=0.8) < by_day[1]


def test_the_standard_says_how_often():
    rows, days = forecast(120, 0.12, 0.05)
    standards = Standards(queues={"care": QueueOverride(service_level=0.9, threshold_s=10)})
    plan, _ = plan_requirement(
        rows, Known(standards, 0.3), ServiceLevelSettings(period="day", certainty=0.85), INTERVAL_S, days
    )
    assert plan["standard"].unique().tolist() == ["90 % in 10 s on 85 % of days"]


def test_a_period_without_a_certainty_is_refused():
    with pytest.raises(ValueError, match=r'period = "day" needs certainty, such as 0.8'):
        ServiceLevelSettings(period="day")


def test_months_within_the_standard_are_as_many_as_wanted():
    """Half of the variance of a day's error lasts the month, half is the day's own: what decision 17 assumes."""
    rows, days = forecast(120, 0.12, 0.05, days=20)
    level = ServiceLevelSettings(period="month", certainty=0.8)
    known = Known(Standards(occupancy_cap=1.0), 0.3, {"care": 180.0})
    plan, _ = plan_requirement(rows, known, level, INTERVAL_S, days)
    rng, months, part = np.random.default_rng(9), 600, 0.12 / np.sqrt(2)
    factor = lognormal(rng, part, (months, 1, 1)) * lognormal(rng, part, (months, 20, 1))
    factor = factor * lognormal(rng, 0.05, (months, 20, len(HOURS)))
    rates = rows["contacts"].to_numpy() * factor.reshape(months, -1) / INTERVAL_S
    start = np.arange(len(HOURS)) * INTERVAL_S
    ratio = load_ratio(SHAPE, np.full(len(HOURS), 300.0), start, np.zeros(len(HOURS), np.int64), INTERVAL_S)
    told = evaluate(plan["agents_net"].to_numpy(), rates * np.tile(ratio, 20), 300.0, 180.0, 20.0, 5.0).service_level
    met = (told * rates).sum(axis=1) / rates.sum(axis=1) >= 0.8
    assert met.mean() == pytest.approx(0.8, abs=0.03)
