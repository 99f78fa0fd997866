"""Tonight's forecast beside that of the last published night: what moved, and why.

The weights of a night stay in its run folder (`forecast_weights`); where they are gone, their share cannot be told
from that of the data.
"""

from datetime import date, timedelta
from typing import cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.published_planning import FORECAST_CHANGES
from forestall.history.changes import last_published
from forestall.history.contacts import ContactHistory, with_entered
from forestall.night import Night
from models.volume.backtest import candidate_rows
from models.volume.candidates import Candidates
from models.volume.changes import as_then, share_out, without_new_events
from models.volume.params import VolumeParams

WEIGHTS = "forecast_weights"
COUNTS = ("contacts", "model_contacts", "outreach_contacts")


def changes_since(
    night: Night, forecast: pd.DataFrame, known: ContactHistory, tonight: dict[tuple[str, date], Candidates],
    weights: pd.DataFrame, params: VolumeParams,
) -> pd.DataFrame:  # fmt: skip
    """Rows of `forecast_changes`; none where no earlier night is published. Keeps tonight's weights for the next.

    Args:
        night: tonight.
        forecast: `volume_forecast` with what planners decided.
        known: histories and events.
        tonight: the candidates that it was made of.
        weights: by which they were put together.
        params: of the models.
    """
    night.write(WEIGHTS, weights.assign(params_hash=params.hash))
    last = last_published(night)
    then = _days(last.frame("volume_forecast")) if last else None
    if last is None or then is None or then.empty:
        return pd.DataFrame(columns=list(FORECAST_CHANGES.names))
    weights_then, is_other_model = _weights_of(night, last.run_date, weights, params)
    rows = pd.concat(
        [candidate_rows(queue, known.histories[queue], found) for (queue, _), found in tonight.items()],
        ignore_index=True,
    )
    events_then = with_entered(known.of_source, night.settings, last.run_date)
    eventless = without_new_events(rows, tonight, known.histories, known.events, events_then, params)
    between = (night.run_date - last.run_date).days
    found = share_out(
        _days(forecast), then,
        as_then(rows, known.histories, weights_then, between),
        as_then(eventless, known.histories, weights_then, between),
        is_other_model=is_other_model,
    )  # fmt: skip
    return found.assign(previous_run_on=last.run_date, local_on=found["local_on"].dt.date)


def notes_on_events(known: ContactHistory, run_date: date, horizon_days: int) -> list[str]:
    """One line for each coming event of whose kind nothing has passed: it has no effect to learn from."""
    starts = pd.to_datetime(known.events["starts_on"])
    ends = pd.to_datetime(known.events["ends_on"]).fillna(starts)
    now, until = pd.Timestamp(run_date), pd.Timestamp(run_date + timedelta(days=horizon_days))
    first = min((pd.Timestamp(one.grid.first_on) for one in known.histories.values()), default=now)
    seen = set(known.events.loc[(starts < now) & (ends >= first), "name"])
    coming = known.events.loc[(ends >= now) & (starts < until), "name"].astype(str)
    return [
        f"event {name}: none of that name has passed, so the forecast knows no effect of it; add an override"
        for name in sorted(set(coming) - seen)
    ]


def _weights_of(night: Night, run_date: date, tonight: pd.DataFrame, params: VolumeParams) -> tuple[pd.DataFrame, bool]:
    """The weights of an earlier night, tonight's where they are gone; and whether its parameters were others."""
    path = Night(night.settings, run_date).folder / f"{WEIGHTS}.parquet"
    if not path.is_file():
        return tonight, False
    then = cast(pa.Table, pq.read_table(path, partitioning=None)).to_pandas()
    return then[list(tonight.columns)], bool(len(then)) and set(then["params_hash"]) != {params.hash}


def _days(forecast: pd.DataFrame) -> pd.DataFrame:
    """queue, local_on and COUNTS a day; before the columns the model's are what was published, and outreach's none."""
    model = forecast["model_contacts"].fillna(forecast["contacts"]).astype(float)
    outreach = forecast["outreach_contacts"].astype(float).fillna(0.0)
    local_on = pd.to_datetime(forecast["local_on"]).astype("datetime64[s]")
    rows = forecast.assign(model_contacts=model, outreach_contacts=outreach, local_on=local_on)
    return rows.groupby(["queue", "local_on"], as_index=False)[list(COUNTS)].sum()
