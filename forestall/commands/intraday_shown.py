"""How `forestall intraday` looks on a screen."""

from zoneinfo import ZoneInfo

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forestall.operations.intraday import Reaction

WORDS = {"overtime": "overtime or callbacks", "time_off": "time off, training or outreach"}
NUMBERS = {
    "came": "came",
    "expected": "expected",
    "rest": "rest now",
    "rest_before": "rest planned",
    "waiting": "waits",
}
LEAST_H = 0.5  # of work moved to later days, worth a line


def show(reaction: Reaction, zone: ZoneInfo, console: Console) -> None:
    """Queues first, then what is proposed, then what could not be told."""
    until = reaction.until.astimezone(zone)
    table = Table(title=f"Today until {until:%H:%M}, and the rest", title_justify="left")
    for name in ("queue", *NUMBERS.values(), "surge"):
        table.add_column(name, justify="left" if name == "queue" else "right")
    for row in reaction.queues.to_dict("records"):
        surge = f"[red]x {row['surge']:.1f}[/]" if row["surge"] == row["surge"] else ""
        numbers = (f"{row[name]:,.0f}" if row[name] == row[name] else "" for name in NUMBERS)
        table.add_row(escape(str(row["queue"])), *numbers, surge)
    console.print(table)
    deferred = reaction.queues.dropna(subset="waiting")
    for row in reaction.proposals.to_dict("records"):
        start, end = (pd.Timestamp(row[name]).tz_convert(zone) for name in ("starts_at", "ends_at"))
        is_live = row["queue"] not in set(deferred["queue"])  # nobody waits on the line who could be called back
        words = WORDS[row["proposal"]] if is_live or row["proposal"] != "overtime" else "overtime"
        console.print(
            f"{row['queue']}: {start:%H:%M}-{end:%H:%M} {row['agents']} agents {words} "
            f"({row['agent_hours']:.1f} h)", highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    if reaction.proposals.empty:
        console.print("the staff planned for the rest of the day is right", highlight=False)
    for row in deferred[deferred["later_h"].abs() >= LEAST_H].to_dict("records"):
        more = "more" if row["later_h"] > 0 else "less"
        told = f"{row['queue']}: {abs(row['later_h']):.1f} h {more} work than planned is left to the days after today"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    for note in reaction.notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
