"""Today's staff: what still waits for them, and overtime or time off where more or fewer are needed than planned."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEAST_MINUTES = 60  # nobody stays for half an hour
COLUMNS = ("queue", "proposal", "starts_at", "ends_at", "agents", "agent_hours")


def still_waiting(contacts: NDArray[np.float64], backlog: float, handled: float) -> tuple[NDArray[np.float64], float]:
    """What is left of contacts that are answered in the order in which they came, the backlog before them.

    Worked: 4 lay open, 5 and 6 came, 7 were handled: 2 of the first interval and all 6 of the second wait.

    Args:
        contacts: intervals; that came.
        backlog: contacts that lay open before the first interval; what is left of them counts to it.
        handled: contacts answered since.

    Returns:
        Intervals; contacts that wait, by when they came. And the contacts handled that are accounted for by nothing.
    """
    left = np.cumsum(contacts) + backlog - handled
    return np.diff(np.maximum(left, 0.0), prepend=0.0), float(max(-left[-1], 0.0))


def propose(requirement: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """Runs of intervals in which the requirement lies above or below the plan throughout.

    Args:
        requirement: queue, interval_start_at, agents_net (as restated), planned_agents; the rest of the day.
        minutes: length of an interval.

    Returns:
        COLUMNS, one row a run of at least LEAST_MINUTES: `overtime` or `time_off`, for as many agents as every
        interval of it lacks or can spare.
    """
    rows = requirement.sort_values(["queue", "interval_start_at"], ignore_index=True)
    lack = (rows["agents_net"] - rows["planned_agents"]).to_numpy(np.int64)
    sign = pd.Series(np.sign(lack))
    is_next = rows["interval_start_at"].diff() == pd.Timedelta(minutes=minutes)
    goes_on = is_next & (rows["queue"] == rows["queue"].shift()) & (sign == sign.shift())
    runs = rows.assign(lack=np.abs(lack), sign=sign, run=(~goes_on).cumsum())
    found = runs[runs["sign"] != 0].groupby("run").agg(
        queue=("queue", "first"), sign=("sign", "first"), starts_at=("interval_start_at", "min"),
        last=("interval_start_at", "max"), agents=("lack", "min"), count=("lack", "size"),
    )  # fmt: skip
    found = found[found["count"] * minutes >= LEAST_MINUTES]
    told: pd.DataFrame = found.assign(
        proposal=np.where(found["sign"] > 0, "overtime", "time_off"),
        ends_at=found["last"] + pd.Timedelta(minutes=minutes),
        agent_hours=found["agents"] * found["count"] * minutes / 60,
    )[list(COLUMNS)].reset_index(drop=True)
    return told
