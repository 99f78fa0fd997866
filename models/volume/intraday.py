"""The rest of a day, forecast again from what came so far; and whether something unusual is going on.

A day is busier or quieter than forecast as a whole (its level), and each interval scatters on top of that. How
much of the surplus so far is level is a question of credibility (Buhlmann): the share of the level's variance
in all the variance of what came. Nothing here reads or writes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Values = NDArray[np.float64]

DAY_SHARE = 0.5  # of an interval's over-dispersion that is the day's, until the ledger tells
PRIOR_DAYS = 14  # days of the ledger that weigh as much as that
FADE_PER_HOUR = 0.5  # of a surge: what is left of it after an hour
FALSE_ALARMS_A_DAY = 0.05  # over all queues and looks of a day: one in twenty days


@dataclass(frozen=True)
class Spread:
    """Over-dispersion of a queue's counts at a lead of one day: variance m + (day + interval) m^2.

    Attributes:
        day: common to all intervals of a day.
        interval: each interval's own.
    """

    day: float
    interval: float


@dataclass(frozen=True)
class Level:
    """What the day so far says of the rest of it.

    Attributes:
        factor: by which the forecast is to be multiplied; 1 where nothing came to be known.
        variance: of that factor, still.
    """

    factor: float
    variance: float


def interval_dispersion(mean: Values, low: Values, high: Values) -> float:
    """Over-dispersion that the forecast's own 10 % and 90 % quantiles show: variance m + phi m^2 (least squares)."""
    deviation = (high - low) / (2 * 1.2816)
    weight = (mean**2).sum()
    # A quantile of counts is a whole number: half a count either way is no over-dispersion.
    excess = np.where(deviation > 0.5, deviation**2 - mean - 1 / 12, 0.0).sum()
    return float(max(excess / weight, 0.0)) if weight > 0 else 0.0


def day_dispersion(forecast: Values, actual: Values, prior: float) -> float:
    """How much days as a whole missed their forecast beyond Poisson scatter, drawn to `prior`.

    Args:
        forecast: contacts of whole days as forecast on their morning.
        actual: contacts that came.
        prior: what is assumed for PRIOR_DAYS days.
    """
    usable = forecast > 0
    excess = (((actual - forecast) ** 2 - forecast)[usable] / forecast[usable] ** 2).sum()
    return float(max((excess + PRIOR_DAYS * prior) / (usable.sum() + PRIOR_DAYS), 0.0))


def level_of(came: Values, mean: Values, spread: Spread) -> Level:
    """Credibility estimate of the day's level from its elapsed intervals.

    Worked: 120 came where 100 were expected in one interval, day 0.04 and interval 0: of the variance of
    the ratio, 0.04 is level and 1 / 100 chance, so 0.8 of the surplus is believed: factor 1.16.

    Args:
        came: contacts of the elapsed intervals.
        mean: as forecast.
        spread: of the queue.
    """
    expected = float(mean.sum())
    if expected <= 0 or spread.day <= 0:
        return Level(1.0, spread.day)
    chance = 1 / expected + spread.interval * float((mean**2).sum()) / expected**2
    belief = spread.day / (spread.day + chance)
    return Level(1 + belief * (float(came.sum()) / expected - 1), spread.day * (1 - belief))


def surge_probability(came: float, mean: Values, level: Level, interval: float) -> float:
    """Probability that as many contacts or more come in a window of intervals by chance alone.

    Args:
        came: contacts of the window.
        mean: of its intervals, as forecast.
        level: as it was known before the window.
        interval: each interval's own over-dispersion.
    """
    expected = float(mean.sum()) * max(level.factor, 1e-9)
    if expected <= 0:
        return 1.0 if came <= 0 else 0.0
    own = interval * float((mean**2).sum()) / max(float(mean.sum()), 1e-12) ** 2
    phi = max(level.variance / level.factor**2 + own, 1e-9)
    return float(stats.nbinom.sf(came - 1, 1 / phi, 1 / (1 + phi * expected)))


def rest_of_day(level: Level, surge: float, hours_ahead: Values) -> Values:
    """Factors for the remaining intervals: the level, and a surge that fades.

    Args:
        level: of the day.
        surge: how many times the level's contacts came in the window that rang; 1 where none did.
        hours_ahead: from now to the start of each interval.
    """
    return np.asarray(level.factor * (1 + (surge - 1) * FADE_PER_HOUR**hours_ahead))
