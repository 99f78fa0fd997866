"""The least agents with which a standard is met over its period (a day, a month) with a given certainty.

All intervals of a period share a part of the forecast's error: on a day that brings more than was thought, every hour
does. A period's level can only fall with more contacts, so it reaches its standard with certainty c exactly if it does
with the c-quantile of the shared part: one scenario is staffed, not a distribution. What intervals do not share, and
the chance of who happens to come when, moves the period's level a little; that is turned into the shift of volume that
would move it as much, and added in quadrature.

Within the period intervals stand in for each other, weighted by their contacts, but none falls further than
`MOST_BELOW` under the standard. Live work only. The module takes what is shared and what is not; how a forecast tells
them is for `uncertainty`.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from forestall.staffing.queueing import Floats
from forestall.staffing.requirement import AGENT_LIMIT, Demand, Flags, Integers, expect, least_agents, least_whole

MOST_BELOW = 0.15
# Three points stand for a normal distribution (Gauss-Hermite): exact up to its fifth moment.
_POINTS, _WEIGHTS = np.array([-np.sqrt(3), 0.0, np.sqrt(3)]), np.array([1 / 6, 2 / 3, 1 / 6])
_STEP = 0.06  # of volume, over which the fall of the level is measured


@dataclass(frozen=True)
class Periods:
    """Which intervals are judged together, and how sure one wants to be; one row an interval.

    Attributes:
        period: number of the period that the interval belongs to, from 0 on.
        shift: by which share of its mean rate the interval brings more where the shared part of the forecast's error
            is at its `certainty` quantile.
        own_cv: spread of the error that is the interval's own, as a share of its mean.
        day: number of the interval's day, from 0 on.
        day_cv: spread of the error that the day's intervals share but the period's other days do not; 0 if it has none.
        load_ratio: what agents hold of the load that is offered in the interval (of `lag`).
        certainty: wanted probability that a period meets its standard, between 0 and 1.
        interval_s: length of an interval.
        counts_chance: whether chance counts: what is judged is what contacts really met, not what their rate implies.
    """

    period: Integers
    shift: Floats
    own_cv: Floats
    day: Integers
    day_cv: Floats
    load_ratio: Floats
    certainty: float
    interval_s: int
    counts_chance: bool = True

    def rows(self, chosen: Flags) -> "Periods":
        """Some of the intervals."""
        by_interval = ("period", "shift", "own_cv", "day", "day_cv", "load_ratio")
        return replace(self, **{name: getattr(self, name)[chosen] for name in by_interval})


def least_agents_of_periods(demand: Demand, periods: Periods) -> Integers:
    """The least agents for the certainty that is wanted.

    The occupancy cap is kept at the mean rate, which is never less busy than the mean over all rates.

    Returns:
        Integers over intervals, 0 where nothing arrives, at most `AGENT_LIMIT` (then the standard is not met).
    """
    agents = np.zeros(len(demand), np.int64)
    has_work = demand.rates_per_s.max(axis=1, initial=0.0) > 0
    if has_work.any():
        agents[has_work] = _least(demand.rows(has_work).at_mean(), periods.rows(has_work))
    return agents


def _least(mean: Demand, periods: Periods) -> Integers:
    floor = least_agents(replace(mean, service_level=np.zeros(len(mean))))
    held = replace(mean, rates_per_s=mean.rates_per_s * periods.load_ratio[:, None])
    rough = _least_for_level(_scenario(held, periods.shift), floor)
    shift = periods.shift + _worth_of_noise(held, periods, rough)
    scenario = _scenario(held, shift, np.hypot(periods.own_cv, periods.day_cv))
    enough = np.maximum(_least_for_level(scenario, rough), floor)
    share = _share(mean.rates_per_s[:, 0] * np.clip(1 + shift, 0.0, None), periods.period)
    return _spare(scenario, enough, floor, share, periods.period)


def _share(contacts: Floats, period: Integers) -> Floats:
    """Of each interval in the contacts of its period."""
    total = np.bincount(period, contacts)[period]
    return np.asarray(np.divide(contacts, total, out=np.zeros_like(contacts), where=total > 0))


def _scenario(held: Demand, shift: Floats, own_cv: Floats | None = None) -> Demand:
    """What agents hold with so much more volume, and around it what is the interval's own (lognormal)."""
    rates = held.rates_per_s * np.clip(1 + shift, 1e-6, None)[:, None]
    if own_cv is None:
        return replace(held, rates_per_s=rates)
    sigma = np.sqrt(np.log1p(own_cv**2))[:, None]
    around = np.exp(sigma * _POINTS)
    return replace(held, rates_per_s=rates * around / (around @ _WEIGHTS)[:, None], weights=_WEIGHTS)


