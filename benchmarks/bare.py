"""The bare work of a step on the same data: what it would cost with nothing of ours around it.

Each function of `BARE` prepares the heavy part of one step and gives it back as a call that uses the
library alone and keeps nothing, so that only the call is timed. Steps without an entry have no
counterpart that one library could do by itself.
"""

import json
import tempfile
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd

from forestall.night import Night
from forestall.privacy.pseudonyms import teach_pseudonyms
from forestall.sections import Source
from forestall.settings import Settings
from forestall.sources.files import quoted
from forestall.sources.mapping import SEQUENCE, mapped_sql

Work = Callable[[], object]
READERS = {".parquet": "read_parquet", ".csv": "read_csv", ".tsv": "read_csv", ".gz": "read_csv"}


def map_files(settings: Settings, run_date: date, since: float) -> None:
    """Pull: DuckDB reads the files that changed after the instant `since`, and runs the mapping's SQL on their rows."""
    with tempfile.TemporaryDirectory() as folder:
        connection = _connect(str(Path(folder) / "bare.duckdb"), settings)
        teach_pseudonyms(connection, settings)
        for name, source in settings.sources.items():
            if source.kind == "file":
                _map_source(connection, Night(settings, run_date), name, source, since)
        connection.close()


def _map_source(connection: duckdb.DuckDBPyConnection, night: Night, name: str, source: Source, since: float) -> None:
    found = sorted(night.settings.root.glob(source.location))  # the demo's sources lie beside its forestall.toml
    fresh = [str(path) for path in found if path.stat().st_mtime > since]
    for reader in sorted({_reader(path) for path in fresh}):
        paths = ", ".join(quoted(path) for path in fresh if _reader(path) == reader)
        options = ", all_varchar = true, ignore_errors = true" if reader == "read_csv" else ""
        rows = f"SELECT *, 0::BIGINT AS {SEQUENCE} FROM {reader}([{paths}], union_by_name = true{options})"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE source_rows AS {rows}").fetchall()
        offered = [str(column) for column, *_ in connection.execute("DESCRIBE source_rows").fetchall()]
        sql = mapped_sql(connection, night, name, source, offered)
        connection.execute(f"CREATE TABLE {name}_{reader} AS {sql}").fetchall()


def _reader(path: str) -> str:
    return READERS.get(Path(path).suffix, "read_json")


def run_sql(settings: Settings) -> None:
    """Build features: the SQL that dbt compiled, run in its order in bare DuckDB into temporary tables."""
    target = settings.var_path / "dbt" / "target"
    results = json.loads((target / "run_results.json").read_text())["results"]
    connection = _connect(str(settings.root / settings.warehouse_url.removeprefix("duckdb:///")), settings)
    for result in results:
        if result["unique_id"].startswith("model.") and result["compiled_code"]:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE bare AS {result['compiled_code']}").fetchall()
    connection.close()


def predict(settings: Settings, run_date: date, since: float) -> Work:
    """Score churn: LightGBM's own predict, each horizon, on the matrix of tonight's customers."""
    from features.training_set import scored_population
    from models.churn.logbook import read_version
    from models.churn.params import MODEL
    from models.tracking import champion_on, model_files

    champion = champion_on(settings.tracking_uri, MODEL, run_date.isoformat())
    if champion is None:
        raise SystemExit("there is no champion to predict with; run train_churn first")
    model, _ = read_version(model_files(settings.tracking_uri, champion))
    connection = _connect(str(settings.root / settings.warehouse_url.removeprefix("duckdb:///")), settings)
    rows = connection.sql(
        "SELECT * FROM marts.fct_customer_features WHERE as_of_on = ? AND NOT is_training", params=[run_date]
    ).df()
    matrix = model.design.matrix(scored_population(rows))
    return lambda: [
        booster.predict(matrix, num_threads=settings.warehouse.threads) for booster in model.boosters.values()
    ]


def fit_prophets(settings: Settings, run_date: date, since: float) -> Work:
    """Forecast volume: one Prophet a queue with the country's holidays, fitted and asked for the horizon."""
    from prophet import Prophet

    connection = _connect(str(settings.root / settings.warehouse_url.removeprefix("duckdb:///")), settings)
    daily = connection.sql(
        "SELECT queue, local_on AS ds, sum(offered_count) AS y FROM marts.fct_contact_volume "
        "WHERE local_on >= ? GROUP BY queue, local_on ORDER BY queue, local_on",
        params=[(pd.Timestamp(run_date) - pd.Timedelta(days=settings.volume.history_days)).date()],
    ).df()

    def work() -> None:
        for _, rows in daily.groupby("queue"):  # a handful of queues
            model = Prophet(uncertainty_samples=0)
            if settings.company.country:
                model.add_country_holidays(settings.company.country)
            model.fit(rows[["ds", "y"]].astype({"y": float}))
            model.predict(model.make_future_dataframe(settings.volume.horizon_days))

    return work


def solve_programs(settings: Settings, run_date: date, since: float) -> Work:
    """Plan shifts: the integer programs of that plan once more, by HiGHS alone, one after the other."""
    from scipy.optimize import milp

    from benchmarks.shifts import Recorder
    from forestall.jobs.plan_shifts import plan_shifts
    from forestall.shifts import program

    recorder = Recorder(milp)
    vars(program)["milp"] = recorder
    plan_shifts(settings, run_date)
    return recorder.again


def _connect(path: str, settings: Settings) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path, config={"threads": str(settings.warehouse.threads)})
    connection.execute("SET TimeZone = 'UTC'").fetchall()
    return connection


BARE: dict[str, Callable[[Settings, date, float], Work]] = {
    "pull": lambda *of_night: partial(map_files, *of_night),
    "build_features": lambda settings, *_: partial(run_sql, settings),
    "score_churn": predict,
    "forecast_volume": fit_prophets,
    "plan_shifts": solve_programs,
}
