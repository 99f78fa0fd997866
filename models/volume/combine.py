"""Chooses, for each queue and lead bucket, how much the daily model counts beside the rival.

The weight is the one that would have been best over past cutoffs, among those that were no worse than
the rival in that bucket: the rival alone always is, so what is published never was. Ties go to it.
"""

import numpy as np
import pandas as pd

from models.volume.accuracy import LEAD_BUCKETS, bucket_of

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the daily model
WITHOUT_EVIDENCE = 1.0  # no backtest at all: the rival needs four weeks too, and the daily model has kin

METHODS = {0.0: "four_like_weekdays", 1.0: "prophet"}


def choose_weights(scored: pd.DataFrame) -> pd.DataFrame:
    """The weight of the daily model by queue and lead bucket.

    Args:
        scored: backtest intervals whose contacts are known: queue, lead_days, daily, rival, contacts.

    Returns:
        queue, bucket (index of LEAD_BUCKETS), weight; a bucket without evidence takes the next
        shorter one's weight. Queues without any backtest have no row.
    """
    if scored.empty:
        return pd.DataFrame({"queue": pd.Series(dtype="str"), "bucket": pd.Series(dtype="int64"), "weight": []})
    bucket = pd.Series(bucket_of(scored["lead_days"].to_numpy()), index=scored.index, name="bucket")
    key = [scored["queue"], bucket]
    errors = pd.DataFrame(
        {
            weight: (weight * scored["daily"] + (1 - weight) * scored["rival"] - scored["contacts"]).abs()
            for weight in WEIGHTS
        }
    )
    loss = errors.groupby(key).sum()
    # A bucket has few days: what is best over all leads steadies it, within what is no worse than the rival.
    steadied = loss + loss.groupby("queue").transform("sum")
    is_allowed = loss.le(loss[0.0], axis=0)
    best = steadied.where(is_allowed).idxmin(axis=1).astype(float)  # the first of equals is the nearest to the rival
    every = pd.MultiIndex.from_product([scored["queue"].unique(), range(len(LEAD_BUCKETS))], names=["queue", "bucket"])
    filled = best.reindex(every).groupby("queue").transform(lambda weights: weights.ffill().bfill())
    return filled.rename("weight").reset_index()


def combined(rows: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """`rows` (queue, lead_days, daily, rival) with `bucket`, `weight` and `forecast`."""
    out = rows.assign(bucket=bucket_of(rows["lead_days"].to_numpy()))
    out = out.merge(weights, on=["queue", "bucket"], how="left", validate="many_to_one")
    weight = out["weight"].fillna(WITHOUT_EVIDENCE).to_numpy()
    forecast = weight * out["daily"].to_numpy() + (1 - weight) * out["rival"].to_numpy()
    return out.assign(weight=weight, forecast=np.maximum(forecast, 0.0))


def method_names(weight: pd.Series, is_short: pd.Series) -> pd.Series:
    """What a row was made of: prophet, four_like_weekdays, blend, or kin where the history is too short."""
    names = weight.map(METHODS).fillna("blend")
    return names.mask(is_short & (weight > 0), "kin").astype(str)
