"""What given agents really give: contacts that arrive, wait, give up and are served, one by one.

A first-come queue of alike agents is settled contact by contact: whoever arrives gets the agent who is
free first, unless that takes longer than their patience. Days and replications are lanes that are settled
side by side, so the loop runs over the contacts of one day only. Agents come and go by interval; whoever
goes ends the contact that they have. Each lane begins empty, unless it is told what was begun before.

Not for deferred work, which nobody waits for live.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forestall.sections import ServiceLevelSettings
from forestall.staffing.idle import Idle, Outreach, seconds_between
from forestall.staffing.promise import judge

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
NEVER = np.inf


@dataclass(frozen=True)
class Arrivals:
    """Contacts of each lane in the order in which they come; lanes x most contacts, padded with `inf` times.

    Attributes:
        at_s: seconds after the start of the lane.
        handle_time_s: how long each takes.
        patience_s: how long each waits; `inf` for ever.
        kind: queue of each, so that several may share their agents.
    """

    at_s: Floats
    handle_time_s: Floats
    patience_s: Floats
    kind: Integers


@dataclass(frozen=True)
class Served:
    """What became of each contact, in the shape of the arrivals, and of the agents.

    Attributes:
        wait_s: until the answer or until they gave up; NaN where padded.
        is_abandoned: gave up.
        busy_s: lanes x intervals; agent seconds with a contact (past the last interval left out).
        outreach_s: lanes x intervals; agent seconds with a contact of outreach.
    """

    wait_s: Floats
    is_abandoned: NDArray[np.bool_]
    busy_s: Floats
    outreach_s: Floats


def draw_arrivals(
    rng: np.random.Generator, rates: Floats, handle_time_s: Floats, patience_s: Floats, interval_s: float
) -> Arrivals:
    """Poisson arrivals whose rate is constant in each interval; times of service and patience are exponential.

    Args:
        rng: where chance comes from.
        rates: lanes x queues x intervals; mean contacts an interval.
        handle_time_s: queues x intervals (or broadcast to lanes x queues x intervals); means.
        patience_s: queues; means, `inf` for who never gives up.
        interval_s: length of an interval.
    """
    return place_arrivals(rng, rng.poisson(rates), handle_time_s, patience_s, interval_s)


def place_arrivals(
    rng: np.random.Generator, counts: Integers, handle_time_s: Floats, patience_s: Floats, interval_s: float
) -> Arrivals:
    """So many contacts in each interval, at any moment of it; arguments else as those of `draw_arrivals`.

    Args:
        rng: where chance comes from.
        counts: lanes x queues x intervals.
        handle_time_s: means.
        patience_s: queues; means.
        interval_s: length of an interval.
    """
    lanes = len(counts)
    total = counts.sum(axis=(1, 2))
    most = int(total.max(initial=0))
    lane, queue, interval = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices(counts.shape))
    at = (interval + rng.random(len(interval))) * interval_s
    mean = np.broadcast_to(handle_time_s, counts.shape)[lane, queue, interval]
    order = np.lexsort((at, lane))
    place = np.arange(len(at)) - np.repeat(np.cumsum(total) - total, total)
    padded = (lane[order], place)
    arrivals = Arrivals(
        np.full((lanes, most), NEVER), np.zeros((lanes, most)), np.full((lanes, most), NEVER),
        np.zeros((lanes, most), np.int64),
    )  # fmt: skip
    arrivals.at_s[padded] = at[order]
    arrivals.handle_time_s[padded] = (mean * rng.standard_exponential(len(at)))[order]
    with np.errstate(invalid="ignore"):
        arrivals.patience_s[padded] = (patience_s[queue] * rng.exponential(size=len(at)))[order]
    arrivals.kind[padded] = queue[order]
    return arrivals


def simulate(
    arrivals: Arrivals, agents: Integers, interval_s: float, outreach: Outreach | None = None,
    begun_s: Floats | float = 0.0,
) -> Served:  # fmt: skip
    """Settle all contacts.

    Args:
        arrivals: of each lane.
        agents: lanes x intervals; who is there. Contacts that one agent holds at once count as agents.
        interval_s: length of an interval.
        outreach: what idle agents begin themselves; none where left out.
        begun_s: lanes x agents; seconds until each is done with what was begun before the lane, which is counted as
            neither. 0: the lane begins empty.
    """
    lanes, most = arrivals.at_s.shape
    intervals = agents.shape[1]
    comes = _comes(agents, interval_s)
    free = np.maximum(comes[:, 0], begun_s)  # when each agent of a lane can take the next contact
    idle = None if outreach is None else Idle.of(outreach, comes, interval_s)
    wait = np.full((lanes, most), np.nan)
    gave_up = np.zeros((lanes, most), bool)
    start = np.full((lanes, most), np.nan)
    every = np.arange(lanes)
    for at in range(most):
        now = arrivals.at_s[:, at]
        if idle is not None:
            idle.begin(free, now)
        is_real = np.isfinite(now)
        since = np.where(is_real, now, 0.0)
        interval = (since // interval_s).astype(np.int64).clip(max=intervals - 1)
        ready = np.maximum(free, comes[every, interval])
        first = ready.argmin(axis=1) if ready.shape[1] else np.zeros(lanes, np.int64)
        begins = np.maximum(ready[every, first], now) if ready.shape[1] else np.full(lanes, NEVER)
        waits = np.where(is_real, begins - since, np.nan)
        leaves = is_real & (waits > arrivals.patience_s[:, at])
        # Whom nobody will ever answer and who would never give up waits until the lane ends.
        stays = is_real & ~leaves & ~np.isfinite(begins)
        served = is_real & ~leaves & ~stays
        wait[:, at] = np.where(leaves, arrivals.patience_s[:, at], np.where(stays, intervals * interval_s - now, waits))
        gave_up[:, at] = leaves | stays
        if idle is not None:
            idle.account(arrivals.kind[:, at], is_real, gave_up[:, at], wait[:, at])
        start[served, at] = begins[served]
        ends = begins[served] + arrivals.handle_time_s[served, at]
        last = (ends // interval_s).astype(np.int64)
        inside = last < intervals
        back = np.where(inside, comes[every[served], last.clip(max=intervals - 1), first[served]], NEVER)
        free[every[served], first[served]] = np.maximum(ends, back)
    lane, contact = np.nonzero(np.isfinite(start))
    begins = start[lane, contact]
    busy = seconds_between(lane, begins, begins + arrivals.handle_time_s[lane, contact], agents.shape, interval_s)
    if idle is None:
        return Served(wait, gave_up, busy, np.zeros(agents.shape))
    idle.begin(free, np.full(lanes, NEVER))
    return Served(wait, gave_up, busy, idle.seconds(agents.shape))


def in_standard(
    arrivals: Arrivals, served: Served, threshold_s: Floats | float, level: ServiceLevelSettings
) -> tuple[Flags, Flags]:
    """Which contacts were answered within the standard, and which it is judged by; by the formula of the settings.

    Args:
        arrivals: of each lane.
        served: what became of them.
        threshold_s: of each contact, or of all.
        level: formula, and who gives up too soon to count.
    """
    return judge(np.isfinite(arrivals.at_s), served.is_abandoned, served.wait_s, threshold_s, level)


def _comes(agents: Integers, interval_s: float) -> Floats:
    """Lanes x intervals x agents: start of the first interval, from this one on, in which so many are there."""
    lanes, intervals = agents.shape
    most = int(agents.max(initial=0))
    comes = np.full((lanes, intervals, most), NEVER)
    later = np.full((lanes, most), NEVER)
    rank = np.arange(1, most + 1)
    for interval in range(intervals - 1, -1, -1):
        later = np.where(agents[:, interval, None] >= rank, interval * interval_s, later)
        comes[:, interval] = later
    return comes
