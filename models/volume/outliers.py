"""Finds the days that must not teach the level: gaps, outages, one-off floods.

A Hampel filter on days freed of their weekday and of their part of the month. A run of unusual days on one side
that lasts up to the end may be a new level and stays, since a forecast that ignores a level shift is worse than one
that learns from an outage. Once days are again as they were before, it was a strike or a flood, and is left out.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume.params import OutlierParams

WEEK_DAYS, START_DAYS = 7, 56
MAD_TO_SIGMA = 1.4826  # of a normal distribution

Days = NDArray[np.float64]
Flags = NDArray[np.bool_]


def find_gaps(totals: Days, weekday: NDArray[np.int64], is_expected: Flags, params: OutlierParams) -> Flags:
    """Days without any contact on which so many are usual that this cannot be chance.

    Args:
        totals: contacts a day.
        weekday: 0 is Monday.
        is_expected: days on which contacts should have come.
        params: where `gap_mean` contacts are usual on that weekday, P(none) is below one in 100,000.

    Returns:
        One flag a day. A silence that lasts up to the end is no gap once it is long (`has_fallen_silent`).
    """
    if has_fallen_silent(totals, params):
        last = int(np.flatnonzero(totals > 0)[-1])
        is_expected = is_expected & (np.arange(len(totals)) <= last)
    came = pd.Series(np.where(is_expected & (totals > 0), totals, np.nan))
    usual = came.groupby(weekday).transform("median").fillna(0.0).to_numpy()
    return np.asarray(is_expected & (totals == 0) & (usual >= params.gap_mean))


def has_fallen_silent(totals: Days, params: OutlierParams) -> bool:
    """Whether a queue that once had contacts had none in the last `silent_days`: it has closed for good."""
    return bool(totals.any() and not totals[-params.silent_days :].any())


def first_full_day(totals: Days, params: OutlierParams) -> int:
    """Index of the first day that, like the week ahead, brings `least_start` of the usual; all days where none came.

    A source often begins with some stray rows before its first real day, which would teach that there was nothing. A
    queue that stays small for longer than START_DAYS is one that grows, or begins out of its season: it teaches.
    """
    came = np.flatnonzero(totals > 0)
    if not len(came):
        return len(totals)
    week_ahead = pd.Series(totals[::-1]).rolling(WEEK_DAYS, min_periods=1).sum().to_numpy()[::-1]
    usual = float(np.median(week_ahead[came[0] :]))
    least = params.least_start * usual
    full = np.flatnonzero((totals > 0) & (totals >= least / WEEK_DAYS) & (week_ahead >= least))[0]
    return int(full if full - came[0] <= START_DAYS else came[0])


def find_outliers(
    totals: Days, weekday: NDArray[np.int64], part: NDArray[np.object_], is_ordinary: Flags, params: OutlierParams
) -> Flags:
    """Days far from the like days around them, of no known cause.

    Args:
        totals: contacts a day.
        weekday: 0 is Monday.
        part: part of the month that each day is of (`day_marks`); empty for most.
        is_ordinary: days that can be judged: open, no gap, no mark that explains them.
        params: width of the window and threshold.

    Returns:
        One flag a day; never set outside of `is_ordinary`, nor where fewer than a window's days exist.
    """
    flags = np.zeros(len(totals), dtype=np.bool_)
    judged = np.flatnonzero(is_ordinary)
    if len(judged) <= params.window_days:
        return flags
    level = pd.Series(np.log1p(totals[judged]))
    level = level - level.groupby(weekday[judged]).transform("median")
    level = level - level.groupby(part[judged]).transform("median")
    usual = level.rolling(2 * params.window_days + 1, center=True, min_periods=params.window_days).median()
    error = level - usual
    scale = max(float(error.abs().median()) * MAD_TO_SIGMA, 1e-3)
    # Counts of a small mean scatter by themselves: their own spread counts too.
    noise = np.sqrt(scale**2 + 1 / np.maximum(np.exp(usual + np.log1p(totals[judged]) - level), 1.0))
    is_far = (error.abs() > params.threshold * noise) & (error.abs() > np.log(params.least_ratio))
    is_shift = _is_level_shift(level, usual, np.sign(error) * is_far, params)
    flags[judged] = (is_far & ~is_shift).to_numpy()
    return flags


def _is_level_shift(
    level: "pd.Series[float]", usual: "pd.Series[float]", side: "pd.Series[float]", params: OutlierParams
) -> "pd.Series[bool]":
    """Where `level_shift_days` and more in a row lie far off on the same side, and no later days are usual again."""
    run = (side != side.shift()).cumsum()
    is_long = (side != 0) & (side.groupby(run).transform("size") >= params.level_shift_days)
    next_days = level[::-1].rolling(params.level_shift_days, min_periods=2).median()[::-1].shift(-1)
    is_over = ((next_days - usual).abs() < np.log(params.least_ratio)).groupby(run).transform("last")
    found: pd.Series[bool] = is_long & ~is_over
    return found
