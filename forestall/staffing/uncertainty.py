"""The arrival rates that a forecast deems possible, with their weights.

Forecast quantiles are those of counts, and counts scatter around their rate even where the rate is
known. The queueing model brings that scatter (Poisson) itself, so it is taken out here: otherwise it
would be staffed for twice.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

PROBABILITIES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
COLUMNS = tuple(f"contacts_p{round(100 * p):02d}" for p in PROBABILITIES)
# Each quantile stands for the probability between the midpoints to its neighbours.
_EDGES = np.concatenate([[0.0], (np.array(PROBABILITIES[1:]) + np.array(PROBABILITIES[:-1])) / 2, [1.0]])
WEIGHTS: Floats = np.diff(_EDGES)
# Share of a normal distribution's variance that these seven points carry: sum of weight x z^2.
_VARIANCE_KEPT = 0.9163
_SCORES: Floats = special.ndtri(np.array(PROBABILITIES))


def likely_rates(mean: Floats, quantiles: Floats) -> Floats:
    """Arrival rates (contacts an interval) for `WEIGHTS`, with the forecast's mean.

    Args:
        mean: intervals; mean contacts.
        quantiles: intervals x 7; contacts at `PROBABILITIES`, missing values allowed.

    Returns:
        intervals x 7, never negative, weighted mean equal to `mean`. Where the quantiles are missing
        or no wider than Poisson counts would be, all seven are the mean.

    Worked: mean 100 and a variance of counts of 400 leave a variance of the rate of 300, so the
    distances of the quantiles from the mean shrink by sqrt(300 / 400).
    """
    spread = quantiles - (quantiles * WEIGHTS).sum(axis=1, keepdims=True)
    variance = (WEIGHTS * spread**2).sum(axis=1) / _VARIANCE_KEPT
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.sqrt(np.clip((variance - mean) / variance, 0.0, None))
    spread = np.where(np.isfinite(kept)[:, None] & np.isfinite(spread), spread * kept[:, None], 0.0)
    rates = np.clip(mean[:, None] + spread, 0.0, None)
    total = (rates * WEIGHTS).sum(axis=1)
    scale = np.divide(mean, total, out=np.zeros_like(mean), where=total > 0)
    return np.asarray(rates * scale[:, None])


def spread_of(rates: Floats, mean: Floats) -> Floats:
    """Standard deviation of `likely_rates` as a share of their mean; 0 where that is 0."""
    relative = _relative(rates, mean)
    return np.asarray(np.sqrt((relative**2) @ WEIGHTS / _VARIANCE_KEPT))


def shift_at(rates: Floats, mean: Floats, probability: float) -> Floats:
    """By which share of the mean the rate's quantile lies off it; on a line through the seven points and beyond.

    Args:
        rates: rows x 7, of `likely_rates`.
        mean: rows.
        probability: of the quantile.
    """
    relative, score = _relative(rates, mean), float(special.ndtri(probability))
    left = int(np.clip(np.searchsorted(_SCORES, score) - 1, 0, len(_SCORES) - 2))
    part = (score - _SCORES[left]) / (_SCORES[left + 1] - _SCORES[left])
    return np.asarray(relative[:, left] + part * (relative[:, left + 1] - relative[:, left]))


def shared_part(day_cv: Floats, cv: Floats, share: Floats, day: NDArray[np.int64]) -> Floats:
    """How much of the error of a day's rate all its intervals share, as a standard deviation over the mean, by day.

    Errors of intervals that are their own even out over the day, those that are shared do not. With s the shared part,
    w the intervals' shares of the day and cv their spreads: day_cv^2 = s^2 + sum of w^2 (cv^2 - s^2).

    Args:
        day_cv: days; spread of the day's rate.
        cv: intervals; spread of the interval's rate.
        share: intervals; of the day's contacts.
        day: intervals; position of the interval's day.

    Worked: ten equal intervals with a spread of 0.3 each and a day with 0.1: (0.01 - 0.009) / 0.9, so 0.033.
    """
    own = np.bincount(day, (share * cv) ** 2, minlength=len(day_cv))
    alone = np.bincount(day, share**2, minlength=len(day_cv))
    left = 1 - alone
    shared = np.divide(day_cv**2 - own, left, out=day_cv**2, where=left > 1e-9)  # one interval is the whole day
    return np.asarray(np.sqrt(np.clip(shared, 0.0, day_cv**2)))


def _relative(rates: Floats, mean: Floats) -> Floats:
    return np.asarray(np.divide(rates, mean[:, None], out=np.ones_like(rates), where=mean[:, None] > 0) - 1)
