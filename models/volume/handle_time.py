"""Handle time of a contact by interval of the week: a weighted mean, shrunk to the queue's own.

Contacts weigh, not intervals, and old days weigh less. A queue that measured none takes the mean of its
kin, and where nobody measured any it stays unknown (NaN): staffing takes its standard then.

The mean of an interval scatters: by what its few contacts happen to take, and by what moves them all
(a release, a new team). Both are estimated from how past intervals lay around their forecast.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.volume.history import Mask, Matrix, Series
from models.volume.params import HandleTimeParams

SLIP = 20.0  # times the queue's median, or a part of it so small: seconds that are minutes or milliseconds
LEAST_INTERVALS = 10  # fewer say nothing of how means scatter
HANDLE_TIME_LEVELS = (0.10, 0.50, 0.90)
HANDLE_TIME_COLUMNS = tuple(f"handle_time_p{round(level * 100):02d}_s" for level in HANDLE_TIME_LEVELS)

Values = NDArray[np.float64]


@dataclass(frozen=True)
class HandleTimeSpread:
    """Squared coefficients of variation of interval means around their forecast.

    Attributes:
        between: of what moves all contacts of an interval.
        within: of one contact; an interval of n contacts has a part in n of it.
    """

    between: float
    within: float


def week_of_handle_times(
    all_series: Mapping[str, Series], weekdays: NDArray[np.int64], params: HandleTimeParams
) -> dict[str, Matrix]:
    """Seconds a contact, 7 x slots, by queue.

    Args:
        all_series: by queue, as known at the cutoff; all over the same days.
        weekdays: of those days, 0 is Monday.
        params: half-life and strength of shrinkage.
    """
    sums = {queue: _weighted(series, weekdays, params.half_life_days) for queue, series in all_series.items()}
    week = {}
    for queue, (handled, seconds) in sums.items():
        kin = [sums[other] for other, series in all_series.items() if series.channel == all_series[queue].channel]
        contacts = sum(float(h.sum()) for h, _ in kin)
        lent = sum(float(s.sum()) for _, s in kin) / contacts if contacts else np.nan
        own = _mean(handled.sum(), seconds.sum(), lent, params.slot_contacts)
        by_slot = _mean(handled.sum(axis=0), seconds.sum(axis=0), own, params.slot_contacts)
        week[queue] = _mean(handled, seconds, by_slot, params.slot_contacts)
    return week


def handle_time_spreads(
    all_series: Mapping[str, Series], week: Mapping[str, Matrix], weekdays: NDArray[np.int64], params: HandleTimeParams
) -> dict[str, HandleTimeSpread]:
    """How interval means lay around `week` in the last days, by queue; NaN where nothing was measured.

    The squared relative error of an interval with n contacts is between + within / n on average: a
    regression through all intervals, weighted by n, since those of few contacts scatter most.
    """
    recent = slice(max(len(weekdays) - params.spread_days, 0), len(weekdays))
    return {
        queue: _spread_of(
            series.handled[recent],
            series.handle_s[recent],
            week[queue][weekdays[recent]],
            is_measured(series)[recent],
        )
        for queue, series in all_series.items()
    }


def handle_time_quantiles(mean: Values, contacts: Values, between: Values, within: Values) -> Values:
    """HANDLE_TIME_LEVELS of the mean handle time of each interval (intervals x levels), log-normal; NaN as `mean`.

    Worked: a mean of 240 s, between 0, within 1, 25 contacts: a coefficient of variation of 0.2, log-sd
    sqrt(log 1.04) = 0.198, so that p90 is 240 / sqrt(1.04) x exp(1.2816 x 0.198) = 303 s.
    """
    squared = between + within / np.maximum(contacts, 1.0)
    deviation = np.sqrt(np.log1p(squared))
    at = stats.norm.ppf(HANDLE_TIME_LEVELS)
    return np.asarray((mean / np.sqrt(1 + squared))[:, None] * np.exp(deviation[:, None] * at[None, :]))


def is_measured(series: Series) -> Mask:
    """Cells of which the handle time is known: contacts and seconds, and no slip of the unit (days x slots)."""
    is_told = (series.handled > 0) & (series.handle_s > 0)
    mean = np.divide(series.handle_s, series.handled, out=np.ones(series.handle_s.shape), where=is_told)
    median = float(np.median(mean[is_told])) if is_told.any() else 1.0
    return np.asarray(is_told & (mean < SLIP * median) & (mean > median / SLIP))


def slips(series: Series) -> int:
    """Cells with a handle time that was left out as one of another unit."""
    return int(((series.handled > 0) & (series.handle_s > 0) & ~is_measured(series)).sum())


def _spread_of(handled: Matrix, seconds: Matrix, expected: Matrix, measured: Mask) -> HandleTimeSpread:
    count = handled[measured]
    if len(count) < LEAST_INTERVALS:
        return HandleTimeSpread(np.nan, np.nan)
    squared = (seconds[measured] / count / expected[measured] - 1) ** 2
    root = np.sqrt(count)
    between, within = np.linalg.lstsq(np.column_stack([root, 1 / root]), root * squared, rcond=None)[0]
    if between < 0:  # a part cannot be negative: all of the scatter is the other's
        return HandleTimeSpread(0.0, float((squared * count).mean()))
    if within < 0:
        return HandleTimeSpread(float(np.average(squared, weights=count)), 0.0)
    return HandleTimeSpread(float(between), float(within))


def has_handle_times(series: Series) -> bool:
    """Whether the queue measured any handle time."""
    return bool((series.handle_s[series.handled > 0] > 0).any())


def _weighted(series: Series, weekdays: NDArray[np.int64], half_life_days: float) -> tuple[Matrix, Matrix]:
    """Contacts and seconds by weekday x slot; contacts without a measured time are left out."""
    age = np.arange(len(weekdays))[::-1]
    weight = (0.5 ** (age / half_life_days))[:, None] * is_measured(series)
    handled, seconds = np.zeros((7, series.handled.shape[1])), np.zeros((7, series.handled.shape[1]))
    np.add.at(handled, weekdays, weight * series.handled)
    np.add.at(seconds, weekdays, weight * series.handle_s)
    return handled, seconds


def _mean(handled: Matrix | float, seconds: Matrix | float, prior: Matrix | float, strength: float) -> Matrix:
    """Seconds a contact, `prior` weighing as much as `strength` contacts."""
    return np.asarray((seconds + strength * prior) / (handled + strength), dtype=np.float64)
