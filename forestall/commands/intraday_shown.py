"""How `forestall intraday` looks on a screen."""

from zoneinfo import ZoneInfo

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forestall.operations.intraday import Reaction

WORDS = {"overtime": "overtime or callbacks", "time_off": "time off, training or outreach"}


def show(reaction: Reaction, zone: ZoneInfo, console: Console) -> None:
    """Queues first, then what is proposed, then what could not be told."""
    until = reaction.until.astimezone(zone)
    table = Table(title=f"Today until {until:%H:%M}, and the rest", title_justify="left")
    for name in ("queue", "came", "expected", "rest now", "rest planned", "surge"):
        table.add_column(name, justify="left" if name == "queue" else "right")
    for row in reaction.queues.to_dict("records"):
        surge = f"[red]x {row['surge']:.1f}[/]" if row["surge"] == row["surge"] else ""
        numbers = (f"{row[name]:,.0f}" for name in ("came", "expected", "rest", "rest_before"))
        table.add_row(escape(str(row["queue"])), *numbers, surge)
    console.print(table)
    for row in reaction.proposals.to_dict("records"):
        start, end = (pd.Timestamp(row[name]).tz_convert(zone) for name in ("starts_at", "ends_at"))
        console.print(
            f"{row['queue']}: {start:%H:%M}-{end:%H:%M} {row['agents']} agents {WORDS[row['proposal']]} "
            f"({row['agent_hours']:.1f} h)", highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    if reaction.proposals.empty:
        console.print("the staff planned for the rest of the day is right", highlight=False)
    for note in reaction.notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
