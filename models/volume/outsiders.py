"""Forecasts that others would make, for `forestall backtest volume` alone; no night needs them.

Plain Prophet on intervals, as its manual has it, and MSTL of statsforecast (a dependency of development)
with a day and a week for seasons. Both are given what we were: the same history, cut at the cutoff,
without closed hours and days without data, and asked for open intervals only.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.aside import written_aside
from models.volume.backtest import Span, history_digests
from models.volume.history import History, Matrix
from models.volume.outliers import find_gaps
from models.volume.params import VolumeParams
from models.volume.quantiles import LEVELS, QUANTILE_COLUMNS
from models.volume.rivals import interval_rates

SAMPLES = 200  # of Prophet's uncertainty
COLUMNS = ("queue", "key", "method", "day_on", "slot", "forecast", *QUANTILE_COLUMNS)

Run = Callable[[Callable[["OutsideTask"], Matrix], Iterable["OutsideTask"]], Iterable[Matrix]]


class MissingStatsforecastError(Exception):
    """statsforecast is not installed; the text says what to do."""


@dataclass(frozen=True)
class OutsideTask:
    """One queue at one cutoff.

    Attributes:
        rates: contacts an interval, past days x slots; NaN where closed or without data.
        dates: of past days and days ahead.
        day: place among `dates`, and
        slot: of each interval that is asked for.
        minutes: length of an interval.
    """

    rates: Matrix
    dates: pd.DatetimeIndex
    day: NDArray[np.int64]
    slot: NDArray[np.int64]
    minutes: int


def plain_prophet(task: OutsideTask) -> Matrix:
    """Prophet out of the box on intervals: mean and LEVELS of each interval asked for (intervals x 8)."""
    from prophet import Prophet

    logging.getLogger("prophet").setLevel(logging.ERROR)
    day, slot = np.nonzero(np.isfinite(task.rates))
    history = pd.DataFrame({"ds": _stamps(task, day, slot), "y": task.rates[day, slot]})
    model = Prophet(uncertainty_samples=SAMPLES)
    model.fit(history, seed=1)
    asked = pd.DataFrame({"ds": _stamps(task, task.day, task.slot)})
    np.random.seed(1)  # noqa: NPY002 - Prophet draws from the global generator
    mean = model.predict(asked)["yhat"].to_numpy()
    draws = model.predictive_samples(asked)["yhat"]
    return np.asarray(np.maximum(np.column_stack([mean, np.quantile(draws, LEVELS, axis=1).T]), 0.0))


def mstl(task: OutsideTask) -> Matrix:
    """MSTL with a day and a week, its trend by exponential smoothing: mean and LEVELS (intervals x 8).

    Its series has no holes: closed days and gaps take the mean of their weekday, and slots that are never
    open are left out.
    """
    from statsforecast.models import MSTL, AutoETS

    is_used = np.isfinite(task.rates).any(axis=0)
    rates = task.rates[:, is_used]
    weekday = task.dates.day_of_week.to_numpy()[: len(rates)]
    filled = np.where(np.isfinite(rates), rates, _weekday_means(rates, weekday)[weekday])
    width, ahead = int(is_used.sum()), int(len(task.dates) - len(rates))
    model = MSTL(season_length=[width, 7 * width], trend_forecaster=AutoETS(model="ZZN"))
    found = model.forecast(filled.ravel(), h=ahead * width, level=[50, 80, 90])
    names = ("mean", "lo-90", "lo-80", "lo-50", "mean", "hi-50", "hi-80", "hi-90")
    values = np.stack([np.asarray(found[name]).reshape(ahead, width) for name in names], axis=-1)
    whole = np.zeros((ahead, task.rates.shape[1], len(names)))
    whole[:, is_used] = values
    return np.asarray(np.maximum(whole[task.day - len(rates), task.slot], 0.0))


OUTSIDERS: dict[str, Callable[[OutsideTask], Matrix]] = {"plain_prophet": plain_prophet, "mstl": mstl}


def need_statsforecast() -> None:
    """Raise where the package is missing.

    Raises:
        MissingStatsforecastError: in one line.
    """
    from importlib.util import find_spec

    if find_spec("statsforecast") is None:
        raise MissingStatsforecastError(
            "backtest volume: statsforecast is missing, which no night needs; `make setup` installs it, "
            "--no-outsiders does without"
        )


def outsider_rows(
    histories: Mapping[str, History], cutoffs: Sequence[date], span: Span, params: VolumeParams, folder: Path, run: Run
) -> pd.DataFrame:
    """All OUTSIDERS at each cutoff; stored ones where they were made from the same.

    Returns:
        queue, cutoff_on, method, day_on, slot, forecast and QUANTILE_COLUMNS, in the open intervals ahead.
        A queue with less than two weeks of data at a cutoff has none.
    """
    frames = []
    for cutoff in cutoffs:
        keys = _keys(histories, cutoff, span, params)
        path = folder / "outsiders" / f"{cutoff}.parquet"
        stored = pd.read_parquet(path) if path.is_file() else pd.DataFrame({name: [] for name in COLUMNS})
        kept = stored[stored["key"].isin(keys.values())]
        missing = {queue: key for queue, key in keys.items() if key not in set(kept["key"])}
        fresh = _fit({queue: histories[queue] for queue in missing}, missing, cutoff, span, params, run)
        rows = pd.concat([one for one in (kept, fresh) if len(one)] or [kept], ignore_index=True)
        if len(fresh):
            with written_aside(path) as aside:
                rows.to_parquet(aside, index=False)
        frames.append(rows.drop(columns="key").assign(cutoff_on=pd.Timestamp(cutoff)))
    return pd.concat(frames, ignore_index=True)


def _keys(histories: Mapping[str, History], cutoff: date, span: Span, params: VolumeParams) -> dict[str, str]:
    """They see counts and opening hours; of the parameters only what says which days are gaps."""
    common = f"{params.outliers.gap_mean} {params.outliers.silent_days} {span}".encode()
    return {
        queue: hashlib.blake2b(common + digest, digest_size=16).hexdigest()
        for queue, digest in history_digests(histories, cutoff, span).items()
    }


def _fit(
    histories: Mapping[str, History], keys: Mapping[str, str], cutoff: date, span: Span, params: VolumeParams, run: Run
) -> pd.DataFrame:
    tasks = {queue: _task(history, cutoff, span, params) for queue, history in histories.items()}
    asked = {queue: task for queue, task in tasks.items() if task is not None}
    frames = []
    for method in OUTSIDERS:
        found = run(partial(_guarded, method), list(asked.values()))
        for (queue, task), values in zip(asked.items(), found, strict=True):
            numbers = dict(zip(("forecast", *QUANTILE_COLUMNS), values.T, strict=True))
            frames.append(
                pd.DataFrame({"queue": queue, "key": keys[queue], "method": method, "day_on": task.dates[task.day],
                              "slot": task.slot, **numbers})
            )  # fmt: skip
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({name: [] for name in COLUMNS})


def _guarded(method: str, task: OutsideTask) -> Matrix:
    return OUTSIDERS[method](task)


def _task(history: History, cutoff: date, span: Span, params: VolumeParams) -> OutsideTask | None:
    grid, series = history.grid, history.as_of(cutoff)
    end, start = grid.day_index(cutoff), grid.day_index(cutoff - timedelta(days=span.history_days))
    until = grid.day_index(cutoff + timedelta(days=span.horizon_days))
    came = np.flatnonzero(series.day_totals[start:] > 0)
    start = start + int(came[0]) if len(came) else end
    intervals = np.where(history.accepts, grid.multiplicity, 0.0)[start:until]
    past = intervals[: end - start]
    weekday = history.days["weekday"].to_numpy()[start:end]
    is_gap = find_gaps(series.day_totals[start:], weekday, past.sum(axis=1) > 0, params.outliers)
    rates = interval_rates(series.contacts[start:end], past)
    rates[is_gap] = np.nan
    day, slot = np.nonzero(intervals[end - start :] > 0)
    if len(rates) < 14 or not len(day) or not np.nansum(rates):
        return None
    return OutsideTask(rates, grid.dates[start:until], day + (end - start), slot, grid.minutes)


def _stamps(task: OutsideTask, day: Any, slot: Any) -> Any:
    return task.dates[day] + pd.to_timedelta(slot * task.minutes, unit="min")


def _weekday_means(rates: Matrix, weekday: NDArray[np.int64]) -> Matrix:
    seen = np.isfinite(rates)
    sums, counts = np.zeros((7, rates.shape[1])), np.zeros((7, rates.shape[1]))
    np.add.at(sums, weekday, np.where(seen, rates, 0.0))
    np.add.at(counts, weekday, seen)
    return np.asarray(sums / np.maximum(counts, 1))
