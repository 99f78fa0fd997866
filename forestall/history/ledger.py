"""The ledger of forecasts: what was published for days that have passed, cutoff by cutoff, and how it was scored.

Reads published nights, never the warehouse. Of each run date the first revision counts, because
people acted on it; what was published is never altered, so neither is the ledger. Scores are kept as entries:
each night publishes those it adds, and `var/ledger` holds a copy that stays when old nights are pruned.
"""

from datetime import date, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.aside import written_aside
from features.published_planning import FORECAST_LEDGER
from forestall.night import Night
from forestall.publishing.publication import PublishedNight, migrate, nights
from models.volume.quantiles import QUANTILE_COLUMNS

LONGEST_LEAD_DAYS = 56  # the last lead bucket
COLUMNS = ("queue", "interval_start_at", "local_on", "lead_days", "contacts", *QUANTILE_COLUMNS, "model_contacts",
           "override_id")  # fmt: skip


def published_forecasts(night: Night, first_on: date) -> pd.DataFrame:
    """Earlier nights' forecasts of the days from `first_on` to the day before the run date.

    Returns:
        COLUMNS and `cutoff_on`, a row for each night, queue and interval.
    """
    since = first_on - timedelta(days=LONGEST_LEAD_DAYS)
    minutes = night.settings.volume.interval_minutes
    first_revisions = [one for one in _first_revisions(night) if one.run_date >= since]
    frames = [_rows(found, first_on, night.run_date, minutes) for found in first_revisions]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=[*COLUMNS, "cutoff_on"])


def entries_before(night: Night) -> pd.DataFrame:
    """All entries that earlier nights added, oldest first (rows of `forecast_ledger`).

    What a night published is copied to `var/ledger` once, and never written again.
    """
    folder = night.base / "ledger"
    for published in _first_revisions(night):
        path = folder / f"{published.run_date}.parquet"
        if not path.is_file():
            rows = published.table(FORECAST_LEDGER.name)
            with written_aside(path) as aside:
                pq.write_table(rows, aside)
    tables = [
        migrate(pq.read_table(path, partitioning=None), FORECAST_LEDGER)
        for path in sorted(folder.glob("*.parquet"))
        if date.fromisoformat(path.stem) < night.run_date
    ]
    every = pa.concat_tables([FORECAST_LEDGER.arrow_schema().empty_table(), *tables])
    frame: pd.DataFrame = every.to_pandas()
    return frame


def _first_revisions(night: Night) -> list[PublishedNight]:
    return [found for found in nights(night.published) if found.revision == 1 and found.run_date < night.run_date]


def _rows(published: PublishedNight, first_on: date, run_date: date, minutes: int) -> pd.DataFrame:
    """Rows of one night; none where it was published for intervals of another length."""
    table = published.table("volume_forecast")
    days = table["local_on"]
    table = table.filter(pc.and_(pc.greater_equal(days, first_on), pc.less(days, run_date)))
    rows: pd.DataFrame = table.select(list(COLUMNS)).to_pandas()
    step = rows["interval_start_at"].drop_duplicates().sort_values().diff().min()
    if len(rows) and step != pd.Timedelta(minutes=minutes):
        return rows.iloc[:0]
    # Before there were overrides, what was published is what the model said.
    model = rows["model_contacts"].astype(float).fillna(rows["contacts"])
    override_id = rows["override_id"].astype(object).where(rows["override_id"].notna(), "")
    return rows.assign(cutoff_on=pd.Timestamp(published.run_date), model_contacts=model, override_id=override_id)
