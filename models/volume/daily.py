"""One Prophet a queue: contacts a day, with calendar and events; the mean only.

Quantiles come from backtest errors, so Prophet draws none. Closed days, gaps and outliers are not
shown to it. It is told of holidays and events, so that they do not bend its seasons and its trend, but what they do
is taken from all queues together (`effects`). `fit_daily` is what a worker of the pool runs: it takes and gives plain
values.
"""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume.params import DailyParams

logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)  # says that plotly is missing, at every import
logging.getLogger("cmdstanpy").addHandler(logging.NullHandler())  # has one already: adds none of its own
logging.getLogger("cmdstanpy").setLevel(logging.WARNING)


@dataclass(frozen=True)
class DailyTask:
    """One series to fit.

    Attributes:
        on: the days that were usual, in order; `contacts` is what a full day of them brought.
        ahead: the days to forecast.
        marks: `ds`, `holiday` over both.
    """

    on: pd.DatetimeIndex
    contacts: NDArray[np.float64]
    ahead: pd.DatetimeIndex
    marks: pd.DataFrame
    params: DailyParams


@dataclass(frozen=True)
class DailyFit:
    """Contacts of each day if nothing marked it (>= 0).

    Attributes:
        past: of the days that were usual.
        ahead: of the days to forecast.
        model: Prophet's own JSON; empty where none was asked for.
    """

    past: NDArray[np.float64]
    ahead: NDArray[np.float64]
    model: str


def fit_daily(task: DailyTask, *, with_model: bool = False) -> DailyFit:
    """Fit the history and forecast the days ahead as if nothing marked them; the trend flattens."""
    model = _model(task)
    model.fit(pd.DataFrame({"ds": task.on, "y": task.contacts}))
    days = task.on.append(task.ahead)
    predicted = model.predict(pd.DataFrame({"ds": days}))
    since_cutoff = (pd.DatetimeIndex(days) - task.ahead[0]).days.to_numpy() + 1
    trend = damped_trend(predicted["trend"].to_numpy(), since_cutoff, task.params)
    marked = predicted["holidays"].to_numpy() if "holidays" in predicted else np.zeros(len(days))
    times, plus = predicted["multiplicative_terms"].to_numpy(), predicted["additive_terms"].to_numpy()
    unmarked = (
        trend * (1 + times - marked) + plus
        if task.params.seasonality_mode == "multiplicative"
        else (trend * (1 + times) + plus - marked)
    )
    past, ahead = np.split(np.maximum(unmarked, 0.0), [len(task.on)])
    return DailyFit(past, ahead, _as_json(model) if with_model else "")


def level_correction(
    actual: NDArray[np.float64], fitted: NDArray[np.float64], lead: NDArray[np.int64], params: DailyParams
) -> NDArray[np.float64]:
    """Factor by which each lead is corrected: actual over fitted of the last weeks and of the last days, fading to 1.

    The last weeks' error is one of the trend, which bends too slowly, and stays for months; what the last days err
    beyond it fades within a week or two.

    Worked: 23 days that came as fitted and five that came 10 % above give 1.0179 over the 28, and 1.0807 beyond it.
    With 0.99 and 0.9 kept a day that is 1.0177 x 1.0727 = 1.092 tomorrow and 1.0166 x 1.0386 = 1.056 in a week.
    """
    weeks = _ratio(actual, fitted, params.drift_days)
    days = _ratio(actual, fitted, params.correction_days) / weeks
    fading = (1 + (weeks - 1) * params.drift_keep**lead) * (1 + (days - 1) * params.correction_keep**lead)
    return np.asarray(fading)


def _ratio(actual: NDArray[np.float64], fitted: NDArray[np.float64], days: int) -> float:
    """Actual over fitted of the last days, between a half and two; 1 where nothing was fitted."""
    due = fitted[-days:].sum()
    return float(np.clip(actual[-days:].sum() / due, 0.5, 2.0)) if due > 0 else 1.0


def damped_trend(trend: NDArray[np.float64], lead: NDArray[np.int64], params: DailyParams) -> NDArray[np.float64]:
    """The trend, flattening beyond `damp_after_days`: of each further day's rise so much is kept, and ever less.

    A line fitted to a year or two says little of next year; undamped it doubles or empties a queue.

    Worked: a rise of 2 a day, 0.98 kept: in the 100 days after the turn 2 x (0.98 + 0.98^2 + ...) = 85, not 200.
    """
    beyond = np.maximum(lead - params.damp_after_days, 0)
    rise = np.diff(trend, prepend=trend[0]) / np.maximum(np.diff(lead, prepend=lead[0] - 1), 1)
    steps = np.where(beyond > 0, rise * params.damp_keep**beyond, 0.0)
    held = trend[beyond == 0][-1] if (beyond == 0).any() else trend[0]
    return np.asarray(np.where(beyond > 0, held + np.cumsum(steps), trend))


def _model(task: DailyTask) -> Any:
    from prophet import Prophet  # two seconds; only where something is fitted

    # Its import sets INFO; a warning a fit about a short yearly pattern helps nobody at night.
    logging.getLogger("prophet").setLevel(logging.ERROR)

    params = task.params
    span_days = (task.on[-1] - task.on[0]).days
    marks = task.marks[task.marks["holiday"].isin(task.marks["holiday"][task.marks["ds"].isin(task.on)])]
    return Prophet(
        growth="linear",
        n_changepoints=int(np.clip(span_days // 21, 1, 25)),
        changepoint_range=params.changepoint_range,
        changepoint_prior_scale=params.changepoint_prior_scale,
        weekly_seasonality=True,
        yearly_seasonality=span_days >= params.yearly_min_days,
        daily_seasonality=False,
        seasonality_mode=params.seasonality_mode,
        seasonality_prior_scale=params.weekly_prior_scale,
        holidays=marks if len(marks) else None,
        holidays_prior_scale=params.effect_prior_scale,
        uncertainty_samples=0,
    )


def _as_json(model: Any) -> str:
    from prophet.serialize import model_to_json

    return str(model_to_json(model))
