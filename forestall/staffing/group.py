"""The live queues of people who serve several, as one queue of Erlang, and as they are: contact by contact.

Whoever is free takes whoever has waited for longest, of whichever queue. So all queues of a group have one wait, and
each its own standard for it.
"""

import math
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
LANES = 60  # side by side, at most
CONTACTS = 300_000  # of all lanes, about; where one alone has many, its moments are unlike enough
LEAST_LANES = 8
COUNTED = 300  # contacts of a lane that are judged, at least
LEAST_OWN = 500  # of all lanes, of which a queue's own level is told
SETTLING = 4  # longest handle times until a lane is as any other
JUDGED = 6  # longest handle times that are judged, at least: of a busy lane fewer would all tell of the same moment
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
    part_s = max(longest_s, COUNTED / float(rate.sum()) / JUDGED)
    first = math.ceil(SETTLING * longest_s / part_s)
    last = first + JUDGED  # behind it so much that the end leaves no wait undecided
    parts = last + math.ceil((longest_s + float(group.threshold_s.max())) / part_s)
    lanes = int(np.clip(CONTACTS / (float(rate.sum()) * part_s * parts), LEAST_LANES, LANES))
    arrivals = draw_arrivals(
        rng, np.broadcast_to((rate * part_s * parts)[None, :, None], (lanes, len(rate), 1)), handle[:, None],
        group.patience_s, part_s * parts,
    )  # fmt: skip
    there = np.full((lanes, parts), agents * int(group.demand.concurrency[at]))
    served = simulate(arrivals, there, part_s, beside, _begun(rng, rate * handle, handle, there, beside))
    is_judged = (arrivals.at_s >= first * part_s) & (arrivals.at_s < last * part_s)
    told, taken = np.full(len(rate), np.nan), 0.0
    for number in np.flatnonzero(rate > 0).tolist():  # a handful
        in_time, counted = in_standard(arrivals, served, float(group.threshold_s[number]), level)
        own = counted & is_judged & (arrivals.kind == number)
        judged = own if own.sum() >= LEAST_OWN else counted & is_judged
        told[number] = in_time[judged].mean() if judged.any() else np.nan
        came = is_judged & (arrivals.kind == number)
        stayed = 1 - served.is_abandoned[came].mean() if came.any() else 1.0
        taken += rate[number] * handle[number] * stayed
    # What chance brought of contacts beyond their mean was lacking for what is begun beside them.
    busy, begun = (each[:, first:last].mean() / part_s for each in (served.busy_s, served.outreach_s))
    return told, float(begun + busy - taken)


def _begun(
    rng: np.random.Generator, load: Floats, handle_time_s: Floats, there: Integers, beside: Outreach | None
) -> Floats:
    """Lanes x servers; seconds until each is done with what was begun before: contacts, and pieces at any moment.

    Were all idle, all would begin their pieces at once, and end and begin them together for long.
    """
    lanes, servers = len(there), int(there[0, 0])
    shape, rank = (lanes, servers), np.arange(servers)
    contacts = rng.poisson(load.sum(), lanes)[:, None]
    contact_s = rng.choice(handle_time_s, shape, p=load / load.sum()) * rng.standard_exponential(shape)
    pieces = servers - int(np.max(beside.idle_agents)) if beside else 0
    piece_s = rng.random(shape) * (beside.contact_s if beside else 0.0)
    return np.where(rank < contacts, contact_s, np.where(rank < pieces, piece_s, 0.0))


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
