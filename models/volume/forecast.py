"""A night's forecast: the candidates of tonight, weighed by their backtests, with quantiles and handle time.

Takes histories and earlier cutoffs' rows, gives the rows of `volume_forecast`. Nothing is negative,
and a day is the sum of its intervals because it is only ever shared out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume.accuracy import LEAD_BUCKETS, MIDDLES
from models.volume.backtest import candidate_rows
from models.volume.candidates import Candidates
from models.volume.combine import choose_weights, combined, method_names
from models.volume.handle_time import (
    HANDLE_TIME_COLUMNS,
    handle_time_quantiles,
    handle_time_spreads,
    week_of_handle_times,
)
from models.volume.history import History
from models.volume.params import VolumeParams
from models.volume.quantiles import LEVELS, QUANTILE_COLUMNS, Spread, dispersion, pit, quantiles, shrunk_levels

Values = NDArray[np.float64]
Errors = dict[tuple[str, int], tuple[Values, Values]]
UNKNOWN_PHI = 0.1  # without any backtest: a third of the mean either way


@dataclass(frozen=True)
class Learned:
    """What backtests teach: the candidates' weights, and the spread, by queue and lead bucket."""

    weights: pd.DataFrame
    spreads: Mapping[tuple[str, int], Spread]


def learn(scored: pd.DataFrame, params: VolumeParams) -> Learned:
    """Weights and spreads from backtest intervals with their contacts (`with_actuals`)."""
    weights = choose_weights(scored, params.combine)
    rows = combined(scored, weights)
    errors = errors_of(rows)
    spreads, given = unshaped_spreads(errors), params.quantiles
    levels = {
        key: shrunk_levels(
            pit(forecast, actual, spreads[key].phi, np.random.default_rng(given.seed)), LEVELS, given.prior_count
        )
        for key, (forecast, actual) in errors.items()
        if forecast.any()
    }
    shaped = {key: replace(spread, levels=levels.get(key, LEVELS)) for key, spread in spreads.items()}
    return Learned(weights, with_longer_leads(shaped, judged_leads(rows)))


def apply(rows: pd.DataFrame, learned: Learned) -> pd.DataFrame:
    """Candidates' rows (queue, lead_days, BLENDED) with `bucket`, WEIGHTS, `forecast` and QUANTILE_COLUMNS."""
    out = combined(rows, learned.weights)
    numbers = pd.DataFrame(0.0, index=out.index, columns=list(QUANTILE_COLUMNS))
    for (queue, bucket), own in by_queue_and_bucket(out):
        spread = spread_of(queue, bucket, learned.spreads)
        numbers.loc[own.index] = quantiles(own["forecast"].to_numpy(), spread)
    return out.join(numbers)


