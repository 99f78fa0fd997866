"""What the intervals of a day or month share of the forecast's error, told from the forecast's own quantiles.

The forecast says how far an interval may be off and how far its day. Were the intervals' errors their own, they would
even out over the day; as far as the day is less sure than that, they err together. Where the night has no quantiles of
days, all of the error is taken to be shared, which asks for more agents unless the errors are very large.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.sections import ServiceLevelSettings
from forestall.staffing.lag import load_ratio
from forestall.staffing.period import Periods
from forestall.staffing.requirement import Demand
from forestall.staffing.uncertainty import COLUMNS, likely_rates, shared_part, shift_at, spread_of

Floats = NDArray[np.float64]

# No quantile of months is published. Half of the variance of a day's error is taken to last the month (a level that
# has moved), half to be the day's own.
LASTS_A_MONTH = 0.5


def periods_of(
    rows: pd.DataFrame, demand: Demand, level: ServiceLevelSettings, interval_s: int, days: pd.DataFrame | None
) -> Periods:
    """The periods of `level`, in which a certainty is set.

    Args:
        rows: queue, interval_start_at, local_on of each interval of `demand`.
        demand: what is to be staffed.
        level: period and certainty.
        interval_s: length of an interval.
        days: queue, local_on, contacts and its quantiles; None: unknown.
    """
    certainty = level.certainty or 0.5
    mean = demand.rates_per_s @ demand.weights
    shift, cv = shift_at(demand.rates_per_s, mean, certainty), spread_of(demand.rates_per_s, mean)
    none = np.zeros(len(rows))
    if level.period == "interval":
        every = np.arange(len(rows))
        return Periods(every, shift, none, every, none, none + 1, certainty, interval_s, counts_chance=False)
    day, keys = pd.factorize(pd.MultiIndex.from_frame(rows[["queue", "local_on"]]))
    told = days is not None and len(days) > 0
    shared_cv, own_cv = cv, none
    if told and days is not None:
        by_day = days.set_index(["queue", "local_on"])[["contacts", *COLUMNS]].reindex(keys)
        shift, shared_cv, own_cv = _split(by_day, day, mean, shift, cv, certainty)
    ratio = _load_ratio(rows, mean * demand.handle_time_s, demand.handle_time_s, interval_s)
    if level.period == "day":
        return Periods(day, shift, own_cv, day, none, ratio, certainty, interval_s)
    month = pd.to_datetime(rows["local_on"]).dt.strftime("%Y-%m").to_numpy()
    period, _ = pd.factorize(pd.MultiIndex.from_arrays([rows["queue"], month]))
    lasting, passing = np.sqrt(LASTS_A_MONTH), np.sqrt(1 - LASTS_A_MONTH)
    return Periods(period, lasting * shift, own_cv, day, passing * shared_cv, ratio, certainty, interval_s)


def _load_ratio(rows: pd.DataFrame, load: Floats, handle_time_s: Floats, interval_s: int) -> Floats:
    start_s = pd.DatetimeIndex(rows["interval_start_at"]).as_unit("s").asi8
    queue, _ = pd.factorize(rows["queue"])
    return load_ratio(load, handle_time_s, start_s, queue, interval_s)


def _split(
    by_day: pd.DataFrame, day: NDArray[np.int64], mean: Floats, shift: Floats, cv: Floats, certainty: float
) -> tuple[Floats, Floats, Floats]:
    """Shift at the certainty, shared and own spread of each interval; as given where the day is not known."""
    contacts = by_day["contacts"].to_numpy(float)
    is_known = np.isfinite(contacts) & (contacts > 0)
    contacts = np.where(is_known, contacts, 0.0)
    rates = likely_rates(contacts, by_day[list(COLUMNS)].to_numpy(float))
    day_cv = spread_of(rates, contacts)
    total = np.bincount(day, mean)[day]
    share = np.divide(mean, total, out=np.zeros_like(mean), where=total > 0)
    shared = shared_part(day_cv, cv, share, day)
    part = np.divide(shared, day_cv, out=np.zeros_like(shared), where=day_cv > 0)
    of_day = (part * shift_at(rates, contacts, certainty))[day]
    own = np.sqrt(np.clip(cv**2 - shared[day] ** 2, 0.0, None))
    known = is_known[day]
    return np.where(known, of_day, shift), np.where(known, shared[day], cv), np.where(known, own, 0.0)
