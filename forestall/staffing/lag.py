"""The load that agents really hold, which lags behind the load that is offered.

A contact that came in keeps its agent for a handle time. So a day begins with agents who are all free, and while
volume rises they are less busy than it says. The mean number of contacts with as many agents as there are contacts
tells by how much ("modified offered load": Jennings, Mandelbaum, Massey and Whitt, 1996). While volume falls agents go
with it, and who goes ends the contact that they have: what lags behind is no load of those who stay.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FORGOTTEN = 1e-4  # of what was there
_MOST_STEPS = 60


def load_ratio(load: Floats, handle_time_s: Floats, start_s: NDArray[np.int64], queue: NDArray[np.int64],
               interval_s: int) -> Floats:  # fmt: skip
    """Mean load that agents hold in each interval, over the load that is offered in it; at most 1.

    Args:
        load: offered, erlangs; rows by queue and time.
        handle_time_s: mean, positive.
        start_s: first second of each interval. After a gap the queue begins empty; before its first row it is taken to
            have been as loaded as in it.
        queue: number of each row's queue.
        interval_s: length of an interval.

    Worked: handle times of 300 s, half hours, an empty queue at first: 1 - 300 / 1800 x (1 - e^-6) = 0.8337.
    """
    if not len(load):
        return np.ones(0)
    is_first = np.r_[True, queue[1:] != queue[:-1]]
    follows = np.r_[False, (np.diff(start_s) == interval_s)] & ~is_first
    kept = np.exp(-interval_s / handle_time_s)
    gained = load * (1 - kept) + np.where(is_first, load * kept, 0.0)
    steps = int(min(np.ceil(np.log(_FORGOTTEN) / np.log(kept.max())), _MOST_STEPS)) if kept.max() > 0 else 1
    at_end = gained
    for _ in range(steps):
        at_end = gained + np.where(follows, kept * np.r_[0.0, at_end[:-1]], 0.0)
    at_start = np.where(is_first, load, np.where(follows, np.r_[0.0, at_end[:-1]], 0.0))
    held = load + (at_start - load) * handle_time_s / interval_s * (1 - kept)
    return np.asarray(np.minimum(np.divide(held, load, out=np.ones_like(load), where=load > 0), 1.0))
