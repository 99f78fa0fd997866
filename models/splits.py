"""How rows are divided for learning and judging: by time with a gap, or by customer where time is too short.

A label looks ahead. Two as-of dates nearer to one another than the label window share a future, and a
customer's rows on neighbouring dates are nearly the same row. So a model is judged on a later date
only where every label it learned from was known on that date, and rows are shared out by customer,
never one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class TimeSplit:
    """As-of dates to learn from, and the later one to judge on."""

    earlier: tuple[date, ...]
    newest: date


def split_by_time(dates: Sequence[date], gap_days: int) -> TimeSplit | None:
    """The newest date, and those whose labels were all known on it.

    Args:
        dates: as-of dates in any order.
        gap_days: label window and grace: an as-of date `d` has known labels on `d + gap_days`.

    Returns:
        None where no date is old enough. With a gap of 91 days, dates 2011-03-11 and 2011-06-10
        split; 2011-03-12 and 2011-06-10 do not.
    """
    if not dates:
        return None
    newest = max(dates)
    earlier = tuple(sorted(d for d in set(dates) if d + timedelta(days=gap_days) <= newest))
    return TimeSplit(earlier, newest) if earlier else None


def customer_folds(customers: pd.Series, count: int) -> npt.NDArray[np.int64]:
    """A fold of 0..count-1 for each row, the same for all rows of a customer, and stable from run to run."""
    return (_hashes(customers) % np.uint64(count)).astype(np.int64)


def customer_sample(customers: pd.Series, share: float) -> npt.NDArray[np.bool_]:
    """Which rows belong to about this share of the customers, whole customers, stable from run to run.

    It goes by the leading digits of what `customer_folds` takes the remainder of: each fold is in the sample
    by its share.
    """
    if share >= 1:
        return np.ones(len(customers), dtype=np.bool_)
    return np.asarray(_hashes(customers) < np.uint64(share * 2**64))


def _hashes(customers: pd.Series) -> npt.NDArray[np.uint64]:
    return pd.util.hash_array(customers.astype("str").to_numpy(dtype=object), categorize=True)
