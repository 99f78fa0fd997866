"""Queues that the same people serve: how many they take together, and how well each is served then.

Whoever is free takes whoever has waited for longest, of whichever queue. So all queues of a group have one wait, and
each its own standard for it. The group is one queue of Erlang with the queues' mean handle time and mean rate of giving
up; what that leaves out (handle times and patience that differ) is measured: some of the group's intervals are
simulated contact by contact, and as much more or less is asked for as the formula was off. Where queues
are so unlike that apart they take fewer, they are kept apart.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from forestall.sections import ServiceLevelSettings
from forestall.staffing.certainty import agents_for
from forestall.staffing.queueing import Floats
from forestall.staffing.requirement import Demand, Flags, Integers, expect
from forestall.staffing.simulation import draw_arrivals, in_standard, simulate
from forestall.staffing.uncertainty import COLUMNS

SAMPLES = 12  # intervals that are simulated, from the quietest to the busiest
LANES = 60  # side by side
COUNTED = 300  # contacts of a lane that are judged
LEAST_OWN = 500  # of all lanes, of which a queue's own level is told
SETTLING = 5  # handle times until a lane that began empty is as any other
ROUNDS = 2  # of measuring; the second where the first has led to
LEAST, MOST = 0.001, 0.999  # service levels that are told apart from none and all


@dataclass(frozen=True)
class Pooled:
    """Rows of a group; arrays over the rows of its queues.

    Attributes:
        agents: of this queue's share; whole, and over the queues what the group takes.
        is_pooled: whether the queues of the interval share their agents.
        service_level: expected of the queue, as measured.
        asa_s: expected mean wait, seconds; infinite where it would not settle.
        abandonment: expected share that gives up.
        occupancy: expected share of time busy.
    """

    agents: Integers
    is_pooled: Flags
    service_level: Floats
    asa_s: Floats
    abandonment: Floats
    occupancy: Floats


@dataclass(frozen=True)
class _Group:
    """A group as one queue.

    Attributes:
        demand: intervals; threshold and target are those of no queue.
        rows: queue (one name), interval_start_at, local_on, as `periods_of` reads them.
        rate: queues x intervals; mean contacts a second.
        handle_time_s: queues x intervals.
        patience_s: queues.
        threshold_s: queues.
        target: queues x intervals; 0 where nobody comes.
    """

    demand: Demand
    rows: pd.DataFrame
    rate: Floats
    handle_time_s: Floats
    patience_s: Floats
    threshold_s: Floats
    target: Floats

    def within(self, threshold_s: float, target: Floats | float = 0.0) -> Demand:
        """What the group is to be staffed for so that so many are answered within `threshold_s`."""
        every = np.ones(len(self.demand))
        return replace(
            self.demand, threshold_s=threshold_s * every, service_level=np.clip(target * every, 0.0, MOST)
        )  # fmt: skip

    def levels(self, agents: Integers) -> Floats:
        """Queues x intervals; the level that each queue's customers meet by the formula."""
        by_threshold = {one: expect(self.within(one), agents).service_level for one in set(self.threshold_s.tolist())}
        return np.stack([by_threshold[one] for one in self.threshold_s.tolist()])


def pool(
    frame: pd.DataFrame, demand: Demand, alone: Integers, level: ServiceLevelSettings, interval_s: int,
    days: pd.DataFrame | None,
) -> Pooled:  # fmt: skip
    """The least agents of a group of live queues, by simulation within two points of the standards.

    Args:
        frame: queue, interval_start_at, local_on of two queues or more.
        demand: of the same rows.
        alone: agents of each row if nobody else served it.
        level: of `plan_requirement`.
        interval_s: length of an interval.
        days: of `plan_requirement`.
    """
    at, _ = pd.factorize(frame["interval_start_at"], sort=True)
    queue, names = pd.factorize(frame["queue"], sort=True)
    group = _as_one(frame, demand, at, queue)
    together_days = _days_together(days, list(names))

    def enough(target: Floats) -> Integers:
        found = np.zeros(len(group.demand), np.int64)
        for threshold_s in set(group.threshold_s.tolist()):  # all wait alike: of equal ones the strictest tells
            strictest = target[group.threshold_s == threshold_s].max(axis=0)
            has = strictest > 0  # where its queues bring nobody, a period has no contacts to make up for others with
            wanted = group.within(threshold_s, strictest).rows(has)
            least = agents_for(group.rows[has], wanted, level, interval_s, together_days)
            found[has] = np.maximum(found[has], least)
        return found

    together, off = enough(group.target), np.zeros_like(group.target)
    for _ in range(ROUNDS):
        off = _measured(group, together, level)
        together = enough(np.where(group.target > 0, _moved(group.target, -off), 0.0))
    apart = np.bincount(at, alone).astype(np.int64)
    is_pooled = together <= apart
    levels, expected = _moved(group.levels(together), off), expect(group.demand, together)
    return Pooled(
        _shared_out(np.where(is_pooled, together, apart)[at], alone, at), is_pooled[at], levels[queue, at],
        expected.asa_s[at], expected.abandonment[at], expected.occupancy[at],
    )  # fmt: skip


