"""The short table that a night ends with: what came in, what decided, whom to call, how many agents.

Read from the published night, as planners and agents will read it.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forestall.night import Night
from forestall.publishing.publication import PublishedNight, nights
from forestall.records import Step, Summary
from forestall.scheduling.progress import told_summary
from forestall.scheduling.steps import ExitCode
from forestall.staffing.scheduled import whole_agents

CALLS_SHOWN = 5


def show_closing(night: Night, steps: Sequence[Step], console: Console) -> ExitCode:
    """Show what the run that just ended has published."""
    published = max((one for one in nights(night.published) if one.run_date == night.run_date), default=None)
    if published is None:
        console.print("[red]The night ended, but published nothing.[/]")
        return ExitCode.DEFECT
    return show_night(night, published, steps, console)


def show_night(night: Night, published: PublishedNight, steps: Sequence[Step], console: Console) -> ExitCode:
    """Show a published night; DEGRADED where a source was down or a receiver was not told all."""
    degraded = published.manifest.get("degraded") or []
    console.print()
    console.print(_overview(published, steps))
    calls, agents = _calls(published, night.settings.company.currency), _agents(published, night)
    for table in (calls, agents):
        if table.row_count:
            console.print(table)
    console.print(_paths(published), soft_wrap=True, highlight=False)
    undelivered = [told for step in steps if step.job == "deliver" for told in not_delivered(step.summary)]
    for about, told in (("Degraded", [str(one) for one in degraded]), ("Not delivered", undelivered)):
        if told:
            console.print(f"[yellow]{about}: {escape(', '.join(told))}[/]", soft_wrap=True)
    return ExitCode.DEGRADED if degraded or undelivered else ExitCode.DONE


def not_delivered(summary: Summary) -> list[str]:
    """Which receivers of the list were down or refused, of the summary of `deliver`."""
    return [str(told) for why in ("down", "refused") if (told := summary.get(why))]


def _overview(published: PublishedNight, steps: Sequence[Step]) -> Table:
    table = Table(title=f"Night of {published.run_date:%A %-d %B %Y}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    pulled = next((step for step in steps if step.job == "pull"), None)
    if pulled is not None:
        table.add_row("pulled", escape(told_summary(pulled.summary)))
    scores, forecast = published.frame("churn_scores"), published.frame("volume_forecast")
    table.add_row("churn model", _versions(scores) or "none: nobody could be scored")
    queues = forecast.groupby("method")["queue"].unique()
    table.add_row(
        "forecast", "; ".join(f"{name}: {', '.join(sorted(each))}" for name, each in queues.items()) or "none"
    )
    gates = published.frame("gate_results")
    failed = int((~gates["is_passed"].astype(bool)).sum()) if len(gates) else 0
    table.add_row("gates", f"{len(gates) - failed} held, {failed} warned" if len(gates) else "none")
    if steps:
        table.add_row("took", f"{sum(step.seconds for step in steps):.0f} s of work in {len(steps)} steps")
    return table


def _versions(rows: pd.DataFrame) -> str:
    return ", ".join(sorted(rows["model_version"].dropna().unique()))


def _calls(published: PublishedNight, currency: str) -> Table:
    rows = published.table("outreach_list").sort_by("list_rank")
    table = Table(title=f"Who to call first ({rows.num_rows} on the list; worth in {currency})", title_justify="left")
    for name, justify in (("#", "right"), ("customer", "left"), ("leaves", "right"), ("worth", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("why", min_width=20)
    table.add_column("action")
    for row in rows.slice(0, CALLS_SHOWN).to_pylist():
        risk = "-" if row["churn_probability"] is None else f"{row['churn_probability']:.0%}"
        why = (row["reasons"] or row["trigger"] or "").split(" | ")[0]
        worth = f"{row['expected_value'] or 0:,.0f}"
        table.add_row(
            str(row["list_rank"]), row["customer_id"][:8], risk, worth, escape(why), row["action"].replace("_", " ")
        )
    return table


def _agents(published: PublishedNight, night: Night) -> Table:
    """The plan's first day: for each queue the work placed, its peak and its hours, in whole agents as on the page."""
    rows = published.frame("staffing_requirement")
    rows = rows[pd.to_datetime(rows["local_on"]).dt.date == night.run_date]
    rows = rows.assign(agents=whole_agents(rows)).sort_values("interval_start_at")
    interval_h = night.settings.volume.interval_minutes / 60
    table = Table(title=f"Agents to schedule on {night.run_date:%A %-d %B}", title_justify="left")
    table.add_column("queue")
    for name in ("work placed", "most agents", "at", "agent hours"):
        table.add_column(name, justify="right")
    days = (
        rows.sort_values("agents", ascending=False, kind="stable")
        .groupby("queue")
        .agg(
            work=("contacts", "sum"),
            peak=("agents", "first"),
            peak_at=("interval_start_at", "first"),
            hours=("agents", "sum"),
        )
    )
    for queue, work, peak, peak_at, agents in days[days["peak"] > 0].itertuples(name=None):
        at = peak_at.tz_convert(night.settings.zone)
        table.add_row(str(queue), f"{work:,.0f}", str(peak), f"{at:%H:%M}", f"{agents * interval_h:,.0f}")
    return table


def _paths(published: PublishedNight) -> str:
    """What people open first, then the folder."""
    names = ("report.html", "outreach_list.xlsx", "staffing_requirement.xlsx", "volume_forecast.xlsx", "")
    paths = (published.folder / name for name in names)
    return "\n".join(f"  {_short(path)}" for path in paths if path.exists())


def _short(path: Path) -> Path:
    """Relative where that is shorter."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
