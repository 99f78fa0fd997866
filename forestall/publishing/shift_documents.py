"""Shifts as planners paste them and as calendars read them: `shift_plan.xlsx`, `shifts.ics`, a file for each agent.

The workbook has a sheet a week with one line an agent and one cell a day, then every shift in a line of its
own, what is covered, what service that gives, and capacity. The same rows always give the same bytes. A night without
shifts has none of these files.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from forestall.publishing.calendars import FOLDER, calendar_of_all, calendars_of_agents
from forestall.publishing.publication import PublishedNight
from forestall.publishing.workbooks import new_workbook, table_styles, write_table

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHORT = "#F6C89F"
SHARES = ("occupancy", "abandonment", "standard_probability", "idle_share")


def write_shifts(night: PublishedNight) -> None:
    """Write all of them into the folder of the night."""
    shifts = night.frame("shift_plan")
    if shifts.empty:
        return
    zone = night.manifest["company"]["time_zone"]
    shifts = _with_clock(shifts, zone)
    tables = {
        name: night.frame(name) for name in ("shift_coverage", "shift_service", "capacity_plan", "usable_minutes")
    }
    for name in ("shift_coverage", "usable_minutes"):
        tables[name] = _local(tables[name], "interval_start_at", zone)
    write_workbook(shifts, tables, night.folder / "shift_plan.xlsx")
    about = zone, night.manifest["company"]["name"], night.manifest["cutoff_at"]
    (night.folder / "shifts.ics").write_bytes(calendar_of_all(shifts, *about).encode("utf-8"))
    (night.folder / FOLDER).mkdir()
    for name, text in calendars_of_agents(shifts, *about):
        (night.folder / FOLDER / name).write_bytes(text.encode("utf-8"))


def _with_clock(shifts: pd.DataFrame, zone: str) -> pd.DataFrame:
    local = [shifts[name].dt.tz_convert(zone).dt.strftime("%H:%M") for name in ("starts_at", "ends_at")]
    return shifts.assign(
        local_on=pd.to_datetime(shifts["local_on"]), from_time=local[0], to_time=local[1]
    ).sort_values(["local_on", "slot_id"], ignore_index=True)  # fmt: skip


def _local(rows: pd.DataFrame, column: str, zone: str) -> pd.DataFrame:
    return rows.assign(**{column: rows[column].dt.tz_convert(zone).dt.strftime("%Y-%m-%d %H:%M")})


def write_workbook(shifts: pd.DataFrame, tables: dict[str, pd.DataFrame], path: Path) -> None:
    """All sheets; see the module.

    Args:
        shifts: `shift_plan` with `from_time` and `to_time` by the local clock.
        tables: the other tables of shifts, instants as local text.
        path: where to.
    """
    with new_workbook(path) as book:
        styles = {
            **table_styles(book),
            "open": book.add_format({"bg_color": SHORT}),
            "hours": book.add_format({"num_format": "0.0#", "bold": True, "left": 1}),
        }
        monday = shifts["local_on"] - pd.to_timedelta(shifts["local_on"].dt.day_of_week, unit="D")
        for week, rows in shifts.groupby(monday):
            _write_week(book, styles, pd.Timestamp(str(week)), rows)
        long = shifts[["slot_id", "local_on", "from_time", "to_time", "breaks", "pattern", "queue_group", "site",
                       "paid_hours", "occupancy", "is_assigned"]]  # fmt: skip
        _write_sheet(book, styles, "All shifts", long)
        coverage = tables["shift_coverage"]
        _write_sheet(book, styles, "Not covered", coverage[coverage["short"] > 0].drop(columns="local_on"))
        _write_sheet(book, styles, "Coverage", coverage.drop(columns=["local_on", "remedy"]))
        _write_sheet(book, styles, "Service", tables["shift_service"])
        _write_sheet(book, styles, "Capacity", tables["capacity_plan"])
        usable = tables["usable_minutes"]
        has_any = (usable["firm_minutes"] > 0) | (usable["if_quiet_minutes"] > 0)
        _write_sheet(book, styles, "Usable for outreach", usable[has_any].drop(columns="local_on"))


def _write_week(book: Any, styles: dict[str, Any], monday: pd.Timestamp, rows: pd.DataFrame) -> None:
    """One line a slot, one cell a day such as `08:00-16:15`; the hours of the week at the right."""
    sheet = book.add_worksheet(f"Week {monday:%Y-%m-%d}")
    days = [monday + pd.Timedelta(days=day) for day in range(7)]
    names = [
        "Agent",
        "Site",
        "Queues",
        *(f"{name} {day:%Y-%m-%d}" for name, day in zip(WEEKDAYS, days, strict=True)),
        "Hours",
    ]
    sheet.write_row(0, 0, names, styles["head"])
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 10, 13)
    cells = rows.assign(text=rows["from_time"] + "-" + rows["to_time"], day=rows["local_on"].dt.day_of_week)
    for at, (slot, mine) in enumerate(cells.groupby("slot_id"), start=1):  # xlsxwriter writes cell by cell
        is_open = not mine["is_assigned"].all()
        sheet.write_string(at, 0, str(slot), styles["open"] if is_open else None)
        sheet.write_string(at, 1, ", ".join(sorted(set(mine["site"]))))
        sheet.write_string(at, 2, ", ".join(sorted(set(mine["queue_group"]))))
        for day, text in zip(mine["day"], mine["text"], strict=True):
            sheet.write_string(at, 3 + int(day), text)
        sheet.write_number(at, 10, float(mine["paid_hours"].sum()), styles["hours"])


def _write_sheet(book: Any, styles: dict[str, Any], title: str, rows: pd.DataFrame) -> None:
    heads = {name: _head(str(name)) for name in rows.columns}
    shares = [heads[name] for name in rows.columns if name in SHARES or str(name).startswith("service_level")]
    widths = {_head("remedy"): 60, _head("slot_id"): 24}
    write_table(book, styles, title, rows.rename(columns=heads), shares=shares, widths=widths)


def _head(name: str) -> str:
    words = {"slot_id": "Agent", "local_on": "Day", "from_time": "From", "to_time": "To", "queue_group": "Queues",
             "interval_start_at": "From", "week_on": "Week of", "asa_s": "Mean wait, s"}  # fmt: skip
    text = words.get(name, name.removeprefix("is_").replace("_", " "))
    return text[:1].upper() + text[1:]
