"""`forestall backtest churn`: what the model would have said on a past date, and what came.

No step of the night, but made of its parts: it learns only from as-of dates whose labels were all known on
the date asked about, scores that day's customers, and compares with what happened since. The rival
is a logistic regression on recency, frequency and value, learned from the same rows. Nothing is
registered.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from forestall.history.churn import ChurnHistory, last_build_on, read_churn_backtest
from forestall.records import Summary
from forestall.settings import ConfigError, Settings
from forestall.warehouse import warehouse_lock
from models.churn.rivals import rival_probabilities
from models.churn.training import Plan, fit, label
from models.metrics import Numbers, binary_metrics


def backtest_churn(settings: Settings, as_of_on: date) -> Summary:
    """Train as of `as_of_on`, score its customers, print the metrics beside the rival's.

    Returns:
        The metrics of the main horizon; those of the rival begin with `rival_`.

    Raises:
        ConfigError: no night has been built yet, or the label window of `as_of_on` is not over.
        TransformError: dbt failed.
    """
    with warehouse_lock(settings, f"backtest_churn {as_of_on}"):
        known_on = last_build_on(settings)
        if known_on is None:
            raise ConfigError("backtest: nothing is known yet; run `forestall nightly` first")
        history, judged = read_churn_backtest(settings, known_on, as_of_on)
    plan = history.plan
    judged = judged[judged[label(plan.main_horizon)].notna()]
    if judged.empty:
        latest = known_on - timedelta(days=plan.gap_days)
        raise ConfigError(
            f"backtest: nobody's outcome is known as of {as_of_on}; the last date that can be judged is {latest}"
        )
    table = backtest_table(history, judged)
    print(_told(table, history, as_of_on, plan))  # noqa: T201 - the command's output
    measured = table.to_dict(orient="index")
    ours, rival = measured[f"{plan.main_horizon} days"], measured["rival"]
    return {str(name): float(value) for name, value in ours.items()} | {
        f"rival_{name}": float(value) for name, value in rival.items()
    }


def backtest_table(history: ChurnHistory, judged: pd.DataFrame) -> pd.DataFrame:
    """Metrics by horizon, and of the rival on the main horizon, of a model learned from `history`."""
    plan = history.plan
    probabilities = fit(history.rows, plan).predict(judged, as_it_was=True)
    rows = {
        f"{horizon} days": binary_metrics(*_known(judged, horizon, values)) for horizon, values in probabilities.items()
    }
    learn = history.rows[history.rows[label(plan.main_horizon)].notna()]
    outcome, weight = (learn[name].to_numpy(dtype=np.float64) for name in (label(plan.main_horizon), "weight"))
    rival = rival_probabilities(learn, outcome, weight, judged, plan.params.rival)
    rows["rival"] = binary_metrics(*_known(judged, plan.main_horizon, rival))
    return pd.DataFrame.from_dict(rows, orient="index")


def _known(judged: pd.DataFrame, horizon: int, values: Numbers) -> tuple[Numbers, Numbers]:
    outcome = judged[label(horizon)].to_numpy(dtype=np.float64)
    return outcome[~np.isnan(outcome)], values[~np.isnan(outcome)]


def _told(table: pd.DataFrame, history: ChurnHistory, as_of_on: date, plan: Plan) -> str:
    dates = sorted(history.rows["as_of_on"].unique())
    span = f"{len(dates)} dates from {dates[0]} to {dates[-1]}" if dates else "no date"
    return (
        f"churn as of {as_of_on}, learned from {len(history.rows):,} rows of {span} (gap {plan.gap_days} days)\n"
        + table.T.to_string(float_format="{:.4f}".format)
    )
