"""What earlier nights said against what happened, and the service of the last weeks.

Forecasts of earlier published nights (the first revision of each: what people acted on) are scored
against the contacts known by now, beside the rival at the same cutoffs. Where no night is old enough,
stored backtests stand in, and say so. What tonight's scores add to the ledger, and what each override was worth,
are tables of their own.
"""

from datetime import date, timedelta

import pandas as pd
import pyarrow as pa

from features.published import SERVICE_KPIS
from features.published_volume import FORECAST_ACCURACY
from forestall.history.contacts import ContactHistory, read_contact_history
from forestall.history.ledger import entries_before, published_forecasts
from forestall.jobs.forecast_volume import backtest_folder
from forestall.night import Night
from forestall.records import Summary
from forestall.settings import Settings
from forestall.warehouse import Warehouse, open_warehouse
from models.volume.accuracy import LEAD_BUCKETS, accuracy_rows
from models.volume.backtest import Span, backtest, weekly_cutoffs, with_actuals
from models.volume.days import DAYS_AHEAD
from models.volume.forward import walk_forward
from models.volume.params import volume_params
from models.volume.rivals import rival_rows
from models.volume.scores import additions, override_value, score_days

WINDOW_DAYS = 28  # the ledger's page looks back four weeks
KPI_DAYS = 90
KPIS = "marts.fct_service_kpis"


def measure(settings: Settings, run_date: date) -> Summary:
    """Write `service_kpis`, `forecast_accuracy`, `forecast_ledger` and `override_value` of the night.

    Returns:
        Days of KPIs, nights scored, and the WAPE over all queues by lead bucket.
    """
    night = Night(settings, run_date)
    cutoffs = weekly_cutoffs(run_date, settings.volume.backtest_cutoffs)
    days_ahead = max(settings.volume.horizon_days, DAYS_AHEAD)
    with open_warehouse(settings, f"measure {run_date}") as warehouse:
        kpis = _service_kpis(warehouse, run_date)
        known = read_contact_history(
            warehouse, settings, run_date,
            first_on=cutoffs[0] - timedelta(days=settings.volume.history_days),
            until=run_date + timedelta(days=days_ahead),  # as in forecast_volume, or stored backtests are not found
        )  # fmt: skip
    night.write("service_kpis", kpis)
    published = published_forecasts(night, run_date - timedelta(days=WINDOW_DAYS))
    scored = _scored_intervals(published, known, settings, run_date)
    ledger = accuracy_rows(scored, WINDOW_DAYS, "ledger") if len(scored) else _no_accuracy()
    added, value = _ledger_entries(night, scored)
    night.write("forecast_ledger", added)
    night.write("override_value", value)
    accuracy = _where_missing(ledger, _score_backtests(known, cutoffs, settings, run_date))
    night.write("forecast_accuracy", accuracy.astype({"day_count": "int64", "window_days": "int64"}))
    overall = accuracy[accuracy["queue"] == "all"].set_index("lead_bucket")["wape"].reindex(LEAD_BUCKETS).dropna()
    return {
        "kpi_days": len(kpis["local_on"].unique()),
        "nights_scored": published["cutoff_on"].nunique(),
        "ledger_entries": len(added),
        **{f"wape_lead_{bucket}": round(float(wape), 4) for bucket, wape in overall.items()},
    }


def _service_kpis(warehouse: Warehouse, run_date: date) -> pa.Table:
    """The mart's own rows; money stays decimal."""
    if not warehouse.has_table(KPIS):
        return SERVICE_KPIS.arrow_schema().empty_table()
    columns = ", ".join(SERVICE_KPIS.names)
    sql = f"SELECT {columns} FROM {KPIS} WHERE local_on >= ? AND local_on < ?"
    return warehouse.query(sql, [run_date - timedelta(days=KPI_DAYS), run_date])


def _scored_intervals(
    published: pd.DataFrame, known: ContactHistory, settings: Settings, run_date: date
) -> pd.DataFrame:
    """What was published beside what came, interval by interval, and the rival as of the same cutoffs."""
    if published.empty or not known.histories:
        return pd.DataFrame()
    params = volume_params()
    grid = next(iter(known.histories.values())).grid
    cells = grid.cells_of(pd.DatetimeIndex(published["interval_start_at"]))
    said = published.drop(columns=["local_on", "interval_start_at"])
    said = said.rename(columns={"contacts": "forecast", "model_contacts": "model"})
    said = said.assign(day_on=grid.dates[0] + pd.to_timedelta(cells // grid.slots, unit="D"), slot=cells % grid.slots)
    cutoffs = [stamp.date() for stamp in said["cutoff_on"].unique()]
    rivals = rival_rows(known.histories, cutoffs, settings.volume.horizon_days, settings.volume.history_days, params)
    # Only cells that accept contacts have a rival; a zero for a closed hour is no achievement.
    key = ["queue", "cutoff_on", "day_on", "slot"]
    beside = said.merge(rivals, on=key, how="inner", validate="many_to_one")
    return with_actuals(beside, known.histories, run_date, params)


def _ledger_entries(night: Night, scored: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What tonight adds to the ledger, and the worth of the overrides in all of it."""
    earlier = entries_before(night)
    added = additions(score_days(scored), earlier, night.run_date) if len(scored) else earlier.iloc[:0]
    days = ["local_on", "cutoff_on", "scored_on"]
    every = pd.concat([frame.assign(**{name: pd.to_datetime(frame[name]) for name in days})
                       for frame in (earlier, added) if len(frame)] or [earlier], ignore_index=True)  # fmt: skip
    plain = added.assign(**{name: pd.to_datetime(added[name]).dt.date for name in days})
    return plain, override_value(every)


def _no_accuracy() -> pd.DataFrame:
    return pd.DataFrame(columns=list(FORECAST_ACCURACY.names))


def _score_backtests(known: ContactHistory, cutoffs: list[date], settings: Settings, run_date: date) -> pd.DataFrame:
    """The same of stored backtests, each cutoff with what could be learned before it."""
    if not known.histories:
        return _no_accuracy()
    params, volume = volume_params(), settings.volume
    span = Span(volume.horizon_days, volume.history_days)
    past = backtest(known.histories, known.events, cutoffs, span, params, backtest_folder(settings))
    scored = walk_forward(past, known.histories, cutoffs, len(cutoffs), run_date, params).intervals
    days = (run_date - cutoffs[0]).days
    return accuracy_rows(scored, days, "backtest")


def _where_missing(ledger: pd.DataFrame, stand_in: pd.DataFrame) -> pd.DataFrame:
    """The ledger's rows, and the stand-in's for queues and lead buckets that the ledger lacks."""
    both = pd.concat([frame for frame in (ledger, stand_in) if len(frame)] or [ledger], ignore_index=True)
    return both.drop_duplicates(["queue", "lead_bucket"], keep="first", ignore_index=True)
