"""Writes the outreach list and the staffing plan as people open them: CSV and XLSX.

A published night carries pseudonyms only: names rejoin in `forestall.privacy.export`, for those who may
see them. The same rows always give the same bytes.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.published import PUBLISHED
from forestall.publishing.list_workbook import write_list
from forestall.publishing.publication import PublishedNight
from forestall.publishing.shift_documents import write_shifts
from forestall.publishing.workbooks import new_workbook
from forestall.web.summaries import whole_agents, with_local_time

LIST, PLAN = "outreach_list", "staffing_requirement"
CSV_DIGITS = 6  # beyond them a float says how it was computed, not how much it is
FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d ()./-]*\Z)")  # a telephone number begins with a plus, and runs nothing
GREEN, WHITE = "#8FD0B5", "#FFFFFF"


def write_documents(night: PublishedNight) -> None:
    """Write CSV and XLSX of the list and of the plan into the folder of the night."""
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
    write_plan(requirement, night.run_date.isoformat(), night.folder / f"{PLAN}.xlsx")
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


def write_plan(requirement: pd.DataFrame, day: str, path: Path) -> None:
    """The plan as three grids: the first day by interval, then agent hours and contacts of all days.

    Args:
        requirement: `staffing_requirement` with local times.
        day: the plan's first day, ISO.
        path: where to.
    """
    rows = requirement.assign(
        agents=whole_agents(requirement["agents_gross"]), day=requirement["local_on"].dt.strftime("%Y-%m-%d")
    )
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
        _write_grid(book, f"Agents {day}", "Local time", agents, "0")
        _write_grid(book, "Agent hours by day", "Day", hours * step_h, "0.0")
        _write_grid(book, "Contacts by day", "Day", contacts, "0")


def _write_grid(book: Any, title: str, corner: str, grid: pd.DataFrame, number_format: str) -> None:
    """One sheet: rows down, queues across, a total at the right, a colour scale over the cells."""
    sheet = book.add_worksheet(title)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    cell = book.add_format({"num_format": number_format})
    total = book.add_format({"num_format": number_format, "bold": True, "left": 1})
    names = [corner, *map(str, grid.columns), "All queues"]
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, len(names) - 1, 12)
    sheet.write_row(0, 0, names, head)
    values = np.nan_to_num(grid.to_numpy(dtype=float))
    for at, (label, line) in enumerate(zip(grid.index, values, strict=True), start=1):
        sheet.write_string(at, 0, str(label))
        sheet.write_row(at, 1, line.tolist(), cell)
        sheet.write_number(at, len(names) - 1, float(line.sum()), total)
    if values.size:
        scale = {"type": "2_color_scale", "min_color": WHITE, "max_color": GREEN}
        sheet.conditional_format(1, 1, len(values), len(names) - 2, scale)
