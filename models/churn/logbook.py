"""One MLflow run for each churn model: parameters, metrics beside the rivals, plots, files, versions."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from features.backtests import ALL, CHURN_BACKTEST
from models.churn.drift import SCORE
from models.churn.evaluation import LESS_IS_BETTER, MODELS, OURS, TOWARDS_ONE, judge, judged_rows
from models.churn.model import ChurnModel
from models.churn.params import MODEL
from models.churn.plots import calibration_plot, importance_plot, lift_plot, profit_plot
from models.churn.rivals import PLAIN_LIGHTGBM, RECENCY_FREQUENCY_VALUE, Said, rivals_left_out, rivals_say
from models.churn.suspects import last_days
from models.churn.training import Plan, Trained, label
from models.metrics import Numbers
from models.provenance import code_version, data_version
from models.tracking import Run, Version, register, track

EXPERIMENT = MODEL
DRIFT = "drift"
SHORT = {RECENCY_FREQUENCY_VALUE: "rival", PLAIN_LIGHTGBM: "plain"}
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
        judged = newest_judged(rows, trained, plan)
        measured = judge(judged, plan.main_horizon, seed=plan.params.seed)
        run.log_table(f"{CHURN_BACKTEST.name}.parquet", measured)
        run.log_metrics(flat_metrics(measured, plan.main_horizon))
        if trained.alone.size:
            run.log_json("feature_auc.json", trained.alone.round(4).to_dict("index"))
            run.log_metrics({"feature_auc_max": float(np.nanmax(trained.alone.to_numpy()))})
        announced = last_days(rows, plan.kinds, label(max(plan.horizons)))
        run.log_json("last_days.json", announced.head(20).round(4).to_dict("records"))
        _log_figures(run, judged, trained, plan)
        return register(run, MODEL, version_files(trained), tags)


def log_decision(uri: str, version: Version, evidence: Mapping[str, float]) -> None:
    """Add what a challenger was compared by to the run that trained it."""
    Run(uri, version.run_id).log_metrics({f"promotion_{name}": value for name, value in evidence.items()})


def log_drift(uri: str, run_date: date, drift: pd.DataFrame, champion: Version) -> None:
    """Log how far a night's customers are from those that the champion learned from."""
    tags = {"run_date": run_date.isoformat(), "model": champion.label}
    score = drift.loc[drift["kind"] == SCORE, "stability_index"]
    drifted = drift[drift["is_drifted"] & (drift["kind"] != SCORE)]
    with track(uri, DRIFT, f"drift {run_date}", tags=tags) as run:
        run.log_metrics({
            "stability_index_score": float(score.iloc[0]), "drifted_features": len(drifted),
            "drifted_gain_share": float(drifted["gain_share"].sum()),
        })  # fmt: skip
        run.log_table("score_drift.parquet", drift)


def version_files(trained: Trained) -> dict[str, str]:
    """The files of a version: the model, and its twin under `twin/`."""
    files = trained.model.to_files()
    twin = trained.twin.to_files() if trained.twin is not None else {}
    return files | {TWIN + name: text for name, text in twin.items()}


def read_version(files: Mapping[str, str]) -> tuple[ChurnModel, ChurnModel | None]:
    """Model and twin from what `version_files` wrote."""
    twin = {name.removeprefix(TWIN): text for name, text in files.items() if name.startswith(TWIN)}
    return ChurnModel.from_files(files), ChurnModel.from_files(twin) if twin else None


def newest_judged(rows: pd.DataFrame, trained: Trained, plan: Plan) -> pd.DataFrame:
    """The newest date that was judged: what came, what the held-out model had said, and on the main horizon the rivals.

    The rivals learn from the rows that the held-out model learned from; where it was customers who were left out, from
    other customers. Empty where nothing was judged.
    """
    told = trained.predictions
    told = told[told["as_of_on"] == told["as_of_on"].max()].reset_index(drop=True)
    said = {OURS: {horizon: _array(told[f"churn_probability_{horizon}d"]) for horizon in plan.horizons}} | dict(
        _rivals(rows, told, trained, plan)
    )
    return judged_rows(told, plan.horizons, said)


def _rivals(rows: pd.DataFrame, told: pd.DataFrame, trained: Trained, plan: Plan) -> Said:
    if trained.judged == "nothing":
        return {}
    if trained.twin is None:
        return rivals_left_out(told, plan, (plan.main_horizon,), plan.params.calibration.folds)
    dates = [date.fromisoformat(day) for day in trained.twin.about["as_of_dates"]]
    return rivals_say(rows[rows["as_of_on"].isin(dates)], told, plan, (plan.main_horizon,))


def _log_figures(run: Run, judged: pd.DataFrame, trained: Trained, plan: Plan) -> None:
    main = judged[judged["horizon_days"] == plan.main_horizon]
    if len(main):
        said = {model: _array(main[model]) for model in MODELS if model in main}
        for name, plot in (("calibration", calibration_plot), ("lift", lift_plot), ("profit", profit_plot)):
            run.log_figure(f"{name}.png", plot(_array(main["outcome"]), said))
    if trained.model.kind == "lightgbm":
        run.log_figure("importance.png", importance_plot(trained.model.importance()))


def _array(column: pd.Series) -> Numbers:
    return column.to_numpy(dtype=np.float64)


def flat_metrics(table: pd.DataFrame, main_horizon: int) -> dict[str, float]:
    """`auc_90d` ours by horizon; on the main one `auc_rival`, `auc_plain` and our `auc_gain_over_rival`, `..._plain`.

    Of all customers; what cannot be computed is left out. A gain is positive where ours is better.
    """
    rows = table[(table["grouping"] == ALL) & table["value"].notna()]
    rows = rows[(rows["compared_with"] == "") | ~rows["measure"].isin(TOWARDS_ONE)]
    flat = {}
    for row in rows.to_dict("records"):
        if row["compared_with"]:
            sign = -1 if row["measure"] in LESS_IS_BETTER else 1
            flat[f"{row['measure']}_gain_over_{SHORT[row['compared_with']]}"] = sign * row["value"]
        elif row["model"] == OURS:
            flat[f"{row['measure']}_{row['horizon_days']}d"] = row["value"]
        elif row["horizon_days"] == main_horizon:
            flat[f"{row['measure']}_{SHORT[row['model']]}"] = row["value"]
    return flat
