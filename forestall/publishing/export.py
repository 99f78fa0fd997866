"""Writes the outreach list, the staffing plan and the forecast as people open them: CSV and XLSX.

A published night carries pseudonyms only: names rejoin in `forestall.privacy.export`, for those who may
see them. The same rows always give the same bytes.
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from features.published import PUBLISHED
from forestall.publishing.forecast_documents import write_forecast
from forestall.publishing.list_workbook import write_list
from forestall.publishing.publication import PublishedNight
from forestall.publishing.shift_documents import write_shifts
from forestall.publishing.workbooks import new_workbook, table_styles, write_grid, write_table
from forestall.staffing.scheduled import whole_agents
from forestall.web.summaries import with_local_time

LIST, PLAN = "outreach_list", "staffing_requirement"
CSV_DIGITS = 6  # beyond them a float says how it was computed, not how much it is
FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d ()./-]*\Z)")  # a telephone number begins with a plus, and runs nothing


def write_documents(night: PublishedNight) -> None:
    """Write CSV and XLSX of the list, the plan, the forecast and the shifts into the folder of the night."""
    listed = night.frame(LIST).sort_values("list_rank")
    write_csv(listed, night.folder / f"{LIST}.csv")
    write_list(listed, night.run_date, night.folder / f"{LIST}.xlsx")
    zone = night.manifest["company"]["time_zone"]
    requirement = with_local_time(night.frame(PLAN), zone)
    plan = requirement[list(PUBLISHED[PLAN].names)].assign(
        interval_start_at=_local_texts(requirement["interval_start_at"], zone),
        local_on=requirement["local_on"].dt.strftime("%Y-%m-%d"),
    )
    write_csv(plan, night.folder / f"{PLAN}.csv")
    told = night.frame("wait_effect").sort_values("approach")["sentence"]
    why_none = told.iloc[0] if len(told) else "nothing is known of what waiting does"
    values = with_local_time(night.frame("agent_value"), zone)
    write_plan(requirement, values, why_none, night.run_date.isoformat(), night.folder / f"{PLAN}.xlsx")
    write_forecast(night)
    write_shifts(night)


def _local_texts(instants: pd.Series, zone: str) -> pd.Series:
    """Each instant by the site's clock; the queues share their intervals, so each is put into words once."""
    each = pd.Series(instants.unique())
    texts = each.dt.tz_convert(zone).dt.strftime("%Y-%m-%dT%H:%M%z")
    return instants.map(dict(zip(each, texts, strict=True)))


def write_csv(rows: pd.DataFrame, path: Path) -> None:
    """UTF-8 with a byte-order mark, which Excel needs; text that a spreadsheet would run as a formula is quoted."""
    texts = rows.select_dtypes(include=["str", "object"]).columns
    numbers = rows.select_dtypes(include="float").columns
    safe = rows.assign(
        **{name: _harmless(rows[name]) for name in texts},
        **{name: rows[name].round(CSV_DIGITS) for name in numbers},
    )
    safe.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%SZ")


def _harmless(texts: pd.Series) -> pd.Series:
    is_formula = texts.map(lambda text: isinstance(text, str) and FORMULA.match(text) is not None)
    return texts.where(~is_formula.astype(bool), "'" + texts.astype("str"))


def write_plan(requirement: pd.DataFrame, values: pd.DataFrame, why_none: str, day: str, path: Path) -> None:
    """The plan as three grids, the first day by interval, then agent hours and work of all days; and agents' worth.

    Args:
        requirement: `staffing_requirement` with local times.
        values: `agent_value` with local times.
        why_none: what is told where that is empty.
        day: the plan's first day, ISO.
        path: where to.
    """
    rows = requirement.assign(agents=whole_agents(requirement), day=requirement["local_on"].dt.strftime("%Y-%m-%d"))
    starts = rows["interval_start_at"].drop_duplicates().sort_values()
    step_h = starts.diff().min().total_seconds() / 3600 if len(starts) > 1 else 0.0
    first = rows[rows["day"] == day].sort_values("interval_start_at")
    # By instant, not by clock: on the day on which clocks go back an hour comes twice.
    agents = first.pivot_table(
        index=["interval_start_at", "local_time"], columns="queue", values="agents", aggfunc="sum"
    )
    agents.index = agents.index.get_level_values("local_time") if len(agents) else pd.Index([], name="local_time")
    hours, contacts = (
        rows.pivot_table(index="day", columns="queue", values=name, aggfunc="sum") for name in ("agents", "contacts")
    )
    with new_workbook(path) as book:
        write_grid(book, f"Agents {day}", ["Local time"], agents, "0")
        write_grid(book, "Agent hours by day", ["Day"], hours * step_h, "0.0")
        write_grid(book, "Work placed by day", ["Day"], contacts, "0", about=ABOUT_WORK)
        _write_worth(book, values, why_none)


ABOUT_WORK = (
    "Contacts that agents are planned to work on that day: those of phone and chat as they arrive, written ones when "
    "there is room within the standard, the opening backlog included. What arrives is in volume_forecast.xlsx."
)
WORTH = {
    "queue": "Queue", "interval_start_at": "From", "agents_net": "Agents by the standard",
    "agents_worthwhile": "Agents worth their cost", "value_of_one_more": "One more keeps",
    "value_of_one_more_low": "One more keeps, from", "value_of_one_more_high": "One more keeps, to",
    "loss_of_one_less": "One less loses", "loss_of_one_less_low": "One less loses, from",
    "loss_of_one_less_high": "One less loses, to", "agent_cost": "An agent costs",
}  # fmt: skip
WORTH_DAYS = 14


def _write_worth(book: Any, values: pd.DataFrame, why_none: str) -> None:
    """Sheet of `agent_value` of the next two weeks; where there is none, it says why."""
    soon = values[values["local_on"] < values["local_on"].min() + pd.Timedelta(days=WORTH_DAYS)].sort_values(
        ["queue", "interval_start_at"]
    )
    rows = soon.assign(interval_start_at=soon["local_on"].dt.strftime("%Y-%m-%d ") + soon["local_time"])
    about = "Margin of customers kept, company currency, of one interval; from and to: 95 %. The next two weeks."
    if rows.empty:
        rows = pd.DataFrame({"queue": [f"No price of an agent: {why_none}"]}).reindex(columns=list(WORTH))
    write_table(book, table_styles(book), "Worth of an agent", rows[list(WORTH)].rename(columns=WORTH), about=about)
