"""The rivals that every forecast must beat; any planner can work them out in a spreadsheet.

The rival is the mean of the last four like weekdays, per interval: beyond two or three days ahead it is
hard to beat (J. W. Taylor, Management Science 54(2), 2008, 253-265). Beside it: last week's like day,
and last year's at this year's level.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume.history import History, Mask, Matrix
from models.volume.outliers import find_gaps
from models.volume.params import VolumeParams

WEEK_DAYS, YEAR_DAYS = 7, 364


def four_like_weekdays(
    rates: Matrix, is_day: Mask, weekday: NDArray[np.int64], ahead_weekday: NDArray[np.int64], like_days: int
) -> Matrix:
    """Mean of the last like weekdays for each day ahead.

    Args:
        rates: contacts an interval in each cell of the history; NaN where the cell is closed.
        is_day: days that count: open, with data.
        weekday: of each day of the history, 0 is Monday.
        ahead_weekday: of each day ahead.
        like_days: how many like days are averaged.

    Returns:
        Days ahead x slots; the mean over all weekdays' last days where a weekday was never seen, and
        0 where a slot never was.
    """
    latest = np.zeros((8, rates.shape[1]))
    latest[7] = _mean_of_last(rates[is_day], like_days)
    for day in range(7):
        like = rates[is_day & (weekday == day)]
        latest[day] = _mean_of_last(like, like_days) if len(like) else latest[7]
    return np.asarray(latest[ahead_weekday])


def last_week(rates: Matrix, is_day: Mask, rival: Matrix) -> Matrix:
    """The last week again and again (days ahead x slots); the rival where its day was closed or without data."""
    days = len(rates) - WEEK_DAYS + np.arange(len(rival)) % WEEK_DAYS
    return _where_known(rates, is_day, days, rival)


def last_year(rates: Matrix, is_day: Mask, rival: Matrix, level_days: int) -> Matrix:
    """The like weekday of 52 weeks before, at this year's level; the rival where there is none.

    The level is what the last `level_days` days brought over what their own like days a year before did;
    without any such pair last year is no guide.
    """
    recent = np.arange(max(len(rates) - level_days, YEAR_DAYS), len(rates))
    both = recent[is_day[recent] & is_day[recent - YEAR_DAYS]]
    now, then = np.nansum(rates[both]), np.nansum(rates[both - YEAR_DAYS])
    if not (now > 0 and then > 0):
        return rival
    days = len(rates) - YEAR_DAYS + np.arange(len(rival))
    return _where_known(rates * (now / then), is_day, days, rival)


def _where_known(rates: Matrix, is_day: Mask, days: NDArray[np.int64], other: Matrix) -> Matrix:
    """`rates` of these days of the history; `other` where a day is not in it, taught nothing, or was closed."""
    is_in = (days >= 0) & (days < len(rates))
    place = np.where(is_in, days, 0)
    found = (
        np.where((is_in & is_day[place])[:, None], rates[place], np.nan) if len(rates) else np.full_like(other, np.nan)
    )
    return np.asarray(np.where(np.isfinite(found), found, other))


def rival_at(history: History, cutoff: date, horizon_days: int, history_days: int, params: VolumeParams) -> Matrix:
    """The rival as it would have stood at a cutoff: contacts an interval, days ahead x slots (0 where closed)."""
    grid, series = history.grid, history.as_of(cutoff)
    end, start = grid.day_index(cutoff), grid.day_index(cutoff - timedelta(days=history_days))
    until = grid.day_index(cutoff + timedelta(days=horizon_days))
    came = np.flatnonzero(series.day_totals[start:] > 0)
    start = start + int(came[0]) if len(came) else end
    weekday = history.days["weekday"].to_numpy()
    intervals = np.where(history.accepts, grid.multiplicity, 0.0)[start:until]
    is_expected = intervals[: end - start].sum(axis=1) > 0
    is_gap = find_gaps(series.day_totals[start:], weekday[start:end], is_expected, params.outliers)
    rival = four_like_weekdays(
        interval_rates(series.contacts[start:], intervals[: end - start]), is_expected & ~is_gap,
        weekday[start:end], weekday[end:until], params.rival.like_days,
    )  # fmt: skip
    return np.asarray(np.where(intervals[end - start :] > 0, rival, 0.0))


def rival_rows(
    histories: Mapping[str, History], cutoffs: Sequence[date], horizon_days: int, history_days: int,
    params: VolumeParams,
) -> pd.DataFrame:  # fmt: skip
    """`rival_at` of every queue and cutoff as rows: queue, cutoff_on, day_on, slot, rival."""
    frames = []
    for queue, history in histories.items():
        for cutoff in cutoffs:
            rival = rival_at(history, cutoff, horizon_days, history_days, params)
            end = history.grid.day_index(cutoff)
            day, slot = np.nonzero(history.accepts[end : end + len(rival)])
            days = history.grid.dates[end + day]
            frames.append(
                pd.DataFrame({"queue": queue, "cutoff_on": pd.Timestamp(cutoff), "day_on": days, "slot": slot,
                              "rival": rival[day, slot]})
            )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def interval_rates(contacts: Matrix, intervals: Matrix) -> Matrix:
    """Contacts an interval; NaN where a cell has none open."""
    return np.divide(contacts, intervals, out=np.full_like(contacts, np.nan), where=intervals > 0)


def _mean_of_last(rates: Matrix, count: int) -> NDArray[np.float64]:
    last = rates[-count:]
    seen = np.isfinite(last)
    return np.asarray(np.where(seen, last, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1))
