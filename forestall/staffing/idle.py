"""Contacts that agents begin themselves while others are idle: outreach beside a live queue.

Two things hold it back: how many must stay idle, and the day's credit, which is how many answers in time there were
beyond those that the standard asks for. A reserve keeps each wait short; the credit keeps a day that brings more than
was thought from being harmed by what would do no harm on an ordinary one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forestall.staffing.promise import Promise

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Outreach:
    """Contacts without end of them, each begun by an agent as soon as enough others are idle.

    Attributes:
        idle_agents: who stay idle when one begins; it begins as soon as one more than that is idle. A number, or
            lanes x 1, or lanes x intervals.
        contact_s: how long each takes; it is not broken off for whoever calls, and begins only where the agent is
            still there when it ends.
        is_allowed: by interval, or lanes x intervals; whether customers may be called in it.
        promise: what the credit goes by; None: outreach goes on whatever the credit is.
        credit: one begins only while the day's credit is at least this; a number, or by lane.
    """

    idle_agents: Integers | int
    contact_s: float
    is_allowed: Flags
    promise: Promise | None = None
    credit: Floats | float = 0.0


@dataclass
class Idle:
    """Begins contacts of outreach between arrivals, lanes side by side.

    Attributes:
        outreach: what holds it back.
        idle_agents: lanes x intervals.
        is_allowed: lanes x intervals.
        credit: by lane, so far.
        comes: lanes x intervals x agents; start of the first interval, from this one on, in which so many are there.
        interval_s: length of an interval.
        clock: by lane; until when it is settled.
        begun: lanes and instants of contacts that have begun.
        is_steady: whether nothing changes: all are there throughout, as many stay idle, and nothing else holds it back.
    """

    outreach: Outreach
    idle_agents: Integers
    is_allowed: Flags
    credit: Floats
    comes: Floats
    interval_s: float
    clock: Floats
    begun: list[tuple[Integers, Floats]]
    is_steady: bool = False

    @classmethod
    def of(cls, outreach: Outreach, comes: Floats, interval_s: float) -> "Idle":
        shape = comes.shape[:2]
        idle_agents = np.broadcast_to(np.asarray(outreach.idle_agents, np.int64), shape)
        is_allowed = np.broadcast_to(outreach.is_allowed, shape) & (idle_agents < comes.shape[2])
        clock, credit = np.zeros((2, len(comes)))
        is_there = comes == interval_s * np.arange(comes.shape[1])[:, None]
        is_steady = bool(
            outreach.promise is None and is_allowed.all() and is_there.all() and np.ptp(idle_agents) == 0
        )  # fmt: skip
        return cls(outreach, idle_agents, is_allowed, credit, comes, interval_s, clock, [], is_steady)

    def account(self, kind: Integers, came: Flags, gave_up: Flags, wait_s: Floats) -> None:
        """Add a contact of each lane to the credit.

        Whoever is idle leaves nobody waiting, so when outreach may begin all earlier contacts are settled.
        """
        if self.outreach.promise is not None:
            self.credit += self.outreach.promise.credit(kind, came, gave_up, wait_s)

    def begin(self, free: Floats, until: Floats) -> None:
        """Begin all that may begin before the next arrival; `free` is changed.

        An agent alone who stays for longest of those idle is asked: where that one goes too soon, all do.

        Args:
            free: lanes x agents; when each can take the next contact.
            until: by lane; when the next contact arrives.
        """
        intervals, most = self.comes.shape[1:]
        end = np.minimum(until, intervals * self.interval_s)
        if self.is_steady:
            self._begin_steady(free, end)
            return
        if self.outreach.promise is not None:
            may = self.credit >= self.outreach.credit
            self.clock = np.where(may, self.clock, np.maximum(self.clock, end))
        lanes = np.flatnonzero(self.clock < end)
        while len(lanes) and most:
            clock = self.clock[lanes]
            interval = (clock // self.interval_s).astype(np.int64)
            may = self.is_allowed[lanes, interval]
            if not may.all():  # look again in the next interval
                shut = lanes[~may]
                self.clock[shut] = np.minimum((interval[~may] + 1) * self.interval_s, end[shut])
            lanes, clock, interval, waits = lanes[may], clock[may], interval[may], lanes[~may]
            ready = np.maximum(np.maximum(free[lanes], self.comes[lanes, interval]), clock[:, None])
            idle_agents = self.idle_agents[lanes, interval]
            at = np.sort(ready, axis=1)[np.arange(len(lanes)), idle_agents]
            comes_up = at < end[lanes]
            lanes, ready, at, interval = lanes[comes_up], ready[comes_up], at[comes_up], interval[comes_up]
            # In a later interval others are there: look again.
            is_now = (at // self.interval_s).astype(np.int64) == interval
            agent = (ready <= at[:, None]).argmax(axis=1)
            over = at + self.outreach.contact_s
            last = (over // self.interval_s).astype(np.int64)
            stays = (last < intervals) & (self.comes[lanes, last.clip(max=intervals - 1), agent] <= over)
            starts = is_now & stays & (self.comes[lanes, interval, agent] <= at)
            free[lanes[starts], agent[starts]] = over[starts]
            self.begun.append((lanes[starts], at[starts]))
            self.clock[lanes] = np.where(is_now & ~starts, (interval + 1) * self.interval_s, at)
            lanes = np.concatenate([lanes, waits])
            lanes = lanes[self.clock[lanes] < end[lanes]]

    def _begin_steady(self, free: Floats, end: Floats) -> None:
        """All that begin before the next arrival at once: one when one more than the reserve is free, and so on.

        Those that begin after the first of them is over are found in another turn. The agents are alike, so whoever is
        free first begins first.
        """
        reserve, contact_s = int(self.idle_agents[0, 0]), self.outreach.contact_s
        end = np.minimum(end, self.comes.shape[1] * self.interval_s - contact_s)[:, None]
        while len(lanes := np.flatnonzero((free < end).sum(axis=1) > reserve)):
            order = np.argsort(free[lanes], axis=1)
            at = np.take_along_axis(free[lanes], order, axis=1)[:, reserve:]
            row, rank = np.nonzero((at < end[lanes]) & (at < at[:, :1] + contact_s))
            free[lanes[row], order[row, rank]] = at[row, rank] + contact_s
            self.begun.append((lanes[row], at[row, rank]))

    def seconds(self, shape: tuple[int, ...]) -> Floats:
        """Seconds of outreach by lane and interval."""
        lane = np.concatenate([lanes for lanes, _ in self.begun] or [np.zeros(0, np.int64)])
        begins = np.concatenate([at for _, at in self.begun] or [np.zeros(0)])
        return seconds_between(lane, begins, begins + self.outreach.contact_s, shape, self.interval_s)


def seconds_between(lane: Integers, begins: Floats, ends: Floats, shape: tuple[int, ...], interval_s: float) -> Floats:
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
