"""Intervals around the mean of scores whose mean is the effect: for one date, and for every night at once.

A score has the effect of its account as its mean, whatever came before (`effect.scores`). Of such scores

- the **fixed-date** interval holds on one night that was named beforehand: the decision's;
- the **always-valid** interval is a confidence sequence: with 95 % it holds on all nights at once, so it may
  be looked at every night, and whoever stops at the best moment is not fooled. It is the asymptotic sequence of
  Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics 2024, arXiv 2103.06476), a normal mixture.

Both take a normal mean for granted, and scores are skewed: few accounts are held out, and most of these stay or
lose little. So both are read on the scale on which the mean is nearly normal (Hall 1992, *On the removal of
skewness by transformation*), with Student's tails for a variance known from few, and neither is given before each
arm has `LEAST_ARM` outcomes.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ALPHA = 0.05
POWER = 0.8
LEAST_ARM = 50
TUNED_FOR = 1_000  # accounts at which the always-valid interval is tightest
MOST_ACCOUNTS = 10**9


@dataclass(frozen=True)
class Running:
    """The mean of the first 1, 2, ... n scores, with its intervals; NaN where too few are known.

    Attributes:
        mean: scores' units.
        deviation: standard deviation of the scores.
        fixed_low: the fixed-date interval.
        fixed_high: its upper end.
        always_low: the always-valid interval.
        always_high: its upper end.
        p_value: always-valid, of the mean being zero.
    """

    mean: Floats
    deviation: Floats
    fixed_low: Floats
    fixed_high: Floats
    always_low: Floats
    always_high: Floats
    p_value: Floats


def running(scores: Floats, is_holdout: NDArray[np.bool_], alpha: float = ALPHA) -> Running:
    """Mean and intervals after each score.

    Args:
        scores: accounts in order of listing.
        is_holdout: the same; counts the arms.
        alpha: share of misses allowed.
    """
    count = np.arange(1.0, len(scores) + 1)
    mean, deviation, skewness = _moments(scores, count)
    held = is_holdout.cumsum()
    smaller = np.minimum(held, count - held)
    deviation = np.where(smaller >= LEAST_ARM, deviation, np.nan)
    scale = _Scale(mean, deviation, skewness, count, smaller)
    fixed = np.full(len(scores), stats.norm.ppf(1 - alpha / 2))
    always = mixture_width(count, alpha) * np.sqrt(count)
    return Running(
        mean, deviation, scale.value(-fixed), scale.value(fixed), scale.value(-always), scale.value(always),
        _p_values(scale.position_of_zero(), count),
    )  # fmt: skip


@dataclass(frozen=True)
class _Scale:
    """Between a mean and its place on a standard normal scale, after each score.

    The smaller arm carries nearly all the variance: its size is what the variance is known from.
    """

    mean: Floats
    deviation: Floats
    skewness: Floats
    count: Floats
    smaller: Floats

    def value(self, z: Floats) -> Floats:
        """The mean that lies `z` normal standard deviations from the one found: Hall's transformation, undone."""
        tail = np.where(np.isnan(self.deviation), np.nan, stats.norm.cdf(-z))
        student = stats.t.ppf(tail, np.maximum(self.smaller - 1, 1))
        root = np.sqrt(self.count)
        bent = self.skewness * (student / root - self.skewness / (6 * self.count))
        with np.errstate(divide="ignore", invalid="ignore"):
            straight = np.where(self.skewness == 0, student, 3 * root / self.skewness * (np.cbrt(1 + bent) - 1))
        return np.asarray(self.mean - straight * self.deviation / root, np.float64)

    def position_of_zero(self) -> Floats:
        """How many normal standard deviations the mean lies from zero."""
        root = np.sqrt(self.count)
        with np.errstate(divide="ignore", invalid="ignore"):
            # No spread at all, and no difference: nothing speaks against zero.
            t = np.where((self.deviation == 0) & (self.mean == 0), 0.0, root * self.mean / self.deviation)
        g = self.skewness / root
        bent = t + g * (t**2 / 3 + 1 / 6) + g**2 * t**3 / 27
        # The nearer tail, so that nothing rounds to certainty.
        tail = stats.t.sf(np.abs(bent), np.maximum(self.smaller - 1, 1))
        return np.asarray(np.sign(bent) * stats.norm.isf(tail), np.float64)


