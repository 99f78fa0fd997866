"""The forecast as planners paste it: `volume_forecast.xlsx`.

By day with its range for a year, by interval in the layout of `staffing_requirement.xlsx`, handle times, what changed
since the last night and why, and how good earlier forecasts were. The same rows always give the same bytes.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from forestall.publishing.publication import PublishedNight
from forestall.publishing.workbooks import new_workbook, table_styles, write_grid, write_table
from forestall.web.summaries import with_local_time

TABLES = ("volume_days", "mark_effects", "forecast_changes", "forecast_accuracy")
DIGITS = 4  # of a contact; beyond them a mean says how it was computed
ALL = "All queues"
RANGE = {"contacts": "", "contacts_p10": ", 10 %", "contacts_p90": ", 90 %"}
CHANGES = {
    "queue": "Queue", "local_on": "Day", "contacts": "Contacts tonight",
    "previous_contacts": "Contacts then", "change": "Change", "by_data": "By new data",
    "by_model": "By other weights of the methods", "by_event": "By events", "by_override": "By overrides",
    "by_outreach": "By outreach", "main_cause": "Main cause",
}  # fmt: skip
ACCURACY = {
    "queue": "Queue", "lead_bucket": "Days ahead", "window_days": "Window, days", "day_count": "Days scored",
    "contacts": "Contacts that came", "wape": "WAPE", "rival_wape": "WAPE of four like weekdays",
    "noise_floor_wape": "Least possible WAPE", "bias": "Bias", "coverage_80": "In 80 % range",
    "coverage_80_low": "At least", "coverage_80_high": "At most", "model_wape": "WAPE without overrides",
    "source": "Source",
}  # fmt: skip
NO_SHARES = {"queue", "lead_bucket", "window_days", "day_count", "contacts", "source"}
ACCURACY_SHARES = [words for name, words in ACCURACY.items() if name not in NO_SHARES]


def write_forecast(night: PublishedNight) -> None:
    """Write the workbook into the folder of the night."""
    zone = night.manifest["company"]["time_zone"]
    intervals = with_local_time(night.frame("volume_forecast"), zone)
    tables = {name: night.frame(name) for name in TABLES}
    write_forecast_workbook(intervals, tables, night.run_date.isoformat(), night.folder / "volume_forecast.xlsx")


def write_forecast_workbook(intervals: pd.DataFrame, tables: dict[str, pd.DataFrame], day: str, path: Path) -> None:
    """All sheets; see the module.

    Args:
        intervals: `volume_forecast` with local times.
        tables: TABLES.
        day: the forecast's first day, ISO.
        path: where to.
    """
    rows = intervals.assign(day=intervals["local_on"].dt.strftime("%Y-%m-%d"))
    with new_workbook(path) as book:
        styles = table_styles(book)
        days = _by_day(tables["volume_days"])
        write_table(book, styles, "By day", days, about=ABOUT_DAYS)
        first = _grid(rows[rows["day"] == day], "contacts").droplevel("day")
        write_grid(book, f"Contacts {day}", ["Local time"], first, "0.0", about=ABOUT_INTERVALS)
        both = ["Day", "Local time"]
        write_grid(book, "By interval", both, _grid(rows, "contacts"), "0.0", about=ABOUT_INTERVALS)
        for column, words in RANGE.items():
            if words:  # quantiles do not add up, so they have no total
                write_grid(book, f"By interval{words}", both, _grid(rows, column), "0", total=None, about=ABOUT_RANGE)
        handle_times = _grid(rows, "handle_time_s", digits=0)
        write_grid(book, "Handle time, s", both, handle_times, "0", total=None, about="Mean of a contact, seconds")
        effects = _effects(tables["mark_effects"])
        write_table(book, styles, "Holidays and events", effects, shares=list(effects.columns[2:]), about=ABOUT_EFFECTS)
        _write_chosen(book, styles, "Changes and causes", tables["forecast_changes"], CHANGES)
        accuracy = tables["forecast_accuracy"].sort_values(
            ["queue", "lead_bucket"], key=lambda values: values.map(_place)
        )  # fmt: skip
        _write_chosen(book, styles, "Accuracy", accuracy, ACCURACY)


def _place(value: str) -> tuple[int, str]:
    """Where a queue or a lead bucket stands: all queues first, leads as numbers."""
    first = value.split("-")[0]
    return (int(first) if first.isdigit() else int(value != "all"), value)


ABOUT_DAYS = (
    "Contacts that arrive. In four days of five they lie between the columns 10 % and 90 %. Means of queues add up to "
    "all queues, ranges do not."
)
ABOUT_INTERVALS = (
    "Mean contacts that arrive, closed hours included for queues that are written to. When written work is done is in "
    "staffing_requirement.xlsx, Work placed by day."
)
ABOUT_EFFECTS = (
    "What such a day does to the contacts of a queue, beside a day without marks; where they meet they add up. Learned "
    "from the queue's own days and from those of the others."
)
ABOUT_RANGE = "In four intervals of five the contacts lie between the sheets 10 % and 90 %."


def _grid(rows: pd.DataFrame, column: str, digits: int = DIGITS) -> pd.DataFrame:
    """Day and local time down, queues across; by instant, since on an autumn day an hour comes twice."""
    grid = rows.pivot_table(index=["interval_start_at", "day", "local_time"], columns="queue", values=column)
    return grid.droplevel("interval_start_at").round(digits)


def _by_day(days: pd.DataFrame) -> pd.DataFrame:
    """One line a day; mean and range of all queues together, then of each queue."""
    some = days[days["scope"].isin(["all", "queue"])]
    names = some["scope_value"].where(some["scope"] == "queue", ALL)
    wide = some.assign(name=names, day=pd.to_datetime(some["local_on"])).pivot_table(
        index="day", columns="name", values=list(RANGE)
    )
    queues = sorted(set(names) - {ALL})
    found = {"Day": wide.index.to_series(), "Weekday": wide.index.to_series().dt.strftime("%a")}
    for name in [ALL, *queues] if len(wide) else []:
        found |= {f"{name}{words}": wide[column, name].round(DIGITS) for column, words in RANGE.items()}
    basis = some.drop_duplicates("local_on").set_index(pd.to_datetime(some.drop_duplicates("local_on")["local_on"]))
    return pd.DataFrame(found | {"Basis": basis["basis"]}).reset_index(drop=True)


def _effects(effects: pd.DataFrame) -> pd.DataFrame:
    """One line a mark, a column a queue; the next to come first, then those that have no day yet."""
    heads = {"description": "Day", "next_on": "Next"}
    coming = effects.groupby("description")["next_on"].min()
    wide = effects.pivot_table(index="description", columns="queue", values="effect").round(DIGITS)
    rows = wide.assign(next_on=pd.to_datetime(coming)).reset_index().rename(columns=heads)
    return rows[[*heads.values(), *wide.columns]].sort_values(["Next", "Day"], ignore_index=True)


def _write_chosen(book: Any, styles: dict[str, Any], title: str, rows: pd.DataFrame, heads: dict[str, str]) -> None:
    named = rows[list(heads)].rename(columns=heads)
    write_table(book, styles, title, named, shares=ACCURACY_SHARES, widths={"Queue": 20})
