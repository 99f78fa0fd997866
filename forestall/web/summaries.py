"""What the report says, computed from the tables of a published night. Values in, values out.

Days and times are local ones of the site's zone; customers are pseudonyms.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from features.contract import LIVE_CHANNELS
from forestall.staffing.plan import days_of_queues
from forestall.staffing.scheduled import whole_agents

TARGET_WITHOUT_SHARE = 0.95  # a standard that names a time but no share counts as met at this share
SELF_SERVICE = "self_service"
NEAR = 0.05  # so far below the target is `near`
AT_RISK_BANDS = ("high", "very_high")


@dataclass(frozen=True)
class Headline:
    """The five figures that are looked at first."""

    plan_on: date
    peak_agents: int
    peak_at: str
    agent_hours: float
    contacts_7d: float
    contacts_7d_before: float | None
    scored_count: int
    at_risk_count: int
    margin_at_risk: float
    listed_count: int
    listed_minutes: float
    listed_value: float
    withheld_count: int


def with_local_time(rows: pd.DataFrame, zone: str) -> pd.DataFrame:
    """`rows` with `local_time` (`08:30`) and `weekday` (0 is Monday) of `interval_start_at`."""
    local = rows["interval_start_at"].dt.tz_convert(zone)
    return rows.assign(
        local_on=pd.to_datetime(rows["local_on"]), local_time=local.dt.strftime("%H:%M"), weekday=local.dt.day_of_week
    )


def plan_day(requirement: pd.DataFrame, run_date: date) -> date:
    """The first day of the plan on which anybody is needed; the run date where nobody ever is."""
    days = requirement.loc[requirement["agents_gross"] > 0, "local_on"]
    return run_date if days.empty else days.min().date()


def agents_by_interval(requirement: pd.DataFrame, day: date) -> pd.DataFrame:
    """Agents to schedule on a day: one row a queue, one column a local time, outer idle hours cut off."""
    rows = requirement[requirement["local_on"] == pd.Timestamp(day)]
    rows = rows.assign(agents=whole_agents(rows))
    return _without_idle_ends(rows.pivot_table(index="queue", columns="local_time", values="agents", aggfunc="max"))


def agents_by_weekday(requirement: pd.DataFrame, weeks: int = 4) -> pd.DataFrame:
    """Agents of all queues together: one row a weekday, one column a local time, mean of the next weeks."""
    end = requirement["local_on"].min() + timedelta(weeks=weeks)
    rows = requirement[requirement["local_on"] < end]
    rows = rows.assign(agents=whole_agents(rows))
    totals = rows.groupby(["local_on", "weekday", "local_time"], as_index=False)["agents"].sum()
    grid = totals.pivot_table(index="weekday", columns="local_time", values="agents", aggfunc="mean")
    return _without_idle_ends(np.ceil(grid.fillna(0) - 1e-9).astype("int64"))


def _without_idle_ends(grid: pd.DataFrame) -> pd.DataFrame:
    grid = grid.fillna(0).astype("int64")
    busy = np.flatnonzero(grid.sum().to_numpy())
    return grid.iloc[:, busy[0] : busy[-1] + 1] if busy.size else grid.iloc[:, :0]


def hourly(grid: pd.DataFrame) -> pd.DataFrame:
    """A grid by local time, coarsened to the greatest value of each hour."""
    hours = pd.Index([f"{time[:2]}:00" for time in grid.columns])
    coarse: pd.DataFrame = grid.T.groupby(hours).max().T
    return coarse


def daily_contacts(volume_days: pd.DataFrame, days: int = 28) -> pd.DataFrame:
    """Contacts a day and queue with the 80 % range as published: queue, local_on, contacts, low, high.

    Quantiles of intervals do not add up to those of a day; `volume_days` has them, from errors of whole days.
    """
    own = days_of_queues(volume_days[volume_days["lead_days"] <= days])
    found = own.rename(columns={"contacts_p10": "low", "contacts_p90": "high"})[
        ["queue", "local_on", "contacts", "low", "high"]
    ]
    return found.assign(local_on=pd.to_datetime(found["local_on"])).sort_values(
        ["queue", "local_on"], ignore_index=True
    )


def headline(tables: dict[str, pd.DataFrame], run_date: date, horizon: int) -> Headline:
    """The figures at the top of the report.

    Args:
        tables: the published tables as frames, forecast and requirement `with_local_time`.
        run_date: first day of the plan.
        horizon: the main churn horizon, days.
    """
    requirement, forecast, scores = (tables[n] for n in ("staffing_requirement", "volume_forecast", "churn_scores"))
    plan_on = plan_day(requirement, run_date)
    totals = agents_by_interval(requirement, plan_on).sum()
    step_h = _step_h(requirement)
    week_end = pd.Timestamp(run_date) + timedelta(days=7)
    scores = scores[scores["horizon_days"] == horizon]
    listed = tables["outreach_list"]
    return Headline(
        plan_on=plan_on,
        peak_agents=int(totals.max()) if len(totals) else 0,
        peak_at=str(totals.idxmax()) if len(totals) else "",
        agent_hours=float(totals.sum()) * step_h,
        contacts_7d=float(forecast.loc[forecast["local_on"] < week_end, "contacts"].sum()),
        contacts_7d_before=_contacts_before(tables["service_kpis"], forecast, run_date),
        scored_count=len(scores),
        at_risk_count=int(scores["risk_band"].isin(AT_RISK_BANDS).sum()),
        margin_at_risk=float((scores["churn_probability"] * scores["monthly_margin"]).sum(min_count=1)),
        listed_count=len(listed),
        listed_minutes=float(listed["expected_minutes"].sum()),
        listed_value=float(listed["expected_value"].sum()),
        withheld_count=int((tables["outreach_withheld"]["suppression_reason"] == "holdout").sum()),
    )


def _step_h(requirement: pd.DataFrame) -> float:
    """Length of an interval in hours."""
    starts = requirement["interval_start_at"].drop_duplicates().sort_values()
    return float(starts.diff().min().total_seconds() / 3600) if len(starts) > 1 else 0.0


def _contacts_before(kpis: pd.DataFrame, forecast: pd.DataFrame, run_date: date) -> float | None:
    """Contacts of the seven days before, in the queues that are forecast."""
    days = pd.to_datetime(kpis["local_on"])
    is_recent = (days >= pd.Timestamp(run_date) - timedelta(days=7)) & (days < pd.Timestamp(run_date))
    rows = kpis[is_recent & kpis["queue"].isin(forecast["queue"].unique())]
    return float(rows["offered_count"].sum()) if len(rows) else None


def service_week(kpis: pd.DataFrame, standards: dict[str, Any]) -> list[dict[str, Any]]:
    """The last seven days of each queue beside its standard, weighted by contacts.

    Returns:
        One dictionary a queue: queue, channel, standard (words), contacts, and the measures; the
        measured share against its target in `share`, `target` and `verdict` (met, near, missed or "").
    """
    if kpis.empty:
        return []
    days = pd.to_datetime(kpis["local_on"])
    rows = kpis[days > days.max() - timedelta(days=7)]
    return [
        _service_of(str(queue), str(channel), group, standards.get(str(queue), {}))
        for (queue, channel), group in rows.groupby(["queue", "channel"])
    ]


def _service_of(queue: str, channel: str, rows: pd.DataFrame, standard: dict[str, Any]) -> dict[str, Any]:
    measures = ("abandonment_rate", "asa_s", "handle_time_s", "first_response_s", "first_contact_resolution_rate",
                "complaints_in_24h_rate", "csat", "nps")  # fmt: skip
    target = standard.get("service_level")
    is_live = target is not None
    share = _weighted(rows, "service_level" if is_live else "first_response_in_standard_rate")
    target = target if is_live else TARGET_WITHOUT_SHARE if standard.get("first_response_s") else None
    # Nobody waits for an agent who writes, and no agent handles what customers do themselves: 0 s would be untrue.
    untold = {"asa_s"} if channel not in LIVE_CHANNELS else set()
    untold |= {"handle_time_s"} if channel == SELF_SERVICE else set()
    return {
        "queue": queue,
        "channel": channel,
        "standard": standard.get("words", ""),
        "contacts": float(rows["offered_count"].sum()),
        "share": share,
        "target": target,
        "verdict": verdict(share, target),
        "complaints_verdict": verdict(_weighted(rows, "complaints_in_24h_rate"), TARGET_WITHOUT_SHARE),
        **{measure: None if measure in untold else _weighted(rows, measure) for measure in measures},
    }


def _weighted(rows: pd.DataFrame, column: str) -> float | None:
    known = rows[rows[column].notna() & (rows["offered_count"] > 0)]
    if known.empty:
        return None
    return float(np.average(known[column].astype(float), weights=known["offered_count"]))


def verdict(share: float | None, target: float | None) -> str:
    """`met`, `near` (within five points below) or `missed`; empty where there is nothing to say."""
    if share is None or target is None:
        return ""
    if share >= target:
        return "met"
    return "near" if share >= target - NEAR else "missed"
