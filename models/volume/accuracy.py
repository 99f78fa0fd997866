"""How far forecasts were off, in the measures that planners use, beside the least possible.

All functions take arrays of intervals and give one number; a measure without any contact is NaN.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from features.published_volume import FORECAST_ACCURACY
from models.volume.quantiles import LEVELS, QUANTILE_COLUMNS

Values = NDArray[np.float64]

LEAD_BUCKETS = ("1", "2-3", "4-7", "8-14", "15-28", "29-56")
_STARTS = np.array([1, 2, 4, 8, 15, 29])
MIDDLES = (1.0, 2.5, 5.5, 11.0, 21.5, 42.5)  # of the buckets, in days


def bucket_of(lead_days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index into LEAD_BUCKETS; leads beyond 56 days belong to the last."""
    return np.asarray(np.searchsorted(_STARTS, lead_days, side="right") - 1)


def wape(forecast: Values, actual: Values) -> float:
    """Sum of absolute errors over the sum of contacts."""
    return _ratio(np.abs(forecast - actual).sum(), actual.sum())


def bias(forecast: Values, actual: Values) -> float:
    """(Forecast - actual) / actual, over all intervals."""
    return _ratio((forecast - actual).sum(), actual.sum())


def noise_floor(actual: Values) -> float:
    """The WAPE that is left when the mean of Poisson counts is known exactly.

    The mean absolute deviation of a Poisson count of mean m is about sqrt(2 m / pi), so each interval
    has sqrt(2 / (pi m)) of itself; over intervals of unlike size it is sum(sqrt(2 m / pi)) / sum(m).
    Worked: at 1,153 contacts an interval, sqrt(2 / (3.1416 x 1153)) = 0.0235.
    """
    return _ratio(np.sqrt(2 * actual / np.pi).sum(), actual.sum())


def poisson_floor(mean: Values, actual: Values) -> float:
    """The same floor without an approximation, were these means the true ones: it matters where few contacts come.

    The mean absolute deviation of a Poisson count is 2 exp(-m) m^(k+1) / k!, k the whole part of m (De Moivre).
    Worked: at m = 1 it is 2 / e = 0.736, where sqrt(2 / pi) is 0.798; at m = 0.2 it is 2 x 0.2 / e^0.2 = 0.327.
    """
    m = np.maximum(mean, 1e-9)
    whole = np.floor(m)
    deviation = 2 * np.exp((whole + 1) * np.log(m) - m - gammaln(whole + 1))
    return _ratio(deviation.sum(), actual.sum())


def pinball(quantiles: Values, actual: Values) -> float:
    """Mean pinball loss over intervals and LEVELS; `quantiles` is intervals x levels."""
    if not len(actual):
        return float("nan")
    error = actual[:, None] - quantiles
    levels = np.array(LEVELS)
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


def is_within_80(quantiles: Values, actual: Values) -> NDArray[np.bool_]:
    """Whether contacts lie between the 10 % and the 90 % quantile, both included; `quantiles` is intervals x levels."""
    low, high = quantiles[:, LEVELS.index(0.10)], quantiles[:, LEVELS.index(0.90)]
    return np.asarray((actual >= low) & (actual <= high))


def share_of_days(is_so: NDArray[np.bool_], day_on: pd.Series) -> tuple[float, float, float]:
    """Share of intervals of which something is so, and the ends of its 95 % interval; NaN without any.

    Intervals of a day err together, so days are the sample: a ratio of sums over days. One day alone has no interval.
    """
    if not len(is_so):
        return float("nan"), float("nan"), float("nan")
    days = pd.Series(is_so, day_on.index).groupby(day_on).agg(["sum", "size"])
    share, count = float(days["sum"].sum() / days["size"].sum()), len(days)
    if count == 1:
        return share, float("nan"), float("nan")
    rest = days["sum"] - share * days["size"]
    error = float(np.sqrt((rest**2).sum() * count / (count - 1)) / days["size"].sum())
    return share, max(share - 1.96 * error, 0.0), min(share + 1.96 * error, 1.0)


def accuracy_rows(scored: pd.DataFrame, window_days: int, source: str) -> pd.DataFrame:
    """All measures by queue and lead bucket, and over all queues.

    Args:
        scored: a row an interval: queue, day_on, lead_days, forecast, rival, contacts and the
            quantile columns; `model` where planners may have changed what the model said.
        window_days: over how many days; only told.
        source: `ledger` or `backtest`; only told.

    Returns:
        The columns of `forecast_accuracy`.
    """
    bucketed = scored.assign(lead_bucket=np.array(LEAD_BUCKETS)[bucket_of(scored["lead_days"].to_numpy())])
    doubled = pd.concat([bucketed, bucketed.assign(queue="all")], ignore_index=True)
    rows = [
        {"queue": queue, "lead_bucket": bucket, "window_days": window_days, **_measures(own), "source": source}
        for (queue, bucket), own in doubled.groupby(["queue", "lead_bucket"])
    ]
    return pd.DataFrame(rows, columns=list(FORECAST_ACCURACY.names))


def _measures(own: pd.DataFrame) -> dict[str, float]:
    forecast, actual = own["forecast"].to_numpy(), own["contacts"].to_numpy()
    levels = own[list(QUANTILE_COLUMNS)].to_numpy()
    share, low, high = share_of_days(is_within_80(levels, actual), own["day_on"])
    return {
        "day_count": own["day_on"].nunique(),
        "contacts": float(actual.sum()),
        "wape": wape(forecast, actual),
        "rival_wape": wape(own["rival"].to_numpy(), actual),
        "noise_floor_wape": noise_floor(actual),
        "bias": bias(forecast, actual),
        "pinball": pinball(levels, actual),
        "coverage_80": share,
        "coverage_80_low": low,
        "coverage_80_high": high,
        "model_wape": wape(own["model" if "model" in own else "forecast"].to_numpy(), actual),
    }


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