def _least_for_level(scenario: Demand, guess: Integers) -> Integers:
    def is_enough(rows: Integers, some: Integers) -> Flags:
        chosen = scenario.rows(rows)
        return expect(chosen, some).service_level >= chosen.service_level

    return least_whole(guess, is_enough)


def _worth_of_noise(held: Demand, periods: Periods, agents: Integers) -> Floats:
    """By how much more volume than `shift` a period must be staffed for what its intervals do not share."""
    if periods.certainty == 0.5:
        return np.zeros(len(held))
    period, at = periods.period, _scenario(held, periods.shift)
    z = float(special.ndtri(periods.certainty))
    # The final plan meets the standard with more volume than this one: seen from there, the mean lies on this side.
    step = -np.sign(z) * _STEP
    here, there = (expect(_scenario(at, np.full(len(at), by)), agents).service_level for by in (0.0, step))
    level, slope = (here + there) / 2, (there - here) / step
    contacts = at.rates_per_s[:, 0] / periods.load_ratio * periods.interval_s
    share = _share(contacts, period)
    total = np.bincount(period, share * level)[period]
    pull = share * (level - total + slope)  # of an interval's volume on the period's level
    variance = (pull * periods.own_cv) ** 2
    if periods.counts_chance:
        variance += share**2 * level * (1 - level) * (1 / contacts + 2 * _memory_s(at) / periods.interval_s)
    fall = -np.bincount(period, share * slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.sqrt(np.bincount(period, variance) + _variance_of_days(pull, periods)) / fall
    # A level that does not move with the volume (nobody comes, or nobody could be late) cannot be bought.
    worth = z * np.where(np.isfinite(noise), np.clip(noise, 0.0, 1.0), 0.0)[period]
    return np.asarray(np.sign(z) * (np.hypot(periods.shift, worth) - np.abs(periods.shift)))


def _variance_of_days(pull: Floats, periods: Periods) -> Floats:
    """Of each period's level, from what the intervals of a day share: they pull together."""
    by_day = np.bincount(periods.day, pull * periods.day_cv) ** 2
    period_of = np.zeros(len(by_day), np.int64)
    period_of[periods.day] = periods.period
    return np.asarray(np.bincount(period_of, by_day, minlength=int(periods.period.max()) + 1))


def _memory_s(at: Demand) -> Floats:
    """How long a queue stays as late as it is: contacts that end and contacts that give up both free it.

    The factor is measured: in long simulations of 3 to 32 agents at 80 % in 20 s, with patience from a fifth of the
    handle time to endless, the variance of a day's level asks for 1.0 to 1.7, about 1.5 of the mean.
    """
    return 1.5 / (1 / at.handle_time_s + 1 / at.patience_s)


def _spare(scenario: Demand, agents: Integers, floor: Integers, share: Floats, period: Integers) -> Integers:
    """Take away agents whom their period can do without, those whom the fewest contacts miss first."""
    agents = agents.copy()
    level = expect(scenario, agents).service_level
    slack: Floats = np.bincount(period, share * (level - scenario.service_level)).astype(np.float64)
    least = scenario.service_level - MOST_BELOW
    lower = np.zeros(len(agents))
    is_open = (agents < AGENT_LIMIT) & (slack > 0)[period]
    is_new = is_open.copy()  # whose next step down is not known yet
    while True:
        is_open &= agents > np.maximum(floor, 1)
        asked = np.flatnonzero(is_new & is_open)
        lower[asked] = expect(scenario.rows(asked), agents[asked] - 1).service_level
        loss = share * (level - lower)
        is_open &= (lower >= least) & (loss <= slack[period])
        if not is_open.any():
            return agents
        taken = _fitting(np.flatnonzero(is_open), loss, period, slack)
        agents[taken] -= 1
        slack -= np.bincount(period[taken], loss[taken], minlength=len(slack))
        level[taken] = lower[taken]
        is_new = np.zeros(len(agents), bool)
        is_new[taken] = True


def _fitting(rows: Integers, loss: Floats, period: Integers, slack: Floats) -> Integers:
    """Of each period as many rows, smallest loss first, as its slack allows; at least one that fits alone."""
    rows = rows[np.lexsort((loss[rows], period[rows]))]
    own = period[rows]
    total = np.cumsum(loss[rows])
    first = np.searchsorted(own, own, side="left")
    before = np.where(first > 0, total[first - 1], 0.0)
    is_first = np.arange(len(rows)) == first
    return np.asarray(rows[is_first | (total - before <= slack[own])])