def _as_one(frame: pd.DataFrame, demand: Demand, at: Integers, queue: Integers) -> _Group:
    intervals, queues = int(at.max()) + 1, int(queue.max()) + 1
    rates = np.zeros((intervals, demand.rates_per_s.shape[1]))
    np.add.at(rates, at, demand.rates_per_s)
    rate, handle, target = np.zeros((queues, intervals)), np.ones((queues, intervals)), np.zeros((queues, intervals))
    rate[queue, at] = demand.rates_per_s @ demand.weights
    handle[queue, at] = demand.handle_time_s
    target[queue, at] = np.where(rate[queue, at] > 0, demand.service_level, 0.0)
    first = pd.Series(queue).drop_duplicates().sort_values().index.to_numpy()
    patience, cap = demand.patience_s[first], float(demand.occupancy_cap.min())
    total = rate.sum(axis=0)
    share = np.divide(rate, total, out=np.full_like(rate, 1 / queues), where=total > 0)
    gives_up = share.T @ np.where(np.isinf(patience), 0.0, 1 / patience)
    rows = frame.assign(at=at).drop_duplicates("at").sort_values("at", ignore_index=True)
    return _Group(
        Demand(
            rates, demand.weights, (share * handle).sum(axis=0),
            np.divide(1.0, gives_up, out=np.full(intervals, np.inf), where=gives_up > 0),
            np.zeros(intervals), np.zeros(intervals), np.full(intervals, cap),
            np.full(intervals, int(demand.concurrency.min())), demand.short_abandon_s, demand.formula,
        ),
        rows[["interval_start_at", "local_on"]].assign(queue="group"), rate, handle, patience,
        demand.threshold_s[first], target,
    )  # fmt: skip


def _days_together(days: pd.DataFrame | None, names: list[str]) -> pd.DataFrame | None:
    """The group's days; what one queue brings more than was thought the others are taken to bring, too."""
    if days is None:
        return None
    mine = days[days["queue"].isin(names)]
    return mine.groupby("local_on", as_index=False)[["contacts", *COLUMNS]].sum().assign(queue="group")


def _measured(group: _Group, agents: Integers, level: ServiceLevelSettings) -> Floats:
    """Queues x intervals: simulated less computed level at the mean rate, on a line between the simulated loads.

    As normal scores, of which the difference stays much the same with an agent more or less.
    """
    load = (group.rate * group.handle_time_s).sum(axis=0)
    busy = np.flatnonzero(agents > 0)
    if not len(busy):
        return np.zeros_like(group.rate)
    order = busy[np.argsort(load[busy], kind="stable")]
    chosen = order[np.unique(np.linspace(0, len(order) - 1, SAMPLES).round().astype(np.int64))]
    rng = np.random.default_rng(len(chosen))  # the same night gives the same plan
    met = np.stack([_simulated(group, at, int(agents[at]), level, rng) for at in chosen.tolist()], axis=1)
    at_mean = replace(group, demand=group.demand.at_mean().rows(chosen))
    found = _score(met) - _score(at_mean.levels(agents[chosen]))
    off = np.zeros_like(group.rate)
    for number, is_known in enumerate(np.isfinite(found)):
        if is_known.any():
            off[number] = np.interp(load, load[chosen][is_known], found[number, is_known])
    return off


def _score(level: Floats) -> Floats:
    return np.asarray(special.ndtri(np.clip(level, LEAST, MOST)))


def _moved(level: Floats, scores: Floats) -> Floats:
    return np.asarray(special.ndtr(_score(level) + scores))


def _simulated(group: _Group, at: int, agents: int, level: ServiceLevelSettings, rng: np.random.Generator) -> Floats:
    """Of each queue the level that its customers meet where interval `at` goes on for ever; NaN where nobody comes.

    A queue of few contacts is judged by what all contacts would have met by its threshold.
    """
    rate, handle = group.rate[:, at], group.handle_time_s[:, at]
    longest_s = float(handle[rate > 0].max())
    settled_s = SETTLING * longest_s
    until_s = settled_s + COUNTED / float(rate.sum())
    length_s = until_s + longest_s + float(group.threshold_s.max())  # so that the end leaves no wait undecided
    arrivals = draw_arrivals(
        rng, np.broadcast_to((rate * length_s)[None, :, None], (LANES, len(rate), 1)), handle[:, None],
        group.patience_s, length_s,
    )  # fmt: skip
    servers = np.full((LANES, 1), agents * int(group.demand.concurrency[at]))
    served = simulate(arrivals, servers, length_s)
    is_judged = (arrivals.at_s >= settled_s) & (arrivals.at_s < until_s)
    told = np.full(len(rate), np.nan)
    for number in np.flatnonzero(rate > 0).tolist():  # a handful
        in_time, counted = in_standard(arrivals, served, float(group.threshold_s[number]), level)
        own = counted & is_judged & (arrivals.kind == number)
        judged = own if own.sum() >= LEAST_OWN else counted & is_judged
        told[number] = in_time[judged].mean() if judged.any() else np.nan
    return told


def _shared_out(group: Integers, alone: Integers, at: Integers) -> Integers:
    """The group's agents to its queues as they would need them alone, whole: the largest remainders get one more.

    Worked: 7 agents for queues that alone need 6, 2 and 2: 4.2, 1.4 and 1.4, so 4, 2 and 1.
    """
    needed = np.bincount(at, alone)[at]
    part = np.divide(group * alone, needed, out=np.zeros(len(at)), where=needed > 0)
    whole = np.floor(part + 1e-9).astype(np.int64)
    left = group - np.bincount(at, whole).astype(np.int64)[at]
    rank = pd.Series(np.round(whole - part, 9)).groupby(at).rank(method="first").to_numpy()
    return np.asarray(whole + (rank <= left) * (needed > 0))
