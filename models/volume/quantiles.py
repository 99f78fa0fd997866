"""Quantiles of the contacts in an interval, from the errors of backtests.

Counts are over-dispersed: variance m + phi m^2, a negative binomial whose phi is estimated from the
backtest errors of a queue and lead bucket. What that still gets wrong is mended by the randomised
probability integral transform (PIT) of the same errors: a level is read where the backtest put it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
QUANTILE_COLUMNS = tuple(f"contacts_p{round(level * 100):02d}" for level in LEVELS)
LEAST_PHI = 1e-6  # below it the negative binomial is a Poisson
_Z90 = 1.2816  # a normal's 90 % quantile, in standard deviations
_UNSHAPED_PHI = 0.1  # of what a planner expects where the model expects nothing: a third of it either way

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """How actual counts lie around a mean forecast.

    Attributes:
        phi: over-dispersion.
        levels: where on the assumed distribution each of LEVELS is read; rising.
    """

    phi: float
    levels: tuple[float, ...] = LEVELS


def estimate_spread(forecast: Values, actual: Values, prior_count: float, seed: int) -> Spread:
    """Dispersion and PIT levels from backtest intervals.

    Args:
        forecast: means.
        actual: counts.
        prior_count: intervals of the assumed distribution that the errors are mixed with, so that a
            handful of errors does not set the tails.
        seed: of the randomisation of the PIT, which discrete counts need.
    """
    if not (forecast > 0).any():
        return Spread(LEAST_PHI)
    phi = dispersion(forecast, actual)
    return Spread(phi, shrunk_levels(pit(forecast, actual, phi, np.random.default_rng(seed)), LEVELS, prior_count))


def dispersion(forecast: Values, actual: Values) -> float:
    """The phi with which counts would scatter as much around these means as they did."""
    excess, square = float(((actual - forecast) ** 2 - forecast).sum()), float((forecast**2).sum())
    return max(excess / square, LEAST_PHI) if square > 0 else LEAST_PHI


def shrunk_levels(seen: Values, prior: Sequence[float], prior_count: float) -> tuple[float, ...]:
    """Where LEVELS lie among the PIT that was seen, drawn towards `prior` as by so many of its own."""
    weight = len(seen) / (len(seen) + prior_count)
    levels = weight * np.quantile(seen, LEVELS) + (1 - weight) * np.array(prior)
    return tuple(float(level) for level in np.clip(levels, 1e-4, 1 - 1e-4))


def quantiles(mean: Values, spread: Spread) -> Values:
    """Quantiles at LEVELS (intervals x levels): whole counts, never negative, never falling.

    Means are read to three digits, so that each distinct one is worked out once.
    """
    means, place = np.unique(_three_digits(mean), return_inverse=True)
    size, probability = _negative_binomial(np.maximum(means, 1e-9), spread.phi)
    table = stats.nbinom.ppf(np.array(spread.levels)[None, :], size, probability[:, None])
    table[means <= 0] = 0.0
    return np.asarray(np.maximum.accumulate(table, axis=1)[place])


def calibrated_pit(forecast: Values, actual: Values, spread: Spread, random: np.random.Generator) -> Values:
    """Randomised PIT of counts in the distribution whose quantiles are told: uniform where it is right.

    The assumed distribution's own PIT, read through the levels at which its quantiles are taken.
    """
    at = pit(forecast, actual, spread.phi, random)
    return np.asarray(np.interp(at, (0.0, *spread.levels, 1.0), (0.0, *LEVELS, 1.0)))


def _three_digits(values: Values) -> Values:
    scale = 10.0 ** (2 - np.floor(np.log10(np.maximum(values, 1e-9))))
    return np.asarray(np.round(values * scale) / scale)


def pit(forecast: Values, actual: Values, phi: float, random: np.random.Generator) -> Values:
    """Uniform where the distribution is right: F(y-1) + v (F(y) - F(y-1)) with v uniform."""
    size, probability = _negative_binomial(np.maximum(forecast, 1e-9), phi)
    count = np.round(actual)
    below, upto = stats.nbinom.cdf(count - 1, size, probability), stats.nbinom.cdf(count, size, probability)
    return np.asarray(below + random.random(len(actual)) * (upto - below))


def _negative_binomial(mean: Values, phi: float) -> tuple[float, Values]:
    """Size and success probability with mean m and variance m + phi m^2."""
    size = 1 / phi
    return size, size / (size + mean)


def moved_along(levels: Values, mean: Values, to: Values) -> Values:
    """Quantiles of a forecast whose mean somebody moved.

    The variance that the quantiles show is split into that of counts (the mean) and the rest, which is error in
    the level and grows with it: phi to^2. Where the model expected nothing there is no shape to keep.
    Worked: mean 100, standard deviation 20 (variance 400 = 100 + 0.03 x 100^2), moved to 200: variance
    200 + 0.03 x 200^2 = 1,400, so distances from the mean grow by sqrt(1400 / 400) = 1.87.

    Args:
        levels: rows x LEVELS, at `mean`.
        mean: of the rows.
        to: where it was moved; 0 gives zeros.
    """
    reach = levels[:, LEVELS.index(0.90)] - levels[:, LEVELS.index(0.10)]
    variance = np.maximum((reach / (2 * _Z90)) ** 2, np.maximum(mean, 1e-9))
    phi = (variance - mean) / np.maximum(mean, 1e-9) ** 2
    scale = np.sqrt((to + phi * to**2) / variance)
    moved = np.maximum(np.round(to[:, None] + (levels - mean[:, None]) * scale[:, None]), 0.0)
    unshaped = quantiles(to, Spread(_UNSHAPED_PHI))
    return np.asarray(np.where((mean > 0)[:, None], np.where((to > 0)[:, None], moved, 0.0), unshaped))
