"""Work that may wait, in whole agents: the fewest agent intervals that do it in time.

People come whole. Work that is spread evenly asks for a whole agent in every interval in which there is a little of it;
whoever plans by hand lets it gather and has somebody do it at a stretch.

Let A be all work that has arrived and D all that is due, as running totals in agent intervals, and N the running total
of agents. Work can be done in time exactly if each window of intervals i to j has agents for what must be done in it:
N(j) - N(i-1) >= D(j) - A(i-1), rounded up (the demand bound of Baruah, Rosier and Howell 1990 for the earliest due
first). These are differences with whole limits, so the least and the greatest totals that satisfy all of them are
whole and are found in one pass each, and from any number between them one can go on (longest paths in such a system:
Cormen and others, "Introduction to Algorithms", 24.4). A limit on the agents at once only pulls D forward and holds A
back, so the lowest limit that takes no more agent intervals is found by halving.
"""

from math import ceil, floor, inf

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ROUNDING = 1e-9  # of all work: so little is no reason for one more agent


def fewest_agents(arrived: Floats, must_be_done: Floats, pace: Floats, before: int | None = None) -> Integers:
    """The fewest agent intervals that do all work in time; of these plans one with the lowest peak, in long stretches.

    An agent who is at it goes on while there is work that waits, and nobody begins before work would be late: this
    batches best where one agent is enough. More than one keep to the whole numbers around the smoothest pace, as far as
    that costs nothing.

    Worked: a fifth of an agent's work arrives in each of ten intervals and may wait until the end. That is two agent
    intervals: one agent in the last two, for the tenth interval's fifth is not there before.

    Args:
        arrived: open intervals; all work that can have been done by the interval's end, less what others do of it; in
            agent intervals.
        must_be_done: open intervals; all work that is due by then, less what others do of it; the same at the end.
        pace: open intervals; the smoothest, in agents.
        before: agents who were at it in the interval before the first; None: whoever comes first does what lies there.

    Returns:
        Whole agents by open interval.
    """
    slack = _ROUNDING * max(1.0, float(arrived[-1]))
    least = _least(arrived, must_be_done, slack)
    if least[-1] == 0:
        return np.zeros(len(arrived), np.int64)
    most = _least_peak(arrived, must_be_done, least, ceil(float(pace.max()) - slack), slack)
    arrived, must_be_done = _within(arrived, must_be_done, most)
    greatest = _greatest(arrived, must_be_done, least[-1], slack)
    low, high = np.floor(pace + slack).astype(int).tolist(), np.ceil(pace - slack).astype(int).tolist()
    agents, total, spare, level = [], 0, 0.0, most if before is None else before
    rows = zip(arrived.tolist(), must_be_done.tolist(), greatest, low, high, strict=True)
    for there, due, limit, fewer, more in rows:  # each choice opens and closes others
        level = max(ceil(due - spare - slack) - total, 0, min(max(fewer, min(level, more)), limit - total, most))
        total += level
        spare = min(spare, there - total)
        agents.append(level)
    return np.array(agents, np.int64)


def done_by(arrived: Floats, capacity: Floats) -> Floats:
    """Work done in each interval by people who work while any is there.

    Args:
        arrived: intervals; all work that can have been done by the interval's end.
        capacity: intervals; work that they can do.
    """
    could = np.cumsum(capacity)
    done = could + np.minimum(np.minimum.accumulate(arrived - could), 0.0)
    return np.diff(done, prepend=0.0)


def _least(arrived: Floats, must_be_done: Floats, slack: float) -> list[int]:
    """The least running total of agents: nobody begins before work would be late.

    `spare` is the least of A - N so far, below none by what agents found nothing to do.
    """
    totals, total, spare = [], 0, 0.0
    for there, due in zip(arrived.tolist(), must_be_done.tolist(), strict=True):
        total = max(total, ceil(due - spare - slack))
        spare = min(spare, there - total)
        totals.append(total)
    return totals


def _greatest(arrived: Floats, must_be_done: Floats, total: int, slack: float) -> list[int]:
    """The greatest running total of agents that ends with `total`: later intervals lack nobody."""
    totals, room = [], inf
    for there, due in zip(arrived[::-1].tolist(), must_be_done[::-1].tolist(), strict=True):
        if room < inf:
            total = min(total, floor(there + room + slack))
        room = min(room, total - due)
        totals.append(total)
    return totals[::-1]


def _within(arrived: Floats, must_be_done: Floats, most: int) -> tuple[Floats, Floats]:
    """The limits for those who have at most so many agents in each interval."""
    possible = most * np.arange(1.0, len(arrived) + 1)
    held = np.minimum(np.minimum.accumulate(arrived - possible), 0.0) + possible
    pulled = np.maximum.accumulate((must_be_done - possible)[::-1])[::-1] + possible
    return held, pulled


def _least_peak(arrived: Floats, must_be_done: Floats, least: list[int], low: int, slack: float) -> int:
    """The least number of agents at once with which no more agent intervals are needed."""

    def is_enough(most: int) -> bool:
        held, pulled = _within(arrived, must_be_done, most)
        return bool((pulled <= held + slack).all()) and _least(held, pulled, slack)[-1] <= least[-1]

    high = int(np.diff(least, prepend=0).max())
    low = min(max(low, 1), high)
    if is_enough(low):
        return low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
