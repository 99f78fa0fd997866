"""Handle time of a contact by interval of the week: a weighted mean, shrunk to the queue's own.

Contacts weigh, not intervals, and old days weigh less. A queue that measured none takes the mean of its
kin, and where nobody measured any it stays unknown (NaN): staffing takes its standard then.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.volume.history import Matrix, Series
from models.volume.params import HandleTimeParams


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


def has_handle_times(series: Series) -> bool:
    """Whether the queue measured any handle time."""
    return bool((series.handle_s[series.handled > 0] > 0).any())


def _weighted(series: Series, weekdays: NDArray[np.int64], half_life_days: float) -> tuple[Matrix, Matrix]:
    """Contacts and seconds by weekday x slot; contacts without a measured time are left out."""
    age = np.arange(len(weekdays))[::-1]
    weight = (0.5 ** (age / half_life_days))[:, None] * (series.handle_s > 0)
    handled, seconds = np.zeros((7, series.handled.shape[1])), np.zeros((7, series.handled.shape[1]))
    np.add.at(handled, weekdays, weight * np.maximum(series.handled, 0.0))
    np.add.at(seconds, weekdays, weight * np.where(series.handled > 0, series.handle_s, 0.0))
    return handled, seconds


def _mean(handled: Matrix | float, seconds: Matrix | float, prior: Matrix | float, strength: float) -> Matrix:
    """Seconds a contact, `prior` weighing as much as `strength` contacts."""
    return np.asarray((seconds + strength * prior) / (handled + strength), dtype=np.float64)
