"""`forestall backtest churn`: what the model would have said on past dates, and what came.

No step of the night, but made of its parts: for each date it learns only from as-of dates whose labels were all
known then, scores that day's customers, and compares with what happened since, beside two rivals that learn from the
same rows. Nothing is registered. Where no earlier date is known at all (a snapshot with labels), customers are
left out in turn instead, and the output says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from rich.console import Console

from features.backtests import ALL
from forestall.history.churn import ChurnHistory, last_build_on, read_churn_backtest
from forestall.publishing.churn_backtest import backtest_tables, write_backtest
from forestall.records import Summary
from forestall.settings import ConfigError, Settings
from forestall.warehouse import warehouse_lock
from models.churn.evaluation import OURS, judge, judged_rows, left_out_probabilities
from models.churn.rivals import PLAIN_LIGHTGBM, RECENCY_FREQUENCY_VALUE, rivals_left_out, rivals_say
from models.churn.training import Plan, fit, label

FOLDS = 5  # of customers, where no earlier date can be learned from
PREFIXES = {OURS: "", RECENCY_FREQUENCY_VALUE: "rival_", PLAIN_LIGHTGBM: "plain_"}


@dataclass(frozen=True)
class _Cutoff:
    """What was judged at one as-of date, how it was to be learned, and from what it was, in words."""

    judged: pd.DataFrame
    plan: Plan
    learned_from: str


def backtest_churn(settings: Settings, as_of_dates: Sequence[date] = ()) -> Summary:
    """Train as of each date, score its customers, print and write the measures beside the rivals'.

    Args:
        settings: of the company.
        as_of_dates: none: the newest whose label window is over.

    Returns:
        The measures of the main horizon, over all dates; those of the rivals begin with `rival_` (recency,
        frequency, value) and `plain_` (LightGBM out of the box). `folder`: where the files are.

    Raises:
        ConfigError: no night has been built yet, or the label window of a date is not over.
        TransformError: dbt failed.
    """
    known_on = last_build_on(settings)
    if known_on is None:
        raise ConfigError("backtest: nothing is known yet; run `forestall nightly` first")
    cutoffs = [_at(settings, known_on, as_of_on) for as_of_on in sorted(set(as_of_dates)) or (None,)]
    plan = cutoffs[0].plan
    judged = pd.concat([cutoff.judged for cutoff in cutoffs], ignore_index=True)
    table = judge(judged, plan.main_horizon, seed=plan.params.seed)
    folder = backtest_folder(settings, sorted(judged["cutoff"].unique()))
    write_backtest(folder, table, judged[judged["horizon_days"] == plan.main_horizon])
    _tell(table, cutoffs, folder)
    return _summary(table, plan) | {"folder": str(folder)}


def backtest_folder(settings: Settings, cutoffs: Sequence[str]) -> Path:
    """`var/backtests/churn/<first date>[_<last date>_<how many>]`."""
    several = f"_{cutoffs[-1]}_{len(cutoffs)}" if len(cutoffs) > 1 else ""
    return settings.var_path / "backtests" / "churn" / f"{cutoffs[0]}{several}"


def _at(settings: Settings, known_on: date, as_of_on: date | None) -> _Cutoff:
    with warehouse_lock(settings, f"backtest_churn {as_of_on or ''}"):
        history, rows = read_churn_backtest(settings, known_on, as_of_on)
    plan = history.plan
    rows = rows[rows[label(plan.main_horizon)].notna()].reset_index(drop=True)
    if rows.empty:
        latest = known_on - timedelta(days=plan.gap_days)
        raise ConfigError(
            f"backtest: nobody's outcome is known as of {as_of_on or latest}; "
            f"the last date that can be judged is {latest}"
        )
    if history.rows.empty:
        ours, rivals = left_out_probabilities(rows, plan, FOLDS), rivals_left_out(rows, plan, plan.horizons, FOLDS)
        learned_from = f"learned from the other customers of the same date, in {FOLDS} folds: no earlier date is known"
    else:
        ours = fit(history.rows, plan).predict(rows, as_it_was=True)
        rivals = rivals_say(history.rows, rows, plan, plan.horizons)
        learned_from = _span(history)
    return _Cutoff(judged_rows(rows, plan.horizons, {OURS: ours, **rivals}), plan, learned_from)


def _span(history: ChurnHistory) -> str:
    dates = sorted(history.rows["as_of_on"].unique())
    return (
        f"learned from {len(history.rows):,} rows of {len(dates)} dates from {dates[0]} to {dates[-1]} "
        f"(gap {history.plan.gap_days} days)"
    )


def _tell(table: pd.DataFrame, cutoffs: Sequence[_Cutoff], folder: Path) -> None:
    console = Console()
    for cutoff in cutoffs:
        as_of_on = cutoff.judged["cutoff"].iloc[0]
        console.print(f"churn as of {as_of_on}, {cutoff.learned_from}", highlight=False, soft_wrap=True)
    told = "r-f-v: logistic regression on recency, frequency, value; plain: LightGBM out of the box"
    console.print(told, highlight=False, soft_wrap=True)
    console.print(backtest_tables(table, cutoffs[0].plan.main_horizon))
    console.print(f"table and pictures: {folder}", highlight=False, soft_wrap=True)


def _summary(table: pd.DataFrame, plan: Plan) -> dict[str, int | float | str]:
    rows = table[(table["horizon_days"] == plan.main_horizon) & (table["grouping"] == ALL)]
    rows = rows[rows["cutoff"] == (ALL if ALL in set(rows["cutoff"]) else rows["cutoff"].iloc[0])]
    own = rows[rows["compared_with"] == ""]
    named = zip(own["model"].map(PREFIXES) + own["measure"], own["value"], strict=True)
    customers, leavers = (int(own[name].iloc[0]) for name in ("customer_count", "leaver_count"))
    return {"customers": customers, "leavers": leavers, **dict(named)}
