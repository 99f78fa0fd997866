"""Scores of published forecasts by day, and the worth of the overrides in them.

Sums, not ratios: they add up over days, leads and queues, so any later question can be put to them.
"""

from datetime import date

import numpy as np
import pandas as pd

from features.published_planning import OVERRIDE_VALUE
from models.volume.accuracy import LEAD_BUCKETS, bucket_of
from models.volume.quantiles import LEVELS, QUANTILE_COLUMNS

KEY = ["queue", "local_on", "cutoff_on", "override_id"]
SUMS = ["interval_count", "contacts", "forecast_sum", "model_sum", "absolute_error", "model_absolute_error",
        "rival_absolute_error", "noise_floor_error", "pinball_sum", "covered_count"]  # fmt: skip


def score_days(scored: pd.DataFrame) -> pd.DataFrame:
    """Sums over the intervals of each queue, day, cutoff and override.

    Args:
        scored: a row an interval: queue, day_on, cutoff_on, lead_days, override_id, forecast, model, rival,
            contacts and the quantile columns.

    Returns:
        KEY, lead_days and SUMS.
    """
    actual = scored["contacts"].to_numpy(np.float64)
    levels = scored[list(QUANTILE_COLUMNS)].to_numpy(np.float64)
    error, tau = actual[:, None] - levels, np.array(LEVELS)
    low, high = levels[:, LEVELS.index(0.10)], levels[:, LEVELS.index(0.90)]
    each = scored[["queue", "cutoff_on", "lead_days"]].assign(
        local_on=scored["day_on"],
        override_id=scored["override_id"].fillna(""),
        interval_count=1,
        contacts=actual,
        forecast_sum=scored["forecast"],
        model_sum=scored["model"],
        absolute_error=(scored["forecast"] - actual).abs(),
        model_absolute_error=(scored["model"] - actual).abs(),
        rival_absolute_error=(scored["rival"] - actual).abs(),
        noise_floor_error=np.sqrt(2 * actual / np.pi),
        pinball_sum=np.maximum(tau * error, (tau - 1) * error).mean(axis=1),
        covered_count=((actual >= low) & (actual <= high)).astype(np.int64),
    )
    return each.groupby([*KEY, "lead_days"], as_index=False)[SUMS].sum()


def latest(entries: pd.DataFrame) -> pd.DataFrame:
    """Of each queue, day and cutoff the entries of the last night that scored it."""
    last = entries.groupby(["queue", "local_on", "cutoff_on"])["scored_on"].transform("max")
    return entries[entries["scored_on"] == last].reset_index(drop=True)


def additions(scores: pd.DataFrame, entries: pd.DataFrame, scored_on: date) -> pd.DataFrame:
    """What tonight adds to the ledger: days that were not scored yet, and those that late rows corrected.

    Args:
        scores: `score_days` as known tonight.
        entries: the ledger so far.
        scored_on: tonight.

    Returns:
        Rows of the ledger.
    """
    whole = ["queue", "local_on", "cutoff_on"]
    told = _plain(latest(entries))
    beside = _plain(scores).merge(told, on=KEY, how="left", suffixes=("", "_told"), validate="one_to_one")
    is_same = np.isclose(beside[SUMS].to_numpy(float), beside[[f"{one}_told" for one in SUMS]].to_numpy(float)).all(
        axis=1
    )
    is_told = pd.Series(is_same, beside.index).groupby([beside[name] for name in whole]).transform("all")
    return _plain(scores, keep=["lead_days"])[~is_told.to_numpy()].assign(scored_on=pd.Timestamp(scored_on))


def override_value(entries: pd.DataFrame) -> pd.DataFrame:
    """What each override added to the forecast or took from it, by queue and lead bucket and over all.

    Args:
        entries: the ledger; the latest entry of each day counts.

    Returns:
        The columns of `override_value`.
    """
    own = latest(entries)
    own = own[own["override_id"] != ""]
    names = np.array(LEAD_BUCKETS)[bucket_of(own["lead_days"].to_numpy(np.int64))]
    rows = own.assign(lead_bucket=names)
    rows = pd.concat([rows, rows.assign(queue="all")])
    rows = pd.concat([rows, rows.assign(lead_bucket="all")], ignore_index=True)
    sums = rows.groupby(["override_id", "queue", "lead_bucket"], as_index=False).agg(
        day_count=("local_on", "nunique"), night_count=("cutoff_on", "nunique"), contacts=("contacts", "sum"),
        absolute_error=("absolute_error", "sum"), model_absolute_error=("model_absolute_error", "sum"),
    )  # fmt: skip
    came = sums["contacts"].where(sums["contacts"] > 0)
    found: pd.DataFrame = sums.assign(
        error_avoided=sums["model_absolute_error"] - sums["absolute_error"],
        wape=sums["absolute_error"] / came,
        model_wape=sums["model_absolute_error"] / came,
    )[list(OVERRIDE_VALUE.names)]
    return found


def _plain(rows: pd.DataFrame, keep: list[str] | None = None) -> pd.DataFrame:
    """Key and sums in types that two origins share: the warehouse's dates and Parquet's."""
    days = {name: pd.to_datetime(rows[name]).astype("datetime64[s]") for name in ("local_on", "cutoff_on")}
    return rows[[*KEY, *(keep or []), *SUMS]].assign(
        **days, queue=rows["queue"].astype(object), override_id=rows["override_id"].astype(object)
    )