def forecast_rows(
    candidates: Mapping[tuple[str, date], Candidates], histories: Mapping[str, History], learned: Learned,
    horizon_days: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Mean and quantiles of every cell up to the horizon that accepts contacts, and the `method` that made them."""
    rows = pd.concat(
        [
            candidate_rows(queue, histories[queue], found, horizon_days).assign(is_short=found.is_short)
            for (queue, _), found in candidates.items()
        ],
        ignore_index=True,
    )
    out = apply(rows, learned)
    return out.assign(method=method_names(out, out["is_short"]))


def night_forecast(
    rows: pd.DataFrame, histories: Mapping[str, History], run_date: date, horizon_days: int, params: VolumeParams
) -> pd.DataFrame:
    """`rows` on the instants of every interval of the horizon, with opening and handle time.

    Returns:
        The columns of `volume_forecast` but for cutoff and model version. Intervals in which a queue
        accepts no contacts have 0.
    """
    history = next(iter(histories.values()))
    grid = history.grid
    first, until = grid.day_index(run_date), grid.day_index(run_date) + horizon_days
    day, slot = np.divmod(grid.cells, grid.slots)
    is_ahead = (day >= first) & (day < until)
    day, slot, instants = day[is_ahead], slot[is_ahead], grid.instants[is_ahead]
    weekdays = history.days["weekday"].to_numpy()
    known = {queue: own.as_of(run_date) for queue, own in histories.items()}
    handle = week_of_handle_times(known, weekdays[:first], params.handle_time)
    spreads = handle_time_spreads(known, handle, weekdays[:first], params.handle_time)
    frames = [
        pd.DataFrame(
            {
                "queue": queue,
                "interval_start_at": instants,
                "day_on": grid.dates[day],
                "slot": slot,
                "channel": own.channel,
                "lead_days": day - first + 1,
                "is_open": own.is_open[day, slot],
                "handle_time_s": handle[queue][weekdays[day], slot],
            }
        )
        for queue, own in histories.items()
    ]
    every = pd.concat(frames, ignore_index=True)
    values = rows[["queue", "day_on", "slot", "forecast", "method", *QUANTILE_COLUMNS]]
    out = every.merge(values, on=["queue", "day_on", "slot"], how="left", validate="many_to_one")
    numbers = ["forecast", *QUANTILE_COLUMNS]
    out[numbers] = out[numbers].fillna(0.0)
    out["method"] = out.groupby("queue")["method"].transform(lambda names: names.ffill().bfill()).fillna("none")
    means, contacts = out["handle_time_s"].to_numpy(), out["forecast"].to_numpy()
    between = out["queue"].map({queue: spread.between for queue, spread in spreads.items()}).to_numpy(dtype=np.float64)
    within = out["queue"].map({queue: spread.within for queue, spread in spreads.items()}).to_numpy(dtype=np.float64)
    numbers_s = handle_time_quantiles(means, contacts, np.asarray(between), np.asarray(within))
    out = out.assign(**dict(zip(HANDLE_TIME_COLUMNS, numbers_s.T, strict=True)))
    return (
        out.rename(columns={"forecast": "contacts"})
        .assign(local_on=out["day_on"].dt.date)
        .drop(columns=["day_on", "slot"])
    )


def by_queue_and_bucket(rows: pd.DataFrame) -> Iterator[tuple[tuple[str, int], pd.DataFrame]]:
    """The rows of each queue and lead bucket."""
    for key, own in rows.groupby(["queue", "bucket"]):
        yield cast(tuple[str, int], key), own


def errors_of(rows: pd.DataFrame) -> Errors:
    """Forecasts and contacts of each queue and lead bucket; rows of queue, bucket, forecast, contacts."""
    return {key: (own["forecast"].to_numpy(), own["contacts"].to_numpy()) for key, own in by_queue_and_bucket(rows)}


def unshaped_spreads(errors: Errors) -> dict[tuple[str, int], Spread]:
    """The dispersion of each, never below that of shorter leads; levels are read at it, so it is set before them."""
    return never_surer({key: Spread(dispersion(*own)) for key, own in errors.items()})


def spread_of(
    queue: str, bucket: int, spreads: Mapping[tuple[str, int], Spread], unknown_phi: float = UNKNOWN_PHI
) -> Spread:
    """The bucket's spread; else the nearest shorter, or longer, lead's; else a wide one."""
    order = [*range(bucket, -1, -1), *range(bucket + 1, len(LEAD_BUCKETS))]
    found = next((spreads[queue, other] for other in order if (queue, other) in spreads), None)
    return found or Spread(unknown_phi)


def judged_leads(rows: pd.DataFrame) -> dict[str, float]:
    """Mean lead, in days, of each queue's longest bucket that has evidence; rows of queue, bucket, lead_days."""
    longest = rows[rows["bucket"] == rows.groupby("queue")["bucket"].transform("max")]
    return {str(queue): float(lead) for queue, lead in longest.groupby("queue")["lead_days"].mean().items()}


def never_surer(spreads: Mapping[tuple[str, int], Spread]) -> dict[tuple[str, int], Spread]:
    """Spreads by queue and lead bucket whose over-dispersion never falls with the lead.

    At long leads a few cutoffs saw one and the same month: that it came as forecast says little of the next.
    """
    out: dict[tuple[str, int], Spread] = {}
    most: dict[str, float] = {}
    for queue, bucket in sorted(spreads):
        most[queue] = max(most.get(queue, 0.0), spreads[queue, bucket].phi)
        out[queue, bucket] = replace(spreads[queue, bucket], phi=most[queue])
    return out


def with_longer_leads(
    spreads: Mapping[tuple[str, int], Spread], judged: Mapping[str, float]
) -> dict[tuple[str, int], Spread]:
    """`spreads`, and those of the longest leads as wide as a level that wanders: its variance grows with the lead.

    Worked: six weekly cutoffs judge 29 to 42 days ahead, 34 on average, and most of 29 to 56 days lies beyond: its
    over-dispersion is 42.5 / 34 of what they showed.

    Args:
        spreads: by queue and lead bucket.
        judged: of `judged_leads`.
    """
    out = dict(spreads)
    for queue, lead in judged.items():
        last = max(bucket for name, bucket in spreads if name == queue)
        for bucket in range(last, len(LEAD_BUCKETS)):
            spread = spreads[queue, last]
            out[queue, bucket] = replace(spread, phi=spread.phi * max(MIDDLES[bucket] / lead, 1.0))
    return out
