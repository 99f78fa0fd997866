"""Net load of outreach in the forecast: contacts that listed customers make beyond, or short of, what they would have.

The holdout says by how much a listing changes what an account asks for within `LOAD_DAYS`. What listings of the last
four weeks changed is in the level that the forecast goes by already; so what is added is only the listings of a day
less the usual ones. Where the interval of the change holds zero nothing is added.
"""

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.outreach.effect_table import ALL, LOAD_DAYS
from models.volume.quantiles import QUANTILE_COLUMNS, moved_along

Floats = NDArray[np.float64]

CONTACTS = "contacts_14d"
LEVEL_DAYS = 28  # what the level of a forecast follows: four like weekdays
RATE_NIGHTS = 14  # nights whose mean is what coming nights are taken to list
COLUMN = "outreach_contacts"


def change_of(net_load: pd.DataFrame) -> float:
    """Contacts that one listing adds within `LOAD_DAYS`, over all actions; 0 while its interval holds zero.

    Args:
        net_load: as `effect_table.net_load` gives it.
    """
    row = net_load[(net_load["measure"] == CONTACTS) & (net_load["action"] == ALL)]
    is_known = (row["low"] > 0) | (row["high"] < 0)
    return float(row.loc[is_known, "change"].sum())


def added_contacts(change: float, listed: "pd.Series[float]", run_date: date, days: int) -> Floats:
    """Contacts a day, from the run date on, that are not in the level of the forecast yet; below 0 fewer come.

    A listing counts in equal parts on `LOAD_DAYS` days from its own on. Worked: a change of -1.4, ten listed in each of
    the last seven nights and none before. On these days 10, 20, ... 70 listings counted, 10 a day on the mean of four
    weeks; today the same seventy count and the five of tonight: -1.4 / 14 x (75 - 10) = -6.5 contacts.

    Args:
        change: of `change_of`.
        listed: accounts listed for the first time, by run date; nights without any may be missing.
        run_date: tonight; it and later nights list as many as the last `RATE_NIGHTS` did on the mean.
        days: how many are asked for.
    """
    before = LEVEL_DAYS + LOAD_DAYS
    past = pd.date_range(end=pd.Timestamp(run_date) - pd.Timedelta(days=1), periods=before)
    by_night = listed.set_axis(pd.to_datetime(listed.index)).reindex(past, fill_value=0.0).to_numpy(np.float64)
    nights = np.concatenate([by_night, np.full(days, by_night[-RATE_NIGHTS:].mean())])
    counting = np.convolve(nights, np.ones(LOAD_DAYS))[: len(nights)]
    usual = counting[before - LEVEL_DAYS : before].mean()
    return np.asarray(change / LOAD_DAYS * (counting[before:] - usual))


def with_outreach(forecast: pd.DataFrame, added: Floats) -> pd.DataFrame:
    """The forecast with the day's contacts shared out over queues and intervals as its own are; never below zero.

    Args:
        forecast: lead_days, contacts and quantiles, as the model has them.
        added: by day ahead, from the run date on.

    Returns:
        The same with contacts and quantiles moved, and `outreach_contacts`, by which contacts were.
    """
    model, lead = forecast["contacts"].to_numpy(np.float64), forecast["lead_days"].to_numpy(np.int64) - 1
    day = np.bincount(lead, weights=model, minlength=len(added))
    factor = 1 + np.divide(added, day, out=np.zeros_like(added), where=day > 0)
    moved = model * np.maximum(factor, 0.0)[lead]
    out = forecast.assign(**{"contacts": moved, COLUMN: moved - model})
    is_moved = moved != model
    levels = forecast[list(QUANTILE_COLUMNS)].to_numpy(np.float64)
    levels[is_moved] = moved_along(levels[is_moved], model[is_moved], moved[is_moved])
    out[list(QUANTILE_COLUMNS)] = levels
    return out
