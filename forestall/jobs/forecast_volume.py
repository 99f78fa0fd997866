"""How many contacts come in each interval of the coming weeks, and how sure we are.

Reads the history as known on the run date, completes the stored weekly backtests, fits tonight's
candidates, takes for each queue and lead what won, adds what outreach causes or avoids, logs one run on MLflow, puts
the planners' overrides on top, adds days up to a year, and tells what moved since the last published night.
"""

import hashlib
import os
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from features.published_planning import FORECAST_CHANGES
from features.published_volume import FORECAST_METHODS, MARK_EFFECTS, VOLUME_DAYS, VOLUME_FORECAST
from forestall.history.contacts import ContactHistory, read_contact_history
from forestall.history.forecast_changes import changes_since, notes_on_events
from forestall.history.outreach import listed_by_night
from forestall.night import Night
from forestall.outreach.effect_table import LOAD_DAYS
from forestall.outreach.load import added_contacts, change_of, with_outreach
from forestall.planning.journal import entries, overrides_at
from forestall.planning.overrides import apply_overrides
from forestall.planning.written import carry_over
from forestall.records import LINE_END, Summary
from forestall.settings import Settings
from forestall.warehouse import open_warehouse
from models.pool import worker_pool
from models.volume.backtest import Span, backtest, learned_on, weekly_cutoffs, with_actuals
from models.volume.candidates import Candidates, forecast_candidates
from models.volume.combine import combined
from models.volume.daily import fit_daily
from models.volume.days import DAYS_AHEAD, learn_days, volume_days
from models.volume.effects import effect_rows
from models.volume.forecast import forecast_rows, learn, night_forecast
from models.volume.logbook import log_forecast
from models.volume.methods import method_rows
from models.volume.notes import notes_on
from models.volume.params import volume_params

MOST_WORKERS = 16


def forecast_volume(settings: Settings, run_date: date) -> Summary:
    """Write `volume_forecast`, `volume_days`, `forecast_methods`, `mark_effects` and `forecast_changes`.

    Returns:
        Queues, intervals, contacts forecast for the run date, how many queues each method won, and
        `notes`: one line for each queue of which something must be known.
    """
    night, params, volume = Night(settings, run_date), volume_params(), settings.volume
    told = carry_over(night)
    cutoffs = weekly_cutoffs(run_date, volume.backtest_cutoffs)
    span = Span(volume.horizon_days, volume.history_days)
    days_ahead = max(volume.horizon_days, DAYS_AHEAD)
    with open_warehouse(settings, f"forecast_volume {run_date}") as warehouse:
        known = read_contact_history(
            warehouse, settings, run_date,
            first_on=cutoffs[0] - timedelta(days=volume.history_days),
            until=run_date + timedelta(days=days_ahead),
        )  # fmt: skip
        listed = listed_by_night(warehouse, run_date)
    if not known.histories:
        for table in (VOLUME_FORECAST, VOLUME_DAYS, FORECAST_METHODS, MARK_EFFECTS, FORECAST_CHANGES):
            night.write(table.name, table.arrow_schema().empty_table())
        return {"queues": 0, "notes": "no forecast: neither interactions nor contact_volumes has a contact yet"}

    with worker_pool(min(os.cpu_count() or 1, MOST_WORKERS)) as pool:
        past = backtest(known.histories, known.events, cutoffs, span, params, backtest_folder(settings), pool.map)
        tonight = forecast_candidates(
            known.histories, known.events, [run_date], days_ahead, span.history_days, params,
            pool.map, partial(fit_daily, with_model=True),
        )  # fmt: skip
    scored = with_actuals(past, known.histories, learned_on(run_date), params)
    learned = learn(scored, params)
    rows = forecast_rows(tonight, known.histories, learned, volume.horizon_days)
    forecast = night_forecast(rows, known.histories, run_date, volume.horizon_days, params)
    forecast, about_outreach = _with_outreach(night, forecast, listed)
    version = f"volume/{_content_hash(forecast)}"
    log_forecast(settings.tracking_uri, run_date, version, params, tonight, scored, learned, forecast)
    overrides = overrides_at(entries(settings), night.cutoff, run_date)
    decided, about_overrides = apply_overrides(forecast, overrides, settings.zone)
    made: dict[str, Any] = {"cutoff_at": pd.Timestamp(night.cutoff), "model_version": version}
    night.write("volume_forecast", decided.assign(**made))
    errors = learn_days(combined(scored, learned.weights), params.days)
    night.write(
        "volume_days", volume_days(decided, tonight, learned.weights, errors, run_date, params.days).assign(**made)
    )
    methods = method_rows(scored, learned.weights).assign(model_version=version)
    night.write("forecast_methods", methods.reindex(columns=list(FORECAST_METHODS.names)))
    effects = [
        effect_rows(queue, found.effects, found.basis.open_marks, found.basis.taught, run_date)
        for (queue, _), found in tonight.items()
    ]
    night.write("mark_effects", pd.concat(effects, ignore_index=True).assign(model_version=version))
    night.write("forecast_changes", changes_since(night, decided, known, tonight, learned.weights, params))
    told += [*about_outreach, *about_overrides, *notes_on_events(known, run_date, volume.horizon_days)]
    told += [f"{queue}: no contact in any of its reports; it has no forecast" for queue in known.of_zeros]
    return _summary(known, tonight, decided, run_date, told)


def _with_outreach(night: Night, forecast: pd.DataFrame, listed: "pd.Series[float]") -> tuple[pd.DataFrame, list[str]]:
    """The forecast with what outreach causes or avoids, and a line where it does."""
    change = change_of(night.read("net_load")) if night.has("net_load") else 0.0
    days = int(forecast["lead_days"].max())
    added = added_contacts(change, listed, night.run_date, days)
    said = f"outreach: {change:+.2f} contacts within {LOAD_DAYS} days of each account listed, {added[0]:+.1f} today"
    return with_outreach(forecast, added), [said] if change else []


def backtest_folder(settings: Settings) -> Path:
    """Where backtests are kept. They are keyed by what they were made from, so backfills share them."""
    return settings.var_path / "volume" / "backtests"


def _content_hash(forecast: pd.DataFrame) -> str:
    """Names the forecast by what it says: a run id would make the same night differ from itself."""
    numbers = forecast.round({"contacts": 6, "handle_time_s": 3})
    return hashlib.blake2b(
        pd.util.hash_pandas_object(numbers, index=False).to_numpy().tobytes(), digest_size=6
    ).hexdigest()


def _summary(
    known: ContactHistory, tonight: dict[tuple[str, date], Candidates], forecast: pd.DataFrame, run_date: date,
    told: list[str],
) -> Summary:  # fmt: skip
    first = forecast[forecast["lead_days"] == 1]
    won = first.drop_duplicates("queue")["method"].value_counts()
    return {
        "queues": len(known.histories),
        "intervals": len(forecast),
        "contacts_today": round(float(first["contacts"].sum()), 1),
        **{f"won_by_{method}": int(count) for method, count in won.items()},
        "overridden_intervals": int(forecast["override_id"].notna().sum()),
        "notes": LINE_END.join([*notes_on(tonight, known.histories, run_date), *told]),
    }
