"""The least agents for a service level that is to be expected, or met over its period with a certainty.

How many of a queue's days meet a standard is computed as if a day's level were normal. Where few contacts come it is
not: a day of a hundred is late by single contacts, and agents come whole. There days are tried, contact by contact, and
the certainty that is planned for is moved until as many of them meet the standard as are wanted.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy import special

from forestall.sections import ServiceLevelSettings
from forestall.staffing.certainty import periods_of
from forestall.staffing.group import sampled, score
from forestall.staffing.period import Periods, least_agents_of_periods
from forestall.staffing.queueing import Floats
from forestall.staffing.requirement import Demand, Integers, least_agents
from forestall.staffing.simulation import Arrivals, draw_arrivals, in_standard, simulate

FEW = 600.0  # contacts of a usual day; with more the computed share is right within two points
TRIED_DAYS = 6  # of a queue, from the quietest to the busiest
LANES = 600  # of all of them, side by side
TRIES = 3
CLOSE = 0.01  # of all days: near enough, and no more than chance leaves open
LEAST_AIM, MOST_AIM = 0.05, 0.995


def agents_for(
    rows: pd.DataFrame, demand: Demand, level: ServiceLevelSettings, interval_s: int, days: pd.DataFrame | None
) -> Integers:
    """Whole agents of each interval; arguments as those of `periods_of`."""
    if level.certainty is None:
        return least_agents(demand)
    agents = _planned(rows, demand, level, interval_s, days)
    if level.period == "day":
        for queue in _of_few(rows, demand, interval_s):
            of = np.flatnonzero(rows["queue"] == queue)
            mine = rows.iloc[of], demand.rows(of), level, interval_s, days
            agents[of] = _tried(agents[of], *mine)
    return agents


def _planned(
    rows: pd.DataFrame, demand: Demand, level: ServiceLevelSettings, interval_s: int, days: pd.DataFrame | None
) -> Integers:
    return least_agents_of_periods(demand, periods_of(rows, demand, level, interval_s, days))


def _of_few(rows: pd.DataFrame, demand: Demand, interval_s: int) -> list[str]:
    """Queues of whose days with any contacts half have few."""
    contacts = pd.Series(demand.rates_per_s @ demand.weights * interval_s, rows.index)
    by_day = contacts.groupby([rows["queue"], rows["local_on"]]).sum()
    usual = by_day[by_day > 0].groupby(level="queue").median()
    return usual.index[usual <= FEW].astype(str).tolist()


def _tried(
    agents: Integers, rows: pd.DataFrame, demand: Demand, level: ServiceLevelSettings, interval_s: int,
    days: pd.DataFrame | None,
) -> Integers:  # fmt: skip
    """One queue's agents: of the plans that were tried the cheapest that holds, or else the one that holds most."""
    certainty = level.certainty or 0.5
    aim, tried = score(np.array(certainty)), list[tuple[float, Integers]]()
    lived = _Days.drawn(rows, demand, level, interval_s, days)
    for number in range(TRIES):
        if number:
            aimed = float(np.clip(special.ndtr(aim), LEAST_AIM, MOST_AIM))
            agents = _planned(rows, demand, level.model_copy(update={"certainty": aimed}), interval_s, days)
        met = lived.share_met(agents, level)
        tried.append((met, agents))
        if abs(met - certainty) <= CLOSE:
            break
        aim = aim + score(np.array(certainty)) - score(np.array(met))
    enough = [plan for met, plan in tried if met >= certainty - CLOSE]
    return min(enough, key=np.sum) if enough else max(tried, key=lambda one: one[0])[1]


@dataclass(frozen=True)
class _Days:
    """Some days of a queue, each lived many times.

    Attributes:
        arrivals: of each lane; those of one day follow each other, as many for each.
        row: tried days x intervals; position of the row, -1 where there is none.
        demand: of all rows.
        interval_s: length of an interval.
    """

    arrivals: Arrivals
    row: Integers
    demand: Demand
    interval_s: int

    @classmethod
    def drawn(
        cls, rows: pd.DataFrame, demand: Demand, level: ServiceLevelSettings, interval_s: int,
        days: pd.DataFrame | None,
    ) -> Self:  # fmt: skip
        """Days from the quietest to the busiest, with as much more or less volume as the forecast deems likely."""
        day, _ = pd.factorize(rows["local_on"])
        start_s = pd.DatetimeIndex(rows["interval_start_at"]).as_unit("s").asi8
        first_s = pd.Series(start_s).groupby(day).transform("min").to_numpy()
        slot = (start_s - first_s) // interval_s
        mean = demand.rates_per_s @ demand.weights * interval_s
        total: Floats = np.bincount(day, mean).astype(np.float64)
        chosen = sampled(total, total > 0, TRIED_DAYS)
        row = np.full((len(total), int(slot.max()) + 1), -1)
        row[day, slot] = np.arange(len(rows))
        row = row[chosen]
        certainty = max(level.certainty or 0.5, 0.8)  # at the middle no spread can be told
        periods = periods_of(rows, demand, level.model_copy(update={"certainty": certainty}), interval_s, days)
        rng = np.random.default_rng(len(rows))  # the same night gives the same plan
        rates = np.where(row >= 0, mean[row], 0.0)[:, None] * _factors(rng, periods, row, certainty)
        lanes = rates.reshape(-1, 1, row.shape[1])
        handle = np.repeat(demand.handle_time_s[row], len(lanes) // len(row), axis=0)[:, None]
        return cls(draw_arrivals(rng, lanes, handle, demand.patience_s[:1], interval_s), row, demand, interval_s)

    def share_met(self, agents: Integers, level: ServiceLevelSettings) -> float:
        """On how many of the days the standard is met; a day without contacts meets it."""
        there = np.where(self.row >= 0, (agents * self.demand.concurrency)[self.row], 0)
        lanes = np.repeat(there, len(self.arrivals.at_s) // len(there), axis=0)
        served = simulate(self.arrivals, lanes, self.interval_s)
        in_time, counted = in_standard(self.arrivals, served, float(self.demand.threshold_s[0]), level)
        wanted = self.demand.service_level[0] * counted.sum(axis=1)
        return float((in_time.sum(axis=1) >= wanted).mean())


def _factors(rng: np.random.Generator, periods: Periods, row: Integers, certainty: float) -> Floats:
    """Tried days x lanes x intervals; what the rate is of its mean.

    The day's part lies on a line through the forecast's quantile at the certainty, each kind of day as often as it
    comes; what is an interval's own is lognormal.
    """
    lanes = LANES // len(row)
    scores = special.ndtri((np.arange(lanes) + 0.5) / lanes)[:, None]
    shared = periods.shift[row][:, None] * scores / special.ndtri(certainty)
    sigma = np.sqrt(np.log1p(periods.own_cv[row] ** 2))[:, None]
    own = np.exp(sigma * rng.standard_normal((len(row), lanes, row.shape[1])) - sigma**2 / 2)
    return np.asarray(np.maximum(1 + shared, 0.0) * own)
