"""One MLflow run for each churn model: parameters, metrics beside the rival, plots, files, versions."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from models.churn.model import ChurnModel
from models.churn.params import MODEL
from models.churn.plots import calibration_plot, importance_plot, lift_plot
from models.churn.rivals import rival_probabilities
from models.churn.training import Plan, Trained, label
from models.metrics import Numbers, binary_metrics
from models.provenance import code_version, data_version
from models.tracking import Run, Version, register, track

EXPERIMENT = MODEL
TWIN = "twin/"  # where a version keeps the files of its held-out twin


def log_training(uri: str, run_date: date, rows: pd.DataFrame, trained: Trained, plan: Plan) -> Version:
    """Log a training and register its model; the alias is moved by whoever decides."""
    tags = {
        "run_date": run_date.isoformat(),
        "kind": trained.model.kind,
        "judged": trained.judged,
        "data_version": data_version(rows),
        "code_version": code_version(),
    }
    params = {f"model.{name}": str(value) for name, value in trained.model.about.items()}
    with track(uri, EXPERIMENT, f"churn {run_date}", tags=tags, params=params) as run:
        run.log_json("params.json", plan.params.model_dump())
        run.log_json("features.json", dict(plan.kinds))
        measured = measure(rows, trained, plan)
        run.log_table("metrics.parquet", measured.reset_index(names="model"))
        run.log_metrics(_flat(measured))
        if trained.alone.size:
            run.log_json("feature_auc.json", trained.alone.round(4).to_dict("index"))
            run.log_metrics({"feature_auc_max": float(np.nanmax(trained.alone.to_numpy()))})
        _log_figures(run, rows, trained, plan)
        return register(run, MODEL, version_files(trained), tags)


def version_files(trained: Trained) -> dict[str, str]:
    """The files of a version: the model, and its twin under `twin/`."""
    files = trained.model.to_files()
    twin = trained.twin.to_files() if trained.twin is not None else {}
    return files | {TWIN + name: text for name, text in twin.items()}


def read_version(files: Mapping[str, str]) -> tuple[ChurnModel, ChurnModel | None]:
    """Model and twin from what `version_files` wrote."""
    twin = {name.removeprefix(TWIN): text for name, text in files.items() if name.startswith(TWIN)}
    return ChurnModel.from_files(files), ChurnModel.from_files(twin) if twin else None


def measure(rows: pd.DataFrame, trained: Trained, plan: Plan) -> pd.DataFrame:
    """Metrics on the judged rows, by horizon, and of the rival on the main horizon; empty where nothing was judged."""
    measured: dict[str, dict[str, float]] = {}
    for horizon in plan.horizons:
        judged = trained.predictions[trained.predictions[label(horizon)].notna()]
        if len(judged):
            measured[f"{horizon}d"] = binary_metrics(*_told(judged, horizon), _array(judged["weight"]))
    rival = _rival(rows, trained, plan)
    if rival is not None:
        judged = _judged(trained, plan)
        outcome, _ = _told(judged, plan.main_horizon)
        measured["rival"] = binary_metrics(outcome, rival, _array(judged["weight"]))
    return pd.DataFrame.from_dict(measured, orient="index")


def _judged(trained: Trained, plan: Plan) -> pd.DataFrame:
    return trained.predictions[trained.predictions[label(plan.main_horizon)].notna()]


def _rival(rows: pd.DataFrame, trained: Trained, plan: Plan) -> Numbers | None:
    """The rival's probabilities for the judged rows; only where a window was kept aside."""
    if trained.twin is None:
        return None
    dates = [date.fromisoformat(day) for day in trained.twin.about["as_of_dates"]]
    learn = rows[rows["as_of_on"].isin(dates) & rows[label(plan.main_horizon)].notna()]
    outcome, weight = _array(learn[label(plan.main_horizon)]), _array(learn["weight"])
    return rival_probabilities(learn, outcome, weight, _judged(trained, plan), plan.params.rival)


def _log_figures(run: Run, rows: pd.DataFrame, trained: Trained, plan: Plan) -> None:
    judged = _judged(trained, plan)
    if len(judged):
        outcome, probability = _told(judged, plan.main_horizon)
        run.log_figure("calibration.png", calibration_plot(outcome, probability))
        rival = _rival(rows, trained, plan)
        if rival is not None:
            run.log_figure("lift.png", lift_plot(outcome, probability, rival))
    if trained.model.kind == "lightgbm":
        run.log_figure("importance.png", importance_plot(trained.model.importance()))


def _told(judged: pd.DataFrame, horizon: int) -> tuple[Numbers, Numbers]:
    return _array(judged[label(horizon)]), _array(judged[f"churn_probability_{horizon}d"])


def _array(column: pd.Series) -> Numbers:
    return column.to_numpy(dtype=np.float64)


def _flat(measured: pd.DataFrame) -> dict[str, float]:
    """`auc_90d`, `auc_rival`...; what cannot be computed is left out."""
    return {
        f"{name}_{of}": float(value)
        for of, row in measured.iterrows()
        for name, value in row.items()
        if pd.notna(value)
    }
