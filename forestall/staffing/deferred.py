"""Work that may wait (mail, forms, social): where within the time that its standard allows it is done.

Work arrives in every interval, is done in open ones, and each piece must be done in time. Among all
plans that keep this, `place` returns the smoothest: no other has a lower peak, nor a lower sum of
any convex cost of the pace. It is the shortest line between "all that has arrived" and "all that is
due", the taut string of the scheduling literature (Yao, Demers and Shenker 1995 for the pace).
`place_whole` returns one that takes the fewest whole agents (`fewest`), near that line where there are many.
Work that is overdue before anybody can touch it (the night's) is planned by itself, over a time of
its own: together the two would not keep the order of due times. Of whole agents it leaves what they have to spare.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forestall.staffing.fewest import done_by, fewest_agents
from forestall.staffing.standards import Clock

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_LOOK_AHEAD = 256  # open intervals scanned at first for the next bend; a bend is hardly ever further off


@dataclass(frozen=True)
class Waiting:
    """Work that may wait, and the intervals in which it is done.

    Attributes:
        starts_s: intervals; their start as seconds since 1970 UTC, ascending.
        interval_s: length of an interval.
        is_open: intervals; whether work is done in it.
        work_s: intervals; seconds of work that arrive.
        first_response_s: time allowed from arrival.
        clock: `elapsed`, or `business` where only open time counts.
        catch_up_s: open time, from when it became overdue, in which work that cannot be in time is caught up.
        backlog_s: work that lies there at the start. Its age is not known: it counts as just arrived.
        begins_s: no work is done before this instant (seconds since 1970 UTC); what arrived earlier keeps its due time.
    """

    starts_s: Integers
    interval_s: int
    is_open: Flags
    work_s: Floats
    first_response_s: int
    clock: Clock = "elapsed"
    catch_up_s: int = 0
    backlog_s: float = 0.0
    begins_s: int = 0


@dataclass(frozen=True)
class Placement:
    """Where deferred work goes.

    Attributes:
        work_s: seconds of work in each interval; 0 where closed.
        late_s: seconds of arriving work that no staffing answers in time, since the queue is closed
            from its arrival until past its due time, or since it still waits when work begins.
        unplaced_s: seconds of work that arrives after the last open interval.
        agents: intervals; whole agents who do it; nobody is told where it is spread evenly.
    """

    work_s: Floats
    late_s: float
    unplaced_s: float
    agents: Integers


@dataclass(frozen=True)
class _Limits:
    """Running totals of work by open interval, seconds: all that can have been done, and all that must be."""

    arrived: Floats
    must_be_done: Floats


def place(waiting: Waiting) -> Placement:
    """Spread work evenly over open intervals, each piece within its time.

    Returns:
        The placement; placed + unplaced work equals arrivals + backlog.
    """
    limits, late_s, unplaced_s = _limits(waiting)
    work = np.zeros_like(waiting.work_s)
    for one in limits:
        work[waiting.is_open] += smoothest(one.arrived, one.must_be_done)
    return Placement(work, late_s, unplaced_s, np.zeros(len(work), np.int64))


def place_whole(waiting: Waiting, agent_s: float, before: int | None = None) -> Placement:
    """Give work to the fewest whole agents who do each piece within its time.

    Args:
        waiting: the work.
        agent_s: seconds of work that an agent does in an interval.
        before: agents who were at it in the interval before `begins_s`; None: nothing tells.
    """
    limits, late_s, unplaced_s = _limits(waiting)
    work, agents = np.zeros_like(waiting.work_s), np.zeros(len(waiting.work_s), np.int64)
    opened = np.flatnonzero(waiting.is_open)
    # The first interval is that in which whoever was at it before may go on.
    at = opened[waiting.starts_s[opened] >= waiting.begins_s]
    spare = np.zeros(len(at))
    for one in limits[::-1]:  # what is overdue is caught up first
        arrived, must_be_done = (values[len(opened) - len(at) :] for values in (one.arrived, one.must_be_done))
        if not len(at) or arrived[-1] <= 0:
            continue
        taken, pace = np.cumsum(spare), smoothest(arrived, must_be_done) / agent_s
        some = fewest_agents((arrived - taken) / agent_s, (must_be_done - taken) / agent_s, pace, before)
        done = done_by(arrived, some * agent_s + spare)
        spare = some * agent_s + spare - done
        agents[at] += some
        work[at] += done
    return Placement(work, late_s, unplaced_s, agents)


def _limits(waiting: Waiting) -> tuple[list[_Limits], float, float]:
    """Limits of the work that can be in time and of what is overdue before anybody can touch it; late and unplaced."""
    work_s, is_open, interval_s = waiting.work_s, waiting.is_open, waiting.interval_s
    open_starts = waiting.starts_s[is_open]
    if open_starts.size == 0:
        return [], 0.0, float(work_s.sum() + waiting.backlog_s)
    last = open_starts.size - 1
    # Positions among open intervals: the first after arrival, the first that can do the work, the last in time, and the
    # first in which it is overdue.
    first: Integers = np.cumsum(is_open) - is_open
    released = np.maximum(first, np.searchsorted(open_starts, waiting.begins_s))
    is_placed = released <= last
    released = np.minimum(released, last)
    if waiting.clock == "business":
        due = first + _intervals(waiting.first_response_s, interval_s)
        overdue_from = due + 1
    else:
        ends_s = waiting.starts_s + waiting.first_response_s
        due = np.searchsorted(open_starts, ends_s - interval_s, side="right") - 1
        overdue_from = np.searchsorted(open_starts, ends_s)
    is_late = is_placed & (overdue_from <= released)
    caught_up = overdue_from + _intervals(waiting.catch_up_s, interval_s)

    arrived = work_s.copy()
    arrived[0] += waiting.backlog_s
    timely = np.where(is_placed & ~is_late, arrived, 0.0)
    overdue = np.where(is_late, arrived, 0.0)
    limits = [
        _Limits(*(_running(at, work, last + 1) for at in (released, np.clip(end, released, last))))
        for end, work in ((due, timely), (caught_up, overdue))
    ]
    return limits, float(work_s[is_late].sum()), float(arrived[~is_placed].sum())


def _running(at: Integers, work: Floats, count: int) -> Floats:
    """Running total over so many intervals of work that falls into these."""
    return np.asarray(np.cumsum(np.bincount(at, work, count)), np.float64)


def _intervals(seconds: int, interval_s: int) -> int:
    """Whole intervals that may pass between arrival at an interval's start and the one that does the work."""
    return max(seconds // interval_s - 1, 0)


def smoothest(arrived: Floats, must_be_done: Floats) -> Floats:
    """The smoothest pace between two running totals.

    Args:
        arrived: open intervals; all work that can have been done by the interval's end.
        must_be_done: open intervals; all work that is due by then; nowhere above `arrived`, and
            equal to it at the end.

    Returns:
        Work done in each open interval.
    """
    upper, lower = np.concatenate([[0.0], arrived]), np.concatenate([[0.0], must_be_done])
    end = upper.size - 1
    slack = 1e-9 * max(upper[end], 1.0)
    pace = np.empty(end)
    at, done = 0, 0.0
    while at < end:  # once for each bend, a few a day
        to = _next_bend(upper, lower, at, done, slack)
        # The line bends where it touches a limit, and so knows its own height there.
        height = upper[to[0]] if to[1] else lower[to[0]]
        pace[at : to[0]] = (height - done) / (to[0] - at)
        at, done = to[0], height
    return pace


def _next_bend(upper: Floats, lower: Floats, at: int, done: float, slack: float) -> tuple[int, bool]:
    """Where a straight line from (at, done) must next bend, and whether it leans on the upper limit there."""
    end = upper.size - 1
    reach = _LOOK_AHEAD
    while True:
        stop = min(at + reach, end)
        distance = np.arange(1, stop - at + 1)
        most, least = (upper[at + 1 : stop + 1] - done) / distance, (lower[at + 1 : stop + 1] - done) / distance
        ceiling, floor = np.minimum.accumulate(most), np.maximum.accumulate(least)
        blocked = floor > ceiling + slack / distance
        if blocked.any():
            return _touch(most, least, int(blocked.argmax()), at)
        if stop == end:
            return end, True
        reach *= 4


def _touch(most: Floats, least: Floats, blocked: int, at: int) -> tuple[int, bool]:
    """The last point that still held the line before it was blocked."""
    before_most, before_least = most[:blocked], least[:blocked]
    leans_on_upper = bool(least[blocked] > before_most.min())
    held = before_most if leans_on_upper else -before_least
    return at + blocked - int(held[::-1].argmin()), leans_on_upper
