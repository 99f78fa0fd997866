"""The arrival rates that a forecast deems possible, with their weights.

Forecast quantiles are those of counts, and counts scatter around their rate even where the rate is
known. The queueing model brings that scatter (Poisson) itself, so it is taken out here: otherwise it
would be staffed for twice.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PROBABILITIES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
COLUMNS = tuple(f"contacts_p{round(100 * p):02d}" for p in PROBABILITIES)
# Each quantile stands for the probability between the midpoints to its neighbours.
_EDGES = np.concatenate([[0.0], (np.array(PROBABILITIES[1:]) + np.array(PROBABILITIES[:-1])) / 2, [1.0]])
WEIGHTS: Floats = np.diff(_EDGES)
# Share of a normal distribution's variance that these seven points carry: sum of weight x z^2.
_VARIANCE_KEPT = 0.9163


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
