"""Heads and hires by week for a year: what the load takes, who will still be there, and when to begin to hire.

A head is a full contract. Hours are those of whole agents to schedule, shrinkage included, as shifts cover them; what
shifts pay beyond them (breaks, fitting whole shifts to the need) comes on top as the plan's own ratio.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.shifts.rules import CapacityRules, StaffingRules

Floats = NDArray[np.float64]
WEEKS = 52
LIKE_WEEKS = 4


def daily_hours(
    requirement: pd.DataFrame, interval_h: float, monday: date, volume_days: pd.DataFrame | None
) -> pd.DataFrame:
    """Agent hours to schedule by queue and day for a year, and what each rests on.

    Args:
        requirement: queue, local_on, agents (whole, to schedule), contacts by interval.
        interval_h: length of an interval.
        monday: the first week's.
        volume_days: queue, local_on, contacts for the year, where the night has them.

    Returns:
        queue, local_on, hours, basis.
    """
    known = requirement.assign(
        local_on=pd.to_datetime(requirement["local_on"]), hours=requirement["agents"] * interval_h
    )
    known = known.groupby(["queue", "local_on"], as_index=False)[["hours", "contacts"]].sum()
    last = known["local_on"].max()
    recent = known[known["local_on"] > last - timedelta(weeks=LIKE_WEEKS)]
    recent = recent.assign(weekday=recent["local_on"].dt.day_of_week)
    usual = recent.groupby(["queue", "weekday"], as_index=False)["hours"].mean()
    year = pd.DataFrame({"local_on": pd.date_range(monday, periods=7 * WEEKS)})
    year["weekday"] = year["local_on"].dt.day_of_week
    rows = year.merge(usual, on="weekday", how="left", validate="many_to_many").assign(basis="like_weeks")
    if volume_days is not None and len(volume_days):
        total = recent.groupby("queue")[["hours", "contacts"]].sum()
        a_contact = (total["hours"] / total["contacts"].where(total["contacts"] > 0)).rename("a_contact").reset_index()
        days = volume_days[["queue", "local_on", "contacts"]].assign(local_on=pd.to_datetime(volume_days["local_on"]))
        days = days.merge(a_contact, on="queue", how="left", validate="many_to_one")
        rows = rows.merge(days, on=["queue", "local_on"], how="left", validate="one_to_one")
        forecast = rows["contacts"] * rows["a_contact"]
        rows["basis"] = rows["basis"].where(forecast.isna(), "forecast")
        rows["hours"] = forecast.fillna(rows["hours"])
    rows = rows.merge(known, on=["queue", "local_on"], how="left", suffixes=("", "_known"), validate="one_to_one")
    rows["basis"] = rows["basis"].where(rows["hours_known"].isna(), "requirement")
    rows["hours"] = rows["hours_known"].fillna(rows["hours"]).fillna(0.0)
    return rows[["queue", "local_on", "hours", "basis"]]


def attrition_of(agents: pd.DataFrame, run_date: date, rules: CapacityRules) -> tuple[float, str]:
    """Share of heads that leaves in a year, and what that rests on.

    Worked: 12 who left in the last 365 days, 100 there a year ago and 140 now: 12 / 120 = 10 %.
    """
    if rules.attrition_a_year is not None:
        return rules.attrition_a_year, "staffing.yml"
    now, then = pd.Timestamp(run_date), pd.Timestamp(run_date) - timedelta(days=365)
    hired, left = pd.to_datetime(agents["hired_on"]), pd.to_datetime(agents["left_on"])
    gone = int(((left >= then) & (left < now)).sum())
    there = [int(((hired.isna() | (hired <= at)) & (left.isna() | (left > at))).sum()) for at in (then, now)]
    if not sum(there):
        return 0.0, "no agents on record, so none leaves"
    return min(0.99, gone / (sum(there) / 2)), "the roster's last 365 days"


def heads_there(
    agents: pd.DataFrame,
    may_serve: NDArray[np.bool_],
    need: Floats,
    weeks: Sequence[date],
    attrition: float,
    contract_h: float,
) -> Floats:
    """Full contracts by group and week, attrition taken off from the first week on.

    Args:
        agents: hired_on, left_on, contract_hours of each.
        may_serve: agents x groups.
        need: groups; hours by which agents of several groups are divided.
        weeks: Mondays.
        attrition: share a year.
        contract_h: hours of a full contract.
    """
    mondays = pd.to_datetime(pd.Series(list(weeks))).to_numpy("datetime64[D]")
    hired = pd.to_datetime(agents["hired_on"]).fillna(pd.Timestamp(1900, 1, 1)).to_numpy("datetime64[D]")
    left = pd.to_datetime(agents["left_on"]).fillna(pd.Timestamp(2200, 1, 1)).to_numpy("datetime64[D]")
    there = (hired[:, None] <= mondays + 6) & (left[:, None] >= mondays)
    weight = may_serve * np.maximum(need, 1e-9)
    total = weight.sum(axis=1, keepdims=True)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    contract = agents["contract_hours"].astype(float).fillna(contract_h).to_numpy() / contract_h
    stays = (1 - attrition) ** (np.arange(len(weeks)) / 52)
    return np.asarray((weight * contract[:, None]).T @ there.astype(float) * stays)


def plan_hires(required: Floats, there: Floats, attrition: float, rules: CapacityRules) -> dict[str, Floats]:
    """Hires of one group, so that no need that lasts `peak_weeks` goes unmet once hiring can help.

    Args:
        required: heads by week.
        there: heads of the roster by week.
        attrition: share a year, of hires too.
        rules: lead, training, and how long a need must last.

    Returns:
        heads_hired, hires_to_search, hires_to_start, heads_short; each by week.
    """
    weeks = len(required)
    lead, training = rules.hiring_lead_weeks, rules.training_weeks
    gap = required - there
    hired, search, start = np.zeros(weeks), np.zeros(weeks), np.zeros(weeks)
    stays = (1 - attrition) ** (np.arange(weeks) / 52)
    for week in range(lead + training, weeks):
        lasting = float((gap - hired)[week : week + rules.peak_weeks].min())
        people = int(np.ceil(lasting - 1e-9))
        if people > 0:
            hired[week:] += people * stays[: weeks - week]
            start[week - training] += people
            search[week - training - lead] += people
    return {
        "heads_hired": hired, "hires_to_search": search, "hires_to_start": start,
        "heads_short": np.maximum(gap - hired, 0.0),
    }  # fmt: skip


def plan_capacity(
    hours: pd.DataFrame, agents: pd.DataFrame, may_serve: NDArray[np.bool_], group_of: Mapping[str, str],
    groups: Sequence[str], beyond: Mapping[str, float], attrition: float, rules: StaffingRules,
) -> pd.DataFrame:  # fmt: skip
    """Rows of `capacity_plan`.

    Args:
        hours: from `daily_hours`.
        agents: who may be planned.
        may_serve: agents x groups.
        group_of: group of each queue.
        groups: names, in the order of `may_serve`.
        beyond: paid hours for each required one, by group.
        attrition: share a year.
        rules: contract of a head, and what hiring takes.
    """
    rows = hours.assign(
        queue_group=hours["queue"].map(group_of),
        week_on=(hours["local_on"] - pd.to_timedelta(hours["local_on"].dt.day_of_week, unit="D")),
    ).dropna(subset=["queue_group"])
    weekly = rows.pivot_table(index="queue_group", columns="week_on", values="hours", aggfunc="sum").reindex(
        list(groups)
    )
    weeks = [week.date() for week in pd.DatetimeIndex(weekly.columns)]
    # A week counts by what most of its days rest on.
    basis = rows.groupby("week_on")["basis"].agg(lambda of: str(of.value_counts().sort_index().idxmax()))
    ratio = np.array([beyond.get(group, 1.0) for group in groups])
    need = weekly.to_numpy(float)
    required = need * ratio[:, None] / rules.contract_hours
    there = heads_there(agents, may_serve, need.mean(axis=1), weeks, attrition, rules.contract_hours)
    frames = []
    for at, group in enumerate(groups):
        hires = plan_hires(required[at], there[at], attrition, rules.capacity)
        frames.append(pd.DataFrame({
            "week_on": weeks, "queue_group": group, "basis": basis.to_numpy(), "required_hours": need[at],
            "heads_required": required[at], "heads_there": there[at], "heads_hired": hires["heads_hired"],
            "hires_to_search": hires["hires_to_search"].astype(np.int64),
            "hires_to_start": hires["hires_to_start"].astype(np.int64), "heads_short": hires["heads_short"],
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)
