"""How `forestall what-if` looks on a screen."""

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forestall.operations.what_if import Answer


def show(answer: Answer, console: Console) -> None:
    """Queues by day, then the shifts, then what was assumed."""
    table = Table(title=f"Beside the plan of {answer.run_date}", title_justify="left")
    for name in ("queue", "day", "contacts", "then", "agents", "then", "hours", "then", "more", "service", "unchanged"):
        table.add_column(name, justify="left" if name in ("queue", "day") else "right")
    for row in answer.days.to_dict("records"):
        counts = (f"{row[name]:,.0f}" for name in ("contacts_now", "contacts_then", "agents_now", "agents_then"))
        hours = (f"{row[name]:,.1f}" for name in ("hours_now", "hours_then"))
        more = f"{row['hours_then'] - row['hours_now']:+,.1f}"
        service = (_percent(row[name]) for name in ("service_now", "service_then"))
        table.add_row(escape(str(row["queue"])), str(row["local_on"]), *counts, *hours, more, *service)
    console.print(table)
    total = answer.days[["hours_now", "hours_then"]].sum()
    _tell(
        console,
        f"hours to schedule: {total['hours_now']:,.1f} now, {total['hours_then']:,.1f} then, "
        f"{total['hours_then'] - total['hours_now']:+,.1f}",
    )
    _tell(console, "unchanged: service with the agents of the plan as it is")
    if len(answer.shifts):
        short = answer.shifts.groupby("queue_group")[["short_now", "short_then"]].sum()
        for group, now, then in short.itertuples():
            _tell(console, f"{group}: shifts leave {now:,.1f} h uncovered now, {then:,.1f} h then")
    for note in answer.notes:
        _tell(console, note)


def _percent(share: float) -> str:
    return "" if pd.isna(share) else f"{share:.1%}"


def _tell(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
