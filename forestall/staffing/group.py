"""The live queues of people who serve several, as one queue of Erlang, and as they are: contact by contact.

Whoever is free takes whoever has waited for longest, of whichever queue. So all queues of a group have one wait, and
each its own standard for it.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from forestall.sections import ServiceLevelSettings
from forestall.staffing.idle import Outreach
from forestall.staffing.queueing import Floats
from forestall.staffing.requirement import Demand, Flags, Integers, expect
from forestall.staffing.simulation import draw_arrivals, in_standard, simulate

SAMPLES = 12  # intervals that are simulated, from the quietest to the busiest
LANES = 60  # side by side
COUNTED = 300  # contacts of a lane that are judged
LEAST_OWN = 500  # of all lanes, of which a queue's own level is told
PARTS = 8  # of a lane; what agents begin themselves is judged by those in the middle
SETTLING = 5  # handle times until a lane that began empty is as any other
LEAST, MOST = 0.001, 0.999  # service levels that are told apart from none and all


@dataclass(frozen=True)
class Group:
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


def as_one(frame: pd.DataFrame, demand: Demand, at: Integers, queue: Integers) -> Group:
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
    return Group(
        Demand(
            rates, demand.weights, (share * handle).sum(axis=0),
            np.divide(1.0, gives_up, out=np.full(intervals, np.inf), where=gives_up > 0),
            np.zeros(intervals), np.zeros(intervals), np.full(intervals, cap),
            np.full(intervals, int(demand.concurrency.min())), demand.short_abandon_s, demand.formula,
        ),
        rows[["interval_start_at", "local_on"]].assign(queue="group"), rate, handle, patience,
        demand.threshold_s[first], target,
    )  # fmt: skip


def sampled(load: Floats, is_chosen: Flags, most: int = SAMPLES) -> Integers:
    """Positions of at most so many of the chosen intervals, from the least load to the greatest."""
    chosen = np.flatnonzero(is_chosen)
    if not len(chosen):
        return chosen
    order = chosen[np.argsort(load[chosen], kind="stable")]
    return np.asarray(order[np.unique(np.linspace(0, len(order) - 1, most).round().astype(np.int64))])


def along_load(found: Floats, at: Integers, load: Floats) -> Floats:
    """Queues x intervals, on a line between the loads of those of which it was found (queues x those; NaN: unknown)."""
    told = np.zeros((len(found), len(load)))
    for number, is_known in enumerate(np.isfinite(found)):
        if is_known.any():
            told[number] = np.interp(load, load[at][is_known], found[number, is_known])
    return told


def score(level: Floats) -> Floats:
    return np.asarray(special.ndtri(np.clip(level, LEAST, MOST)))


def moved(level: Floats, scores: Floats) -> Floats:
    return np.asarray(special.ndtr(score(level) + scores))


def simulated(
    group: Group, at: int, agents: int, level: ServiceLevelSettings, rng: np.random.Generator,
    beside: Outreach | None = None,
) -> tuple[Floats, float]:  # fmt: skip
    """What becomes of an interval that goes on for ever, contact by contact.

    Args:
        group: its queues.
        at: the interval.
        agents: who is there.
        level: formula of the level.
        rng: where chance comes from.
        beside: what idle agents begin themselves, at any time or never.

    Returns:
        Of each queue the level that its customers meet (NaN where nobody comes; a queue of few contacts is judged by
        what all contacts would have met by its threshold), and the agents who are busy with what they began themselves.
    """
    rate, handle = group.rate[:, at], group.handle_time_s[:, at]
    longest_s = max(float(handle[rate > 0].max()), beside.contact_s if beside else 0.0)
    settled_s = SETTLING * longest_s
    until_s = settled_s + COUNTED / float(rate.sum())
    length_s = until_s + longest_s + float(group.threshold_s.max())  # so that the end leaves no wait undecided
    arrivals = draw_arrivals(
        rng, np.broadcast_to((rate * length_s)[None, :, None], (LANES, len(rate), 1)), handle[:, None],
        group.patience_s, length_s,
    )  # fmt: skip
    servers = np.full((LANES, PARTS), agents * int(group.demand.concurrency[at]))
    part_s = length_s / PARTS
    served = simulate(arrivals, servers, part_s, beside)
    is_judged = (arrivals.at_s >= settled_s) & (arrivals.at_s < until_s)
    told = np.full(len(rate), np.nan)
    for number in np.flatnonzero(rate > 0).tolist():  # a handful
        in_time, counted = in_standard(arrivals, served, float(group.threshold_s[number]), level)
        own = counted & is_judged & (arrivals.kind == number)
        judged = own if own.sum() >= LEAST_OWN else counted & is_judged
        told[number] = in_time[judged].mean() if judged.any() else np.nan
    middle = served.outreach_s[:, PARTS // 4 : -PARTS // 4]
    return told, float(middle.mean() / part_s)


def shared_out(group: Integers, alone: Integers, at: Integers) -> Integers:
    """The group's agents to its queues as they would need them alone, whole: the largest remainders get one more.

    Worked: 7 agents for queues that alone need 6, 2 and 2: 4.2, 1.4 and 1.4, so 4, 2 and 1.
    """
    needed = np.bincount(at, alone)[at]
    part = np.divide(group * alone, needed, out=np.zeros(len(at)), where=needed > 0)
    whole = np.floor(part + 1e-9).astype(np.int64)
    left = group - np.bincount(at, whole).astype(np.int64)[at]
    rank = pd.Series(np.round(whole - part, 9)).groupby(at).rank(method="first").to_numpy()
    return np.asarray(whole + (rank <= left) * (needed > 0))
