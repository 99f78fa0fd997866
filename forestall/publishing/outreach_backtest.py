"""What a backtest of outreach shows: a table on the screen, a picture and one Parquet file in a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from rich.table import Table

from features.aside import written_aside
from features.backtests import OUTREACH_BACKTEST

WORDS = {
    "nobody": "nobody is called", "random": "random", "probability": "by probability",
    "probability_x_value": "by probability x value", "before": "ours, before learning", "after": "ours, learning",
    "recorded": "best that features allow", "best": "best that observables allow",
}  # fmt: skip


def write_backtest(folder: Path, weeks: pd.DataFrame) -> None:
    """`outreach_backtest.parquet` and `kept_margin.png`; what stood there is replaced."""
    rows = pa.Table.from_pandas(weeks, schema=OUTREACH_BACKTEST.arrow_schema(), preserve_index=False)
    with written_aside(folder / f"{OUTREACH_BACKTEST.name}.parquet") as aside:
        pq.write_table(rows, aside)
    with written_aside(folder / "kept_margin.png") as aside:
        _drawn(weeks).savefig(aside, format="png", dpi=130)


def policy_table(table: pd.DataFrame, title: str, late: str) -> Table:
    """The policies side by side.

    Args:
        table: one row a policy (`simulation.results.by_policy`).
        title: what was simulated.
        late: the weeks that count as after learning, in words.
    """
    shown = _titled(title)
    shown.add_column("", no_wrap=True)
    for name in ("kept a night", f"{late}", "of best", "of features", "over (b)", "realised", "rows a week", "harmed"):
        shown.add_column(name, justify="right")
    for policy, row in table.iterrows():
        shown.add_row(
            WORDS[str(policy)], *(_number(row[name], "{:,.0f}") for name in ("kept_all", "kept_late")),
            _number(row["of_best"], "{:.0%}"), _number(row["of_recorded"], "{:.0%}"),
            _number(row["over_probability"], "{:.2f}"), _number(row["realised"], "{:,.0f}"),
            _number(row["contacts"], "{:.0f}"), _number(row["harmed"], "{:.1%}"),
        )  # fmt: skip
    return shown


def effect_table(found: Sequence[Mapping[str, float]], names: Sequence[str]) -> Table:
    """The estimate of the effect on leaving beside the truth, one line a company; points."""
    title = "effect of being listed on leaving, in points: the night's estimate beside the truth of first listings"
    shown = _titled(title)
    for name in ("", "accounts", "estimate", "fixed date", "every night", "truth"):
        shown.add_column(name, justify="right", no_wrap=True)
    for name, one in zip(names, found, strict=True):
        ends = [f"{_points(one[f'{way}_low'])} to {_points(one[f'{way}_high'])}" for way in ("fixed", "always")]
        accounts = _number(one["accounts"], "{:,.0f}")
        shown.add_row(name, accounts, _points(one["estimate"]), *ends, _points(one["truth"]))
    return shown


def told_table(found: pd.DataFrame) -> Table:
    """What rows were listed for, beside what they kept (`simulation.results.told_beside_true`)."""
    shown = _titled("what a row was listed for, beside what it kept")
    for name in ("rows", "count", "told", "true"):
        shown.add_column(name, justify="left" if name == "rows" else "right", no_wrap=True)
    for rows, row in found.iterrows():
        shown.add_row(
            str(rows),
            _number(row["row_count"], "{:,.0f}"),
            _number(row["told"], "{:.1f}"),
            _number(row["true"], "{:.1f}"),
        )
    return shown


def _titled(title: str) -> Table:
    return Table(title=f"\n{title}", title_justify="left", box=None, padding=(0, 1, 0, 0), title_style="bold")


def _drawn(weeks: pd.DataFrame) -> Figure:
    """Kept margin of each policy, added up over the weeks; mean over companies."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    mean = weeks.pivot_table(index="week", columns="policy", values="kept_margin")
    for policy in (name for name in WORDS if name in mean and name != "nobody"):
        axes.plot(mean.index, mean[policy].cumsum(), label=WORDS[policy])
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set_xlabel("week")
    axes.set_ylabel("kept margin so far")
    axes.legend()
    return figure


def _number(value: float, form: str) -> str:
    return "–" if np.isnan(value) else form.format(value)


def _points(value: float) -> str:
    return "–" if np.isnan(value) else f"{100 * value:+.1f}"
