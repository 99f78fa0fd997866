"""A week in which a list is really worked: tries by day and hour, and what the company's own export says came of them.

A row is tried on the day it is planned for and, until somebody answers, on the days after, as often as the
playbook says: its minutes allow for that. Whoever is not on the list is left alone; the company's own habit rests.
"""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from forestall.demo.calls import monthly_margin, true_falls
from forestall.demo.company import current_state, load_company, play

WEEK_DAYS = 7
TRY_HOURS = (18, 10, 14)  # by the site's clock, each in another part of the day; the first where no hour is known
_ACTIONS = ["customer_id", "action", "offer", "channel", "happened_at", "row_id"]
TRIED_AGAIN = ("not_reached", "callback")
SILENT = pd.DataFrame(columns=_ACTIONS)


def work_week(folder: Path, rows: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """Let the company live for a week in which the rows are worked.

    Args:
        folder: of the company.
        rows: row_id, customer_id (the company's own number), action, offer, channel, planned_on, best_hours,
            attempts, is_acted (False: left alone, only its truth is told).
        zone: the site's.

    Returns:
        `rows` with fall (`true_falls`, on the morning it is planned for), tries, result (missing: nobody called),
        minutes (of all tries).
    """
    worked = rows.assign(tries=0, minutes=0.0, result=None, fall=0.0, on=pd.to_datetime(rows["planned_on"]).dt.date)

    def morning(on: date) -> pd.DataFrame:
        _take_in(worked, _outcomes(folder, on - timedelta(days=1)))
        is_new = worked["on"] == on
        if is_new.any():
            worked.loc[is_new, "fall"] = true_falls(current_state(folder), worked[is_new])
        is_open = worked["result"].isna() | worked["result"].isin(TRIED_AGAIN)
        is_due = worked["is_acted"] & is_open & (worked["on"] <= on) & (worked["tries"] < worked["attempts"])
        actions = _actions(worked[is_due], on, zone)
        worked["tries"] += is_due
        return actions

    until = load_company(folder).run_date + timedelta(days=WEEK_DAYS)
    play(folder, until, morning)
    _take_in(worked, _outcomes(folder, until - timedelta(days=1)))
    return worked.drop(columns="on")


def idle_week(folder: Path) -> None:
    """A week in which nobody is called."""
    play(folder, load_company(folder).run_date + timedelta(days=WEEK_DAYS), SILENT)


def margin_now(folder: Path) -> float:
    """Margin a month of everybody who has not left yet."""
    return monthly_margin(current_state(folder))


def _actions(due: pd.DataFrame, on: date, zone: ZoneInfo) -> pd.DataFrame:
    """The day's tries: the first in the hours in which the customer has answered, the others spread over the day."""
    known = due["best_hours"].astype("string").str.slice(0, 2).astype("Int64").where(due["tries"] == 0)
    hours = known.fillna(due["tries"].mod(len(TRY_HOURS)).map(dict(enumerate(TRY_HOURS)))).astype(int)
    midnight = pd.Timestamp(on, tz=zone)
    minute = midnight.normalize() + pd.to_timedelta(hours * 60 + 15, unit="min")
    return due.assign(happened_at=minute.dt.tz_convert("UTC"))[_ACTIONS]


def _outcomes(folder: Path, on: date) -> pd.DataFrame:
    """The day's file of the company's own system: result and minutes by row; empty before its days have files."""
    path = folder / "data" / "outreach_outcomes" / f"calls_{on}.jsonl"
    if not path.is_file() or not path.stat().st_size:
        return pd.DataFrame({"result": [], "minutes": []})
    rows = pd.read_json(path, lines=True, dtype={"zeile": str})
    return rows.set_index("zeile")[["ergebnis", "minuten"]].set_axis(["result", "minutes"], axis="columns")


def _take_in(worked: pd.DataFrame, outcomes: pd.DataFrame) -> None:
    """Write what came of a day's tries into the week's rows, which are this module's own."""
    has_come = worked["row_id"].isin(outcomes.index)
    told = worked.loc[has_come, "row_id"]
    worked.loc[has_come, "result"] = told.map(outcomes["result"])
    worked.loc[has_come, "minutes"] += told.map(outcomes["minutes"]).astype(float)
