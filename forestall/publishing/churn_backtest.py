"""What a backtest of churn shows: tables on the screen, pictures and one Parquet file in a folder."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from features.aside import written_aside
from features.backtests import ALL, CHURN_BACKTEST
from models.churn.evaluation import LESS_IS_BETTER, MEASURES, MODELS, OURS, TOWARDS_ONE
from models.churn.plots import calibration_plot, lift_plot, profit_plot
from models.churn.rivals import RIVALS

WORDS = {
    "auc": "AUC", "average_precision": "average precision", "log_loss": "log loss", "brier": "Brier",
    "calibration_slope": "calibration slope", "observed_over_expected": "observed / expected",
    "top_observed_over_expected": "  in the top tenth", "top_lift": "lift, top tenth",
    "expected_maximum_profit": "expected max. profit",
}  # fmt: skip
SHORT = ("r-f-v", "plain")  # the rivals, where there is little room
IN_SHORT = ("auc", "log_loss", "observed_over_expected", "top_lift")
FILE = f"{CHURN_BACKTEST.name}.parquet"


def write_backtest(folder: Path, table: pd.DataFrame, judged: pd.DataFrame) -> None:
    """`churn_backtest.parquet`, and the pictures of the rows that were judged; what stood there is replaced."""
    rows = pa.Table.from_pandas(table, schema=CHURN_BACKTEST.arrow_schema(), preserve_index=False)
    with written_aside(folder / FILE) as aside:
        pq.write_table(rows, aside)
    outcome = judged["outcome"].to_numpy(dtype=np.float64)
    said = {model: judged[model].to_numpy(dtype=np.float64) for model in MODELS if model in judged}
    for name, plot in (("calibration", calibration_plot), ("lift", lift_plot), ("profit", profit_plot)):
        with written_aside(folder / f"{name}.png") as aside:
            plot(outcome, said).savefig(aside, format="png", dpi=130)


def backtest_tables(table: pd.DataFrame, main_horizon: int) -> Group:
    """The table in short: the main horizon beside both rivals, then cutoffs, horizons and groups."""
    cutoffs = [cutoff for cutoff in table["cutoff"].unique() if cutoff != ALL]
    cutoff = ALL if len(cutoffs) > 1 else cutoffs[0]
    main = table[(table["horizon_days"] == main_horizon) & (table["grouping"] == ALL)]
    newest = main[main["cutoff"] == cutoff]
    told = [_values(newest, f"within {main_horizon} days, {_named(cutoff)}, {_counted(newest)}"), _gains(newest)]
    if cutoff == ALL:
        told.append(_short(main, "cutoff", "by as-of date"))
    told.append(_short(table[(table["grouping"] == ALL) & (table["cutoff"] == cutoff)], "horizon_days", "by horizon"))
    groups = table[(table["grouping"] != ALL) & (table["cutoff"] == cutoff)]
    if len(groups):
        named = groups.assign(group=groups["grouping"] + " " + groups["group_name"])
        told.append(_short(named, "group", f"by group, within {main_horizon} days"))
    return Group(*told)


def _named(cutoff: str) -> str:
    return "mean over the as-of dates" if cutoff == ALL else f"as of {cutoff}"


def _values(rows: pd.DataFrame, title: str) -> Table:
    shown = _table(title, "forestall [95 % interval]", *SHORT)
    figures = _figures(rows)
    for measure in MEASURES:
        value, low, high = figures[OURS, "", measure]
        rivals = [_number(figures[rival, "", measure][0]) for rival in RIVALS]
        interval = "" if np.isnan(low) else f" [{_number(low)}, {_number(high)}]"
        shown.add_row(WORDS[measure], escape(f"{_number(value)}{interval}"), *rivals)
    return shown


def _gains(rows: pd.DataFrame) -> Table:
    title = "gain over each [95 % interval]; * better, ! worse beyond chance"
    shown = _table(title, *(f"over {name}" for name in SHORT))
    figures = _figures(rows)
    for measure in (one for one in MEASURES if one not in TOWARDS_ONE):
        gains = [_gain(figures[OURS, rival, measure], measure) for rival in RIVALS]
        shown.add_row(WORDS[measure], *(escape(f"{told} {interval}") for told, interval in gains))
    return shown


def _short(rows: pd.DataFrame, by: str, title: str) -> Table:
    """A line for each value of `by`: how many, our figures, and the gain in AUC over each rival."""
    names = ("number", "left", "AUC", "log loss", "obs/exp", "lift", *(f"AUC gain\n{name}" for name in SHORT))
    shown = _table(title, *names)
    for value, own in rows.groupby(by, sort=False):
        figures = _figures(own)
        told = [_number(figures[OURS, "", measure][0]) for measure in IN_SHORT]
        gains = [
            _gain(figures[OURS, rival, "auc"], "auc")[0] if (OURS, rival, "auc") in figures else "" for rival in RIVALS
        ]
        customers, leavers = (int(own[name].iloc[0]) for name in ("customer_count", "leaver_count"))
        shown.add_row(escape(str(value)), f"{customers:,}", f"{leavers / max(1, customers):.1%}", *told, *gains)
    return shown


def _table(title: str, *names: str) -> Table:
    shown = Table(title=f"\n{title}", title_justify="left", box=None, padding=(0, 1, 0, 0), title_style="bold")
    shown.add_column("", no_wrap=True)
    for name in names:
        shown.add_column(name, justify="right", no_wrap=True)
    return shown


def _figures(rows: pd.DataFrame) -> dict[tuple[str, str, str], tuple[float, float, float]]:
    """Value and interval by model, compared model and measure."""
    names = zip(rows["model"], rows["compared_with"], rows["measure"], strict=True)
    return dict(zip(names, zip(rows["value"], rows["low"], rows["high"], strict=True), strict=True))


def _counted(rows: pd.DataFrame) -> str:
    return f"{int(rows['customer_count'].iloc[0]):,} customers, {int(rows['leaver_count'].iloc[0]):,} left"


def _gain(difference: tuple[float, float, float], measure: str) -> tuple[str, str]:
    """Ours less the rival's, positive where ours is better, and its interval."""
    sign = -1 if measure in LESS_IS_BETTER else 1
    if np.isnan(difference[0]):
        return "–", ""
    value, *ends = (sign * figure for figure in difference)
    low, high = sorted(ends)
    mark = "*" if low > 0 else "!" if high < 0 else ""
    return f"{value:+.4f}{mark or ' '}", "" if np.isnan(low) else f"[{low:+.4f}, {high:+.4f}]"


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
