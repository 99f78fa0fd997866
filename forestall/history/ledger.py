"""The ledger of forecasts: what was published for days that have passed, cutoff by cutoff.

Reads published nights, never the warehouse. Of each run date the first revision counts, because people
acted on it; what was published is never altered, so neither is the ledger.
"""

from datetime import date, timedelta

import pandas as pd
import pyarrow.compute as pc

from forestall.night import Night
from forestall.publishing.publication import PublishedNight, nights
from models.volume.quantiles import QUANTILE_COLUMNS

LONGEST_LEAD_DAYS = 56  # the last lead bucket
COLUMNS = ("queue", "interval_start_at", "local_on", "lead_days", "contacts", *QUANTILE_COLUMNS)


def published_forecasts(night: Night, first_on: date) -> pd.DataFrame:
    """Earlier nights' forecasts of the days from `first_on` to the day before the run date.

    Returns:
        COLUMNS and `cutoff_on`, a row for each night, queue and interval.
    """
    since = first_on - timedelta(days=LONGEST_LEAD_DAYS)
    first_revisions = [
        found for found in nights(night.published) if found.revision == 1 and since <= found.run_date < night.run_date
    ]
    minutes = night.settings.volume.interval_minutes
    frames = [_rows(found, first_on, night.run_date, minutes) for found in first_revisions]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=[*COLUMNS, "cutoff_on"])


def _rows(published: PublishedNight, first_on: date, run_date: date, minutes: int) -> pd.DataFrame:
    """Rows of one night; none where it was published for intervals of another length."""
    table = published.table("volume_forecast")
    days = table["local_on"]
    table = table.filter(pc.and_(pc.greater_equal(days, first_on), pc.less(days, run_date)))
    rows: pd.DataFrame = table.select(list(COLUMNS)).to_pandas()
    step = rows["interval_start_at"].drop_duplicates().sort_values().diff().min()
    if len(rows) and step != pd.Timedelta(minutes=minutes):
        return rows.iloc[:0]
    return rows.assign(cutoff_on=pd.Timestamp(published.run_date))
