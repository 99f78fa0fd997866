"""Whole agents to schedule: the one definition of hours required, in shifts, capacity, on the page and in files."""

import numpy as np
import pandas as pd


def whole_agents(requirement: pd.DataFrame) -> "pd.Series[int]":
    """Whole people to schedule by row; a thousandth of a person is an error of rounding, not a person.

    The people of a group are rounded up together: each queue, in the order of names, gets what the group's total grows
    by. Worked: 1.4 and 1.4 of a group are 2 and 1, apart they would be 2 and 2.

    Args:
        requirement: queue, queue_group, interval_start_at, agents_gross.
    """
    rows = requirement.sort_values("queue", kind="stable")
    gross = rows["agents_gross"]
    so_far = gross.groupby([rows["queue_group"], rows["interval_start_at"]]).cumsum() - 1e-3
    # What is no more than rounding asks for nobody.
    whole: pd.Series[int] = (np.ceil(so_far) - np.ceil(so_far - gross)).astype("int64").clip(lower=0)
    return whole.reindex(requirement.index)
