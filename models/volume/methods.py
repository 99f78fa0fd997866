"""Which way of forecasting counts how much, where, and what it gained: the published `forecast_methods`."""

import numpy as np
import pandas as pd

from models.volume.accuracy import LEAD_BUCKETS, wape
from models.volume.candidates import MEMBERS
from models.volume.combine import METHODS, WEIGHTS, combined, method_names

NAMES = tuple(METHODS[member] for member in MEMBERS)


def method_rows(scored: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """The columns of `forecast_methods` but for the model version.

    Args:
        scored: backtest intervals with contacts: queue, cutoff_on, day_on, lead_days, MEMBERS and BLENDED.
        weights: what was chosen on them (`choose_weights`). Errors are thus those of the cutoffs that
            chose: the ledger and `forestall backtest volume` have honest ones.
    """
    if weights.empty:
        return pd.DataFrame()
    told = weights.assign(method=method_names(weights, pd.Series(False, index=weights.index)))
    rows = combined(scored, weights)
    errors = [
        {"queue": queue, "bucket": bucket, **_errors(own)}
        for (queue, bucket), own in rows.groupby(["queue", "bucket"])
    ]  # fmt: skip
    out = told.merge(pd.DataFrame(errors), on=["queue", "bucket"], how="left", validate="one_to_one")
    counts = ["cutoff_count", "day_count"]
    out[counts] = out[counts].fillna(0).astype("int64")
    rival = out["wape_four_like_weekdays"]
    gain = np.where(rival > 0, 1 - out["wape"] / rival.where(rival > 0), np.nan)
    named = dict(zip(WEIGHTS, (f"weight_{name}" for name in NAMES), strict=True))
    out = out.assign(lead_bucket=np.array(LEAD_BUCKETS)[out["bucket"].to_numpy()], gain_over_rival=gain)
    return out.rename(columns=named).drop(columns="bucket")


def _errors(own: pd.DataFrame) -> dict[str, float]:
    actual = own["contacts"].to_numpy()
    return {
        "wape": wape(own["forecast"].to_numpy(), actual),
        **{f"wape_{METHODS[member]}": wape(own[member].to_numpy(), actual) for member in MEMBERS},
        "cutoff_count": own["cutoff_on"].nunique(),
        "day_count": own["day_on"].nunique(),
    }
