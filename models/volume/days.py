"""Contacts a day for a year: by queue, by channel and over all, with quantiles of totals from joint samples.

Within the horizon a day is the sum of its intervals; later ones are the same candidates with the weights of the
longest leads that backtests judge. Days of
several queues miss together (a holiday misjudged, an outage), so their quantiles do not add up: totals
are read from draws in which queues err together as they did in backtests. Means do add up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from models.volume.accuracy import bucket_of
from models.volume.candidates import Candidates
from models.volume.combine import combined
from models.volume.forecast import errors_of, judged_leads, spread_of, unshaped_spreads
from models.volume.params import DaysParams
from models.volume.quantiles import LEVELS, QUANTILE_COLUMNS, Spread, pit, quantiles, shrunk_levels

DAYS_AHEAD = 364  # 52 weeks
JUDGED_DAYS = 56  # leads that backtests may judge
UNKNOWN_PHI = 0.05  # without any backtest: a fifth of the mean either way

Values = NDArray[np.float64]


@dataclass(frozen=True)
class DayErrors:
    """How days came out beside their forecasts.

    Attributes:
        spreads: by queue and lead bucket.
        correlation: queue x queue, of what they share.
        judged: of `judged_leads`.
    """

    spreads: Mapping[tuple[str, int], Spread]
    correlation: pd.DataFrame
    judged: Mapping[str, float] = field(default_factory=dict)


def learn_days(scored: pd.DataFrame, params: DaysParams) -> DayErrors:
    """Spread and correlation from intervals: queue, cutoff_on, day_on, lead_days, bucket, forecast, contacts."""
    if scored.empty:
        return DayErrors({}, pd.DataFrame())
    key = ["queue", "bucket", "cutoff_on", "day_on", "lead_days"]
    days = scored.groupby(key, as_index=False)[["forecast", "contacts"]].sum()
    spreads = _spreads(days, params)
    return DayErrors(spreads, _correlation(days, spreads, params), judged_leads(days))


def _spreads(days: pd.DataFrame, params: DaysParams) -> dict[tuple[str, int], Spread]:
    """Of each queue and lead bucket: its own dispersion, and tails drawn towards those of all queues at that lead.

    A queue has few days at a lead, and a bad one widens its dispersion: what that gets wrong all queues show together.
    """
    errors, random = errors_of(days), np.random.default_rng(params.seed)
    spreads = unshaped_spreads(errors)
    seen = {key: pit(forecast, actual, spreads[key].phi, random) for key, (forecast, actual) in errors.items()}
    kin = {
        bucket: shrunk_levels(np.concatenate([own for (_, at), own in seen.items() if at == bucket]), LEVELS,
                              params.prior_count)
        for bucket in {at for _, at in seen}
    }  # fmt: skip
    return {
        key: replace(spreads[key], levels=shrunk_levels(own, kin[key[1]], params.prior_count))
        for key, own in seen.items()
    }


def days_of_intervals(rows: pd.DataFrame, errors: DayErrors) -> pd.DataFrame:
    """The days of one cutoff that are sums of intervals: queue, day_on, contacts and QUANTILE_COLUMNS.

    Args:
        rows: queue, day_on, lead_days, forecast of each interval that accepts contacts.
        errors: of backtests.
    """
    if rows.empty:  # nobody had a history yet
        return rows[["queue", "day_on"]].assign(contacts=0.0, **dict.fromkeys(QUANTILE_COLUMNS, 0.0))
    days = rows.groupby(["queue", "lead_days"], as_index=False).agg(
        day_on=("day_on", "first"), contacts=("forecast", "sum")
    )
    mean = days.pivot_table(index="queue", columns="lead_days", values="contacts", fill_value=0.0)
    mean = mean.reindex(columns=range(1, int(mean.columns.max()) + 1), fill_value=0.0)
    levels = _quantiles_of_days(list(mean.index), mean.to_numpy(), errors)
    own = levels[mean.index.get_indexer(pd.Index(days["queue"])), days["lead_days"].to_numpy() - 1]
    return days.drop(columns="lead_days").assign(**dict(zip(QUANTILE_COLUMNS, own.T, strict=True)))


def volume_days(
    forecast: pd.DataFrame, tonight: Mapping[tuple[str, date], Candidates], weights: pd.DataFrame, errors: DayErrors,
    run_date: date, params: DaysParams,
) -> pd.DataFrame:  # fmt: skip
    """The columns of `volume_days` but for cutoff and model version.

    Args:
        forecast: rows of `volume_forecast`: queue, channel, local_on, lead_days, contacts.
        tonight: the candidates of tonight, over DAYS_AHEAD or as far as they go.
        weights: of the candidates (`choose_weights`).
        errors: of backtests.
        run_date: the first day.
        params: of draws.
    """
    near = forecast.groupby(["queue", "channel", "lead_days"], as_index=False)["contacts"].sum()
    means = near.pivot_table(index=["queue", "channel"], columns="lead_days", values="contacts")
    blended = _blended(tonight, weights)
    horizon = int(means.columns.max())
    queues = means.index.get_level_values("queue")
    later = _joined(means.to_numpy(), blended.loc[queues].to_numpy(), horizon)
    mean = np.hstack([means.to_numpy(), later])
    levels = _quantiles_of_days(list(queues), mean, errors)
    channels = means.index.get_level_values("channel").to_numpy()
    draws = _draws(list(queues), errors.correlation, params)
    scopes = [("queue", queue, np.array([place])) for place, queue in enumerate(queues)]
    scopes += [("channel", name, np.flatnonzero(channels == name)) for name in sorted(set(channels))]
    scopes.append(("all", "all", np.arange(len(queues))))
    frames = [
        _rows(scope, value, mean[rows].sum(axis=0), _total(levels[rows], mean[rows], draws[rows]))
        for scope, value, rows in scopes
    ]
    out = pd.concat(frames, ignore_index=True)
    local_on = (pd.Timestamp(run_date) + pd.to_timedelta(out["lead_days"] - 1, unit="D")).dt.date
    return out.assign(local_on=local_on, basis=np.where(out["lead_days"] <= horizon, "intervals", "daily"))


def _blended(tonight: Mapping[tuple[str, date], Candidates], weights: pd.DataFrame) -> pd.DataFrame:
    """Contacts of each queue (rows) and day ahead (columns), weighed as at the longest leads all along."""
    frames = []
    for (queue, _), found in tonight.items():
        intervals = found.basis.intervals[found.basis.ahead]
        sums = {name: (values * intervals).sum(axis=1) for name, values in found.blended.items()}
        frames.append(
            pd.DataFrame({"queue": queue, "day": np.arange(len(intervals)), "lead_days": JUDGED_DAYS, **sums})
        )
    days = combined(pd.concat(frames, ignore_index=True), weights)
    return days.pivot_table(index="queue", columns="day", values="forecast")


def _joined(near: Values, later: Values, horizon: int) -> Values:
    """What is blended beyond the horizon, at the level of what is published just before it."""
    tail = slice(max(horizon - 28, 0), horizon)
    told, own = near[:, tail].sum(axis=1), later[:, tail].sum(axis=1)
    ratio = np.clip(np.divide(told, own, out=np.ones_like(own), where=own > 0), 0.5, 2.0)
    return np.asarray(later[:, horizon:] * ratio[:, None])


def _quantiles_of_days(queues: list[str], mean: Values, errors: DayErrors) -> Values:
    """LEVELS of each queue and day (queues x days x levels).

    Beyond the leads that backtests judged, the variance grows with the lead, as that of a level that wanders: a queue
    whose last bucket was judged 35 days ahead on average has phi x 70 / 35 ten weeks ahead.
    """
    lead = np.arange(1, mean.shape[1] + 1)
    bucket = bucket_of(lead)
    out = np.zeros((*mean.shape, len(LEVELS)))
    for row, queue in enumerate(queues):
        judged = errors.judged.get(queue, JUDGED_DAYS)
        for one in np.unique(bucket):
            spread, own = spread_of(queue, int(one), errors.spreads, UNKNOWN_PHI), bucket == one
            near, far = own & (lead <= judged), np.flatnonzero(own & (lead > judged))
            out[row, near] = quantiles(mean[row, near], spread)
            for block in np.array_split(far, max(len(far) // 28, 1)) if len(far) else []:
                wider = Spread(spread.phi * float(lead[block].mean()) / judged, spread.levels)
                out[row, block] = quantiles(mean[row, block], wider)
    return out


def _correlation(days: pd.DataFrame, spreads: Mapping[tuple[str, int], Spread], params: DaysParams) -> pd.DataFrame:
    """Of standardised day errors between queues, shrunk to one value for all pairs, and positive definite."""
    phi = days.set_index(["queue", "bucket"]).index.map({key: spread.phi for key, spread in spreads.items()})
    mean = days["forecast"].to_numpy()
    error = (days["contacts"].to_numpy() - mean) / np.sqrt(np.maximum(mean + phi.to_numpy(dtype=float) * mean**2, 1e-9))
    wide = days.assign(error=np.where(mean > 0, error, np.nan)).pivot_table(
        index=["cutoff_on", "day_on"], columns="queue", values="error"
    )
    found = wide.corr(min_periods=10).reindex(index=days["queue"].unique(), columns=days["queue"].unique())
    count = len(found)
    pairs = found.to_numpy()[~np.eye(count, dtype=bool)]
    common = float(np.clip(np.nanmean(pairs), 0.0, 0.95)) if np.isfinite(pairs).any() else 0.0
    seen = wide.index.get_level_values("day_on").nunique()  # a day that several cutoffs saw is one day
    keep = seen / (seen + params.kin_days)
    shrunk = keep * found.fillna(common).to_numpy() + (1 - keep) * common
    np.fill_diagonal(shrunk, 1.0)
    values, vectors = np.linalg.eigh((shrunk + shrunk.T) / 2)
    mended = (vectors * np.maximum(values, 1e-6)) @ vectors.T
    scale = np.sqrt(np.diag(mended))
    return pd.DataFrame(mended / np.outer(scale, scale), index=found.index, columns=found.columns)


def _draws(queues: list[str], correlation: pd.DataFrame, params: DaysParams) -> Values:
    """Standard normal draws (queues x samples) that go together as errors do; unknown queues go alone."""
    full = np.eye(len(queues))
    known = [place for place, queue in enumerate(queues) if queue in correlation.index]
    if known:
        names = [queues[place] for place in known]
        full[np.ix_(known, known)] = correlation.loc[names, names].to_numpy()
    half = np.random.default_rng(params.seed).standard_normal((len(queues), params.samples // 2))
    return np.asarray(np.linalg.cholesky(full) @ np.hstack([half, -half]))


def _total(levels: Values, mean: Values, draws: Values) -> Values:
    """LEVELS of the sum of some queues (days x levels): one queue's own, else read from joint draws.

    A draw is read on a line through the quantiles of the queue and day, which goes on beyond the last.
    """
    if len(levels) == 1:
        return np.asarray(levels[0])
    at = stats.norm.ppf(LEVELS)
    total = np.zeros((levels.shape[1], draws.shape[1]))
    for own, draw in zip(levels, draws, strict=True):
        left = np.clip(np.searchsorted(at, draw) - 1, 0, len(LEVELS) - 2)
        part = (draw - at[left]) / (at[left + 1] - at[left])
        total += np.maximum(own[:, left] + part * (own[:, left + 1] - own[:, left]), 0.0)
    shift = mean.sum(axis=0) - total.mean(axis=1)  # a line through seven points misses the mean a little
    return np.asarray(np.maximum(np.quantile(total, LEVELS, axis=1).T + shift[:, None], 0.0))


def _rows(scope: str, value: str, mean: Values, levels: Values) -> pd.DataFrame:
    numbers = dict(zip(QUANTILE_COLUMNS, levels.T, strict=True))
    lead = np.arange(1, len(mean) + 1)
    return pd.DataFrame({"scope": scope, "scope_value": value, "lead_days": lead, "contacts": mean, **numbers})
