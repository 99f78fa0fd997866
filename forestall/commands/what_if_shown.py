"""How `forestall what-if` looks on a screen."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.phrases import counted
from forestall.operations.what_if import Answer

LEAST_HOURS = 0.05  # less is shown as 0.0


def show(answer: Answer, staffing: Path | None, console: Console) -> None:
    """Queues by day, then the shifts, then what was assumed."""
    table = Table(title=f"Beside the plan of {answer.run_date}: now -> then", title_justify="left", box=SIMPLE_HEAD)
    for name in ("queue", "day"):
        table.add_column(name, no_wrap=True)
    for name in ("contacts", "agents", "hours", "service*"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in answer.days.to_dict("records"):
        counts = (_both(f"{row[f'{name}_now']:,.0f}", f"{row[f'{name}_then']:,.0f}") for name in ("contacts", "agents"))
        hours = _both(f"{row['hours_now']:,.1f}", f"{row['hours_then']:,.1f}")
        service = _both(_percent(row["service_now"]), _percent(row["service_then"]))
        day = f"{pd.Timestamp(row['local_on']):%a %d %b}"
        table.add_row(escape(str(row["queue"])), day, *counts, hours, service)
    console.print(table)
    total = answer.days[["hours_now", "hours_then"]].sum()
    _tell(
        console,
        f"hours to schedule: {total['hours_now']:,.1f} now, {total['hours_then']:,.1f} then, "
        f"{total['hours_then'] - total['hours_now']:+,.1f}",
    )
    _tell(console, "* within standard, with the agents of tonight's plan as they are")
    if len(answer.shifts):
        short = answer.shifts.groupby("queue_group")[["short_now", "short_then"]].sum()
        told = short[(short > LEAST_HOURS).any(axis=1)]
        for group, now, then in told.itertuples():
            _tell(console, f"{group}: shifts leave {now:,.1f} h uncovered now, {then:,.1f} h then")
        if told.empty:
            _tell(console, "shifts cover all of it, now and then")
    if answer.plans is not None:
        for row, rules in zip(answer.plans.to_dict("records"), ("staffing.yml", staffing), strict=True):
            _tell(console, f"shifts planned afresh by {rules}: {_shifts(row)}")
    for note in answer.notes:
        _tell(console, note)


def _shifts(row: Mapping[Hashable, Any]) -> str:
    nobody = f", {row['open_shifts']} without a name" if row["open_shifts"] else ""
    return (
        f"{counted(row['shifts'], 'shift')}{nobody}, {row['paid_hours']:,.1f} h paid, "
        f"{row['short_hours']:,.1f} h uncovered (at most {row['gap']:.1%} dearer than the cheapest)"
    )


def _percent(share: float) -> str:
    return "" if pd.isna(share) else f"{share:.0%}"


def _both(now: str, then: str) -> str:
    """`4 -> 5`; what does not change stands once."""
    return now if now == then else f"{now} -> {then}"


def _tell(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