def _moments(scores: Floats, count: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, standard deviation and skewness of the first 1, 2, ... n scores."""
    mean = scores.cumsum() / count
    # Deviations from the last mean, not from zero: powers of large numbers would cancel.
    off = scores - (mean[-1] if len(mean) else 0.0)
    first, second, third = (np.cumsum(off**power) / count for power in (1, 2, 3))
    variance = np.maximum(second - first**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = np.where(variance > 0, (third - 3 * first * second + 2 * first**3) / variance**1.5, 0.0)
    return mean, np.sqrt(variance * count / np.maximum(count - 1, 1)), skewness


def mixture_width(count: Floats, alpha: float = ALPHA) -> Floats:
    """Half width of the confidence sequence in standard deviations: equation (9) of Waudby-Smith et al.

    sqrt(2 (t r^2 + 1) / (t r)^2 x log(sqrt(t r^2 + 1) / alpha)), with r tuned for t = `TUNED_FOR`.

    Worked: t = 1,000 and alpha = 0.05 give r^2 = (-2 log 0.05 + log(1 - 2 log 0.05)) / 1,000 = 0.007936 and
    sqrt(2 x 8.936 / 7,936 x log(2.9893 / 0.05)) = 0.0960; the fixed-date interval has 0.0620.
    """
    rho2 = _rho2(alpha)
    spread = count * rho2 + 1
    return np.asarray(np.sqrt(2 * spread / (count**2 * rho2) * np.log(np.sqrt(spread) / alpha)), np.float64)


def _rho2(alpha: float = ALPHA) -> float:
    """The mixture's variance: what makes the sequence tightest at `TUNED_FOR`."""
    return float((-2 * np.log(alpha) + np.log(1 - 2 * np.log(alpha))) / TUNED_FOR)


def _p_values(z: Floats, count: Floats) -> Floats:
    """One over the mixture's e-value: the least alpha at which a sequence tuned for `ALPHA` leaves zero out."""
    rho2 = _rho2()
    spread = count * rho2 + 1
    return np.asarray(np.minimum(np.sqrt(spread) * np.exp(-rho2 * count * z**2 / (2 * spread)), 1.0), np.float64)


def holm(p_values: pd.Series) -> pd.Series:
    """Adjusted p-values (Holm 1979): rejecting those below alpha errs anywhere with at most alpha.

    Missing ones stay missing, and are counted as hypotheses that may yet be judged.

    Worked: 0.01, 0.04, 0.03 give 0.03, 0.06, 0.06.
    """
    ordered = p_values.sort_values(kind="stable", na_position="last")
    factors = np.arange(len(ordered), 0, -1)
    adjusted: pd.Series = (ordered * factors).cummax().clip(upper=1.0).reindex(p_values.index)
    return adjusted


def accounts_to_detect(effect: Floats, deviation: float, *, every_night: bool) -> Floats:
    """How many accounts it takes to see an effect of that size with `POWER`.

    Args:
        effect: sizes, in the scores' units; zero is never seen.
        deviation: standard deviation of a score.
        every_night: with the always-valid interval; otherwise on a date fixed beforehand.

    Worked: an effect of 0.05 and a deviation of 1.5: ((1.960 + 0.842) x 1.5 / 0.05)^2 = 7,064 accounts.
    """
    ratio = np.abs(effect) / deviation if deviation > 0 else np.full(np.shape(effect), np.inf)
    likely = stats.norm.ppf(POWER)
    if not every_night:
        with np.errstate(divide="ignore"):
            return np.asarray(np.ceil(((stats.norm.ppf(1 - ALPHA / 2) + likely) / ratio) ** 2), np.float64)
    grid = np.unique(np.geomspace(1, MOST_ACCOUNTS, 20_000).round())
    needed = mixture_width(grid) + likely / np.sqrt(grid)  # falls as accounts are added
    place = np.searchsorted(-needed, -np.asarray(ratio), side="left")
    return np.asarray(np.where(place < len(grid), grid[np.minimum(place, len(grid) - 1)], np.inf), np.float64)
