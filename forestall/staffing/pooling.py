"""Queues that the same people serve: how many they take together, and how well each is served then.

The group is one queue of Erlang with the queues' mean handle time and mean rate of giving up; what that leaves out
(handle times and patience that differ) is measured: some of the group's intervals are simulated contact by contact,
and as much more or less is asked for as the formula was off. Where queues are so unlike that apart they take fewer,
they are kept apart.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forestall.sections import ServiceLevelSettings
from forestall.staffing.group import Group, along_load, as_one, moved, sampled, score, shared_out, simulated
from forestall.staffing.queueing import Floats
from forestall.staffing.requirement import Demand, Flags, Integers, expect
from forestall.staffing.tried import agents_for
from forestall.staffing.uncertainty import COLUMNS

ROUNDS = 2  # of measuring; the second where the first has led to


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
    group = as_one(frame, demand, at, queue)
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
        together = enough(np.where(group.target > 0, moved(group.target, -off), 0.0))
    apart = np.bincount(at, alone).astype(np.int64)
    is_pooled = together <= apart
    levels, expected = moved(group.levels(together), off), expect(group.demand, together)
    return Pooled(
        shared_out(np.where(is_pooled, together, apart)[at], alone, at), is_pooled[at], levels[queue, at],
        expected.asa_s[at], expected.abandonment[at], expected.occupancy[at],
    )  # fmt: skip


def _days_together(days: pd.DataFrame | None, names: list[str]) -> pd.DataFrame | None:
    """The group's days; what one queue brings more than was thought the others are taken to bring, too."""
    if days is None:
        return None
    mine = days[days["queue"].isin(names)]
    return mine.groupby("local_on", as_index=False)[["contacts", *COLUMNS]].sum().assign(queue="group")


def _measured(group: Group, agents: Integers, level: ServiceLevelSettings) -> Floats:
    """Queues x intervals: simulated less computed level at the mean rate, on a line between the simulated loads.

    As normal scores, of which the difference stays much the same with an agent more or less.
    """
    if not agents.any():
        return np.zeros_like(group.rate)
    load = (group.rate * group.handle_time_s).sum(axis=0)
    chosen = sampled(load, agents > 0)
    rng = np.random.default_rng(len(chosen))  # the same night gives the same plan
    met = np.stack([simulated(group, at, int(agents[at]), level, rng)[0] for at in chosen.tolist()], axis=1)
    at_mean = replace(group, demand=group.demand.at_mean().rows(chosen))
    return along_load(score(met) - score(at_mean.levels(agents[chosen])), chosen, load)
