"""Forecasts of the past as they would have been published, intervals and days, beside the contacts that came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.volume.backtest import with_actuals
from models.volume.combine import combined
from models.volume.days import days_of_intervals, learn_days
from models.volume.forecast import Learned, apply, by_queue_and_bucket, learn, spread_of
from models.volume.history import History
from models.volume.params import VolumeParams
from models.volume.quantiles import calibrated_pit


@dataclass(frozen=True)
class Forward:
    """What several cutoffs would have published.

    Attributes:
        intervals: of `apply`, with the contacts that came and their `pit`.
        days: cutoff_on, queue, day_on, contacts and QUANTILE_COLUMNS, as `volume_days` would have told them.
    """

    intervals: pd.DataFrame
    days: pd.DataFrame


def walk_forward(
    rows: pd.DataFrame, histories: Mapping[str, History], cutoffs: Sequence[date], count: int, known_on: date,
    params: VolumeParams,
) -> Forward:  # fmt: skip
    """What would have been published at each cutoff.

    Weights and spreads of a cutoff are learned from the `count` cutoffs before it, and only from days
    that had passed by then: nothing is scored on what it was chosen by.

    Args:
        rows: backtest rows of these cutoffs and of earlier ones.
        histories: of all queues.
        cutoffs: those to score.
        count: how many earlier cutoffs each may learn from.
        known_on: run date as of which contacts are known.
        params: of the models.
    """
    intervals, days = [], []
    for cutoff in cutoffs:
        now = pd.Timestamp(cutoff)
        earlier = sorted(rows.loc[rows["cutoff_on"] < now, "cutoff_on"].unique())[-count:]
        past = with_actuals(rows[rows["cutoff_on"].isin(earlier)], histories, cutoff, params)
        learned = learn(past, params)
        own = apply(rows[rows["cutoff_on"] == now].reset_index(drop=True), learned)
        errors = learn_days(combined(past, learned.weights), params.days)
        days.append(days_of_intervals(own, errors).assign(cutoff_on=now))
        intervals.append(_with_pit(with_actuals(own, histories, known_on, params), learned, params))
    return Forward(pd.concat(intervals, ignore_index=True), pd.concat(days, ignore_index=True))


def _with_pit(scored: pd.DataFrame, learned: Learned, params: VolumeParams) -> pd.DataFrame:
    """`pit`: where the contacts lie in the distribution that was told; uniform where that was right."""
    place = pd.Series(np.nan, index=scored.index)
    random = np.random.default_rng(params.quantiles.seed)
    for (queue, bucket), own in by_queue_and_bucket(scored):
        spread = spread_of(queue, bucket, learned.spreads)
        place.loc[own.index] = calibrated_pit(own["forecast"].to_numpy(), own["contacts"].to_numpy(), spread, random)
    return scored.assign(pit=place)
