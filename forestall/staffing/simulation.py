"""What given agents really give: contacts that arrive, wait, give up and are served, one by one.

A first-come queue of alike agents is settled contact by contact: whoever arrives gets the agent who is
free first, unless that takes longer than their patience. Days and replications are lanes that are settled
side by side, so the loop runs over the contacts of one day only. Agents come and go by interval; whoever
goes ends the contact that they have. Each lane begins empty.

Not for deferred work, which nobody waits for live.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forestall.sections import ServiceLevelSettings

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


@dataclass(frozen=True)
class Outreach:
    """Contacts that agents begin themselves, without end of them, whenever enough of them are idle.

    Attributes:
        idle_agents: who stay idle when one begins; it begins as soon as one more than that is idle.
        contact_s: how long each takes; it is not broken off for whoever calls, and begins only where the agent is
            still there when it ends.
        is_allowed: by interval; whether customers may be called in it.
    """

    idle_agents: int
    contact_s: float
    is_allowed: NDArray[np.bool_]


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


def simulate(arrivals: Arrivals, agents: Integers, interval_s: float, outreach: Outreach | None = None) -> Served:
    """Settle all contacts.

    Args:
        arrivals: of each lane.
        agents: lanes x intervals; who is there. Contacts that one agent holds at once count as agents.
        interval_s: length of an interval.
        outreach: what idle agents begin themselves; none where left out.
    """
    lanes, most = arrivals.at_s.shape
    intervals = agents.shape[1]
    comes = _comes(agents, interval_s)
    free = comes[:, 0].copy()  # when each agent of a lane can take the next contact
    idle = None if outreach is None else _Idle.of(outreach, comes, interval_s)
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
        start[served, at] = begins[served]
        ends = begins[served] + arrivals.handle_time_s[served, at]
        last = (ends // interval_s).astype(np.int64)
        inside = last < intervals
        back = np.where(inside, comes[every[served], last.clip(max=intervals - 1), first[served]], NEVER)
        free[every[served], first[served]] = np.maximum(ends, back)
    lane, contact = np.nonzero(np.isfinite(start))
    begins = start[lane, contact]
    busy = _seconds(lane, begins, begins + arrivals.handle_time_s[lane, contact], agents.shape, interval_s)
    if idle is None:
        return Served(wait, gave_up, busy, np.zeros(agents.shape))
    idle.begin(free, np.full(lanes, NEVER))
    return Served(wait, gave_up, busy, idle.seconds(agents.shape))


@dataclass
class _Idle:
    """Begins contacts of outreach between arrivals, lanes side by side.

    Attributes:
        outreach: when one may begin.
        comes: of `_comes`.
        interval_s: length of an interval.
        clock: by lane; until when it is settled.
        begun: lanes and instants of contacts that have begun.
    """

    outreach: Outreach
    comes: Floats
    interval_s: float
    clock: Floats
    begun: list[tuple[Integers, Floats]]

    @classmethod
    def of(cls, outreach: Outreach, comes: Floats, interval_s: float) -> "_Idle":
        return cls(outreach, comes, interval_s, np.zeros(len(comes)), [])

    def begin(self, free: Floats, until: Floats) -> None:
        """Begin all that may begin before the next arrival; `free` is changed.

        An agent alone who stays for longest of those idle is asked: where that one goes too soon, all do.
        """
        intervals, most = self.comes.shape[1:]
        end = np.minimum(until, intervals * self.interval_s)
        if self.outreach.idle_agents >= most:
            return
        lanes = np.flatnonzero(self.clock < end)
        while len(lanes):
            clock = self.clock[lanes]
            interval = (clock // self.interval_s).astype(np.int64)
            ready = np.maximum(np.maximum(free[lanes], self.comes[lanes, interval]), clock[:, None])
            at = np.partition(ready, self.outreach.idle_agents, axis=1)[:, self.outreach.idle_agents]
            comes_up = at < end[lanes]
            lanes, ready, at, interval = lanes[comes_up], ready[comes_up], at[comes_up], interval[comes_up]
            # In a later interval others are there: look again.
            is_now = (at // self.interval_s).astype(np.int64) == interval
            agent = (ready <= at[:, None]).argmax(axis=1)
            over = at + self.outreach.contact_s
            last = (over // self.interval_s).astype(np.int64)
            stays = (last < intervals) & (self.comes[lanes, last.clip(max=intervals - 1), agent] <= over)
            is_there = stays & (self.comes[lanes, interval, agent] <= at)
            starts = is_now & is_there & self.outreach.is_allowed[interval]
            free[lanes[starts], agent[starts]] = over[starts]
            self.begun.append((lanes[starts], at[starts]))
            self.clock[lanes] = np.where(is_now & ~starts, (interval + 1) * self.interval_s, at)
            lanes = lanes[self.clock[lanes] < end[lanes]]

    def seconds(self, shape: tuple[int, ...]) -> Floats:
        """Seconds of outreach by lane and interval."""
        lane = np.concatenate([lanes for lanes, _ in self.begun] or [np.zeros(0, np.int64)])
        begins = np.concatenate([at for _, at in self.begun] or [np.zeros(0)])
        return _seconds(lane, begins, begins + self.outreach.contact_s, shape, self.interval_s)


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
    came = np.isfinite(arrivals.at_s)
    answered = came & ~served.is_abandoned
    counted = came & ~(served.is_abandoned & (served.wait_s < level.short_abandon_s))
    if level.formula == "answered_in_standard_over_handled":
        counted = answered
    return answered & (served.wait_s <= threshold_s), counted


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


def _seconds(lane: Integers, begins: Floats, ends: Floats, shape: tuple[int, ...], interval_s: float) -> Floats:
    """Seconds between beginnings and ends by lane and interval."""
    seconds = np.zeros(shape)
    interval = (begins // interval_s).astype(np.int64)
    while len(lane):
        inside = interval < shape[1]
        lane, begins, ends, interval = lane[inside], begins[inside], ends[inside], interval[inside]
        until = np.minimum(ends, (interval + 1) * interval_s)
        np.add.at(seconds, (lane, interval), until - begins)
        goes_on = ends > until
        lane, begins, ends, interval = lane[goes_on], until[goes_on], ends[goes_on], interval[goes_on] + 1
    return seconds
