"""Written work in the idle minutes of those who take calls: how many agents both take together.

Who is idle begins a piece of written work as soon as more than a reserve are idle, and ends it before taking a call.
With as much written work as there may be, so many agents are always busy, and the queue is that of Erlang A or C
cut off below them: all that depends on who waits grows by the inverse of the chance to be above the cut (threshold
policy of Bhulai and Koole, "A queueing model for call blending in call centers", 2003; Gans and Zhou, 2003).
For each number of agents there is a least reserve with which customers are served as without written work, and with it
the written work that can be done. Where pieces of work are longer or shorter than calls the formula is off: some
intervals are simulated contact by contact, and as much more or less is asked for as it was off there.

Written work stays where `deferred` has placed it, evenly: every interval has idle minutes to give.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from forestall.sections import ServiceLevelSettings
from forestall.staffing.group import Group, along_load, as_one, moved, sampled, score, shared_out, simulated
from forestall.staffing.idle import Outreach
from forestall.staffing.queueing import Floats, evaluate
from forestall.staffing.requirement import Demand, Flags, Integers, least_whole

SAMPLES = 5  # intervals that are simulated; with written work each takes longer
GIVEN_UP = 0.01  # of the service level: else a whole agent is asked for where a whole reserve misses it by a hair
LEAST_CHANCE = 1e-12  # that is told from none: what is divided by it keeps four digits
LEAST_DONE = 0.5  # of the work that was computed, and the inverse of the most: nothing is corrected by more


@dataclass(frozen=True)
class Written:
    """Written work of a group, by interval.

    Attributes:
        load: agents that are busy with it on average.
        handle_time_s: mean time of a piece; positive.
        agents: who would do it if nobody else did; whole.
    """

    load: Floats
    handle_time_s: Floats
    agents: Integers


@dataclass(frozen=True)
class Blended:
    """What calls and written work take together, by interval.

    Attributes:
        agents: for both; never more than for each apart.
        reserve: who are idle still when somebody begins a piece of written work; -1 where work is not blended.
    """

    agents: Integers
    reserve: Integers


def blend_rows(
    live: pd.DataFrame, demand: Demand, deferred: pd.DataFrame, level: ServiceLevelSettings
) -> tuple[Integers, Integers]:
    """Agents whom the written work of a group takes beyond those of its calls, and the reserve; by row of `deferred`.

    Args:
        live: queue, interval_start_at, local_on, agents_net: of one or more live queues.
        demand: of the same rows, one contact at a time.
        deferred: queue, interval_start_at, offered_load, handle_time_s, agents_net: placed work.
        level: formula of the service level.
    """
    at, starts = pd.factorize(live["interval_start_at"], sort=True)
    queue, _ = pd.factorize(live["queue"], sort=True)
    group = as_one(live, demand, at, queue)
    where = np.asarray(pd.Index(starts).get_indexer(pd.Index(deferred["interval_start_at"])), np.int64)
    rows, alone = where >= 0, deferred["agents_net"].to_numpy(np.int64)
    load, count = deferred["offered_load"].to_numpy(float), len(starts)
    pieces = load / deferred["handle_time_s"].to_numpy(float)

    def total(values: NDArray[np.generic]) -> Floats:
        return np.bincount(where[rows], values[rows], minlength=count).astype(np.float64)

    busy, paces, doing = total(load), total(pieces), total(alone).astype(np.int64)
    piece_s = np.divide(busy, paces, out=np.ones(count), where=paces > 0)
    calls = np.bincount(at, live["agents_net"]).astype(np.int64)
    found = blend(group, calls, Written(busy, piece_s, doing), level)
    agents, reserve = alone.copy(), np.full(len(deferred), -1)
    agents[rows] = shared_out((found.agents - calls)[where[rows]], alone[rows], where[rows])
    reserve[rows] = found.reserve[where[rows]]
    return agents, reserve


def blend(group: Group, live: Integers, written: Written, level: ServiceLevelSettings) -> Blended:
    """The least agents with whom written work is done and calls are served as well as by `live` agents without it.

    Args:
        group: its live queues, one contact at a time.
        live: intervals; agents whom they need.
        written: by interval of the group.
        level: formula of the service level.
    """
    apart = live + written.agents
    does_both = (live > 0) & (group.rate.sum(axis=0) > 0) & (written.load > 0)
    found = Blended(apart.copy(), np.full(len(live), -1))
    if not does_both.any():
        return found
    rows = np.flatnonzero(does_both)
    mean = replace(group, demand=group.demand.at_mean())
    wanted = np.clip(mean.levels(live) - GIVEN_UP, 0.0, None)
    first = _least(mean, wanted, live, written, rows)
    lost, part = _off(mean, wanted, live, written, first, level)
    second = _least(mean, moved(wanted, lost), live, written, rows, part)
    is_fewer = second.agents < apart
    found.agents[is_fewer], found.reserve[is_fewer] = second.agents[is_fewer], second.reserve[is_fewer]
    return found


def _least(
    mean: Group, wanted: Floats, live: Integers, written: Written, rows: Integers, part: Floats | None = None
) -> Blended:
    """The least agents and the reserve that goes with them, at some intervals; apart at all others.

    `part` of the written work that is computed is done, by interval (None: all of it); the cap is that of all of it.
    """
    done = np.ones(len(live)) if part is None else part

    def is_enough(some: Integers, agents: Integers) -> Flags:
        at = rows[some]
        able = _able(mean, wanted, at, agents, written)
        can_be_done = done[at] * able.load
        calls = np.minimum(able.calls, agents - can_be_done)  # who writes for longer takes fewer: more have given up
        is_rested: Flags = calls + written.load[at] <= mean.demand.occupancy_cap[at] * agents
        return is_rested & (can_be_done >= written.load[at])

    found = Blended(live + written.agents, np.full(len(live), -1))
    found.agents[rows] = np.minimum(least_whole(live[rows] + 1, is_enough), found.agents[rows])
    found.reserve[rows] = _able(mean, wanted, rows, found.agents[rows], written).reserve
    return found


@dataclass(frozen=True)
class _Able:
    """What so many agents can do beside calls, by interval.

    Attributes:
        reserve: the least that keeps the level; -1: none does.
        load: written work that is done with it, in agents.
        calls: calls, in agents.
        level: queues x intervals; the level that customers meet.
    """

    reserve: Integers
    load: Floats
    calls: Floats
    level: Floats


def _able(mean: Group, wanted: Floats, rows: Integers, agents: Integers, written: Written) -> _Able:
    """What so many agents can do beside calls, at the intervals `rows` of all arrays but `agents`.

    With s servers, p the chance that all are busy without written work, and F the distribution of a Poisson number with
    the load as its mean: at least s - r are busy with the chance p + (1 - p) (1 - F(s - r - 1) / F(s - 1)),
    by which the share that is not served in time is divided. The pace is that of calls and pieces as they are in work
    together.
    """
    demand = mean.demand.rows(rows)
    rate, calls = demand.rates_per_s[:, 0], demand.rates_per_s[:, 0] * demand.handle_time_s
    load, piece_s = written.load[rows], written.handle_time_s[rows]
    mixed_s = (calls + load) / (rate + load / piece_s)
    offered = rate * mixed_s
    at = [
        evaluate(agents, rate, mixed_s, demand.patience_s, threshold_s, demand.short_abandon_s, demand.formula)
        for threshold_s in mean.threshold_s.tolist()
    ]
    p_wait = at[0].p_wait
    missed = np.stack([1 - one.service_level for one in at])
    may_miss = 1 - wanted[:, rows]
    # The strictest queue counts; one that brings nobody asks for nothing.
    needs = np.where(mean.rate[:, rows] > 0, missed / np.maximum(may_miss, 1e-12), 0.0).max(axis=0)
    free = _poisson(agents - 1, offered)
    # With so much more than they can do (40 standard deviations) nobody is ever free: there is nothing to divide by.
    is_able = (needs <= 1) & (free > 0)
    some = np.where(is_able, free, 1.0)
    # Where so few wait that digits end, agents more are taken to be idle: too many stay so, rather than too few.
    spare = np.divide(1 - np.maximum(needs, LEAST_CHANCE), 1 - p_wait, out=np.zeros_like(free), where=p_wait < 1)
    below = np.where(is_able, free * np.clip(spare, 0.0, 1 - LEAST_CHANCE), 0.0)
    # `pdtrik` has no answer below the chance of none.
    is_cut = (below > 0) & (below >= np.exp(-offered))
    idle_from = np.full(len(agents), -1.0)
    idle_from[is_cut] = np.floor(special.pdtrik(below[is_cut], offered[is_cut]) + 1e-9)
    idle_from = np.minimum(idle_from, agents - 1)
    reserve = np.asarray(agents - 1 - idle_from, np.int64)
    above = p_wait + (1 - p_wait) * (1 - _poisson(idle_from, offered) / some)
    some_free = offered * (_poisson(agents - 2, offered) - _poisson(idle_from - 1, offered)) / some
    busy = (agents * p_wait + (1 - p_wait) * some_free) / above
    taken = calls * (1 - at[0].abandonment / above)
    return _Able(np.where(is_able, reserve, -1), np.where(is_able, np.clip(busy - taken, 0.0, None), 0.0), taken,
                 1 - np.minimum(missed / above, 1.0))  # fmt: skip


def _poisson(count: NDArray[np.generic], mean: Floats) -> Floats:
    """Chance of at most so many; 0 below none."""
    return np.where(np.asarray(count) < 0, 0.0, special.pdtr(np.maximum(count, 0), mean))


def _off(
    mean: Group, wanted: Floats, live: Integers, written: Written, found: Blended, level: ServiceLevelSettings
) -> tuple[Floats, Floats]:
    """How far the formula is off, on lines between the loads of intervals that are simulated.

    Returns:
        Queues x intervals: by how much written work lowers the level more than computed, as normal scores; and by
        interval the written work that is done as a part of what was computed.
    """
    load, as_is = (mean.rate * mean.handle_time_s).sum(axis=0), mean.levels(live)
    is_exact = len(mean.rate) == 1  # one queue without written work is the formula's own
    chosen = sampled(load, found.reserve >= 0, SAMPLES)
    if not len(chosen):
        return np.zeros_like(mean.rate), np.ones(len(load))
    able = _able(mean, wanted, chosen, found.agents[chosen], written)
    lost, part = [], []
    for number, at in enumerate(chosen.tolist()):
        work = Outreach(int(found.reserve[at]), float(written.handle_time_s[at]), np.ones(1, bool))
        without = as_is[:, at]
        if not is_exact:
            without, _ = simulated(mean, at, int(live[at]), level, np.random.default_rng(at))
        beside, done = simulated(mean, at, int(found.agents[at]), level, np.random.default_rng(at), work)
        lost.append(score(without) - score(as_is[:, at]) - (score(beside) - score(able.level[:, number])))
        part.append(np.clip(done / able.load[number], LEAST_DONE, 1 / LEAST_DONE))
    return along_load(np.stack(lost, axis=1), chosen, load), along_load(np.array([part]), chosen, load)[0]
