"""`forestall backtest staffing`: plans made from forecasts of the past, lived through with the contacts that came.

At each weekly cutoff a plan is made from what would have been published then, and beside it from last week's contacts,
by Erlang C on the forecast's mean, and knowing the future. Where `staffing.yml` has patterns, shifts of the live
queues and their usable minutes are made from the forecast too, and lived through with outreach beside the contacts.
Prints the tables and writes them, and the days they are made of, to `var/backtests/staffing/`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from features.aside import written_aside
from forestall.jobs.backtest_volume import Walked, walk
from forestall.jobs.plan_shifts import agents_of, calling_of, to_schedule
from forestall.jobs.plan_staffing import learned_handle_times, what_is_known
from forestall.night import Night
from forestall.records import Summary
from forestall.settings import ConfigError, Settings
from forestall.shifts.lived import BOTH, came_in, live_beside
from forestall.shifts.lived import COLUMNS as BESIDE_COLUMNS
from forestall.shifts.lived import summary as summary_of_outreach
from forestall.shifts.plan import plan_shifts
from forestall.shifts.rules import load_staffing_rules
from forestall.shifts.service import queue_loads
from forestall.shifts.usable import usable_minutes
from forestall.staffing.lived import FUTURE, live_through, plans, summary
from forestall.staffing.plan import Known, patience_of, plan_requirement, standards_of
from forestall.staffing.shrinkage import Shrinkage
from forestall.warehouse import open_warehouse
from models.volume.handle_time import week_of_handle_times
from models.volume.params import volume_params

SEED = 20
DAYS, PLANS, BESIDE, OUTREACH = "days.parquet", "plans.parquet", "outreach_days.parquet", "outreach.parquet"  # files


def backtest_staffing(settings: Settings, cutoffs: int = 9, horizon_days: int = 7) -> Summary:
    """Live through the last `cutoffs` Mondays' plans.

    Returns:
        Share of queue days within standard and agent hours of each plan, what outreach beside them reaches of what
        whoever knows the contacts could, and the folder.

    Raises:
        ConfigError: there is no contact to live through, no queue in which customers wait, or the history is too short.
    """
    walked = walk(settings, cutoffs, horizon_days, has_outsiders=False)
    interval_s = settings.volume.interval_minutes * 60
    with open_warehouse(settings, "backtest_staffing") as warehouse:
        then = Night(settings, walked.cutoffs[0])
        known, lost = what_is_known(warehouse, then, learned_handle_times(warehouse, then))
        agents = agents_of(warehouse)
    days = walked.forward.days.rename(columns={"day_on": "local_on"})
    planned = pd.concat(
        [
            plans(rows, known, settings.service_level, interval_s, days[days["cutoff_on"] == cutoff])
            for cutoff, rows in _rows(walked).groupby("cutoff_on")
        ]
    )  # a handful of cutoffs
    if planned.empty:
        raise ConfigError("backtest: no queue has customers who wait for an agent; standards.yml says which do")
    lived = live_through(planned, settings.service_level, interval_s, SEED)
    beside = _beside_calls(settings, planned, days, known, lost, agents)
    table, outreach = summary(lived), summary_of_outreach(beside, SEED)
    for shown in (table, outreach):
        if len(shown):
            print(shown.round(3).to_string(index=False))  # noqa: T201 - the command's output
    told = {
        f"{row['plan']}_{name}": round(float(row[name]), 4)
        for row in table.to_dict("records")
        for name in ("days_in_standard", "periods_in_standard", "agent_hours")
    }
    written = {DAYS: lived, PLANS: table, BESIDE: beside, OUTREACH: outreach}
    return {**told, **_told_of(outreach), "cutoffs": cutoffs, "folder": _write(settings, written)}


def _beside_calls(
    settings: Settings, planned: pd.DataFrame, days: pd.DataFrame, known: Known, lost: Shrinkage, agents: pd.DataFrame
) -> pd.DataFrame:
    """Outreach in the shifts of each cutoff, by what would have been published of usable minutes; `live_beside`.

    Nothing where no shifts are planned.
    """
    rules, level = load_staffing_rules(settings), settings.service_level
    interval_s, calling = settings.volume.interval_minutes * 60, calling_of(settings)
    found = []
    for cutoff in sorted(planned["cutoff_on"].unique()) if rules.patterns else ():
        rows = planned[planned["cutoff_on"] == cutoff]
        told = days[days["cutoff_on"] == cutoff]
        own, told = (some.assign(local_on=some["local_on"].dt.date) for some in (rows, told))
        requirement, _ = plan_requirement(own, known, level, interval_s, told)
        needed, losses = to_schedule(requirement, lost, rules)
        plan = plan_shifts(needed, agents, rules, settings.zone, interval_s)
        standards = standards_of(own, known)
        queues_of = {group: [name for name in standards if rules.group_of(name) == group] for group in plan.groups}
        loads = queue_loads(own, requirement, plan, standards, patience_of(standards, known))
        seed, whole = pd.Timestamp(cutoff).toordinal(), replace(calling, quiet_days=len(plan.grid.days))
        usable = usable_minutes(plan, agents, needed, queues_of, loads, losses, level, whole, seed)
        shrinkage = own["queue"].map(needed.groupby("queue")["shrinkage"].first()).to_numpy(float)
        came = came_in(plan, own.assign(needed=own[FUTURE] / (1 - shrinkage)), queues_of)
        found.append(live_beside(plan, usable, queues_of, loads, came, losses, level, calling, SEED + seed))
    named = {"company": settings.company.name}
    return pd.concat(found, ignore_index=True).assign(**named) if found else pd.DataFrame(columns=list(BESIDE_COLUMNS))


def _told_of(outreach: pd.DataFrame) -> Summary:
    rows = outreach[outreach["way"] == BOTH].to_dict("records")
    names = ("days_in_standard", "of_minutes", "of_value")
    return {f"outreach_{name}": round(float(row[name]), 4) for row in rows for name in names}


def _rows(walked: Walked) -> pd.DataFrame:
    """What was scored, with the queue's channel, each interval's instant, and the handle time known at the cutoff."""
    scored, histories = walked.forward.intervals, walked.known.histories
    grid = next(iter(histories.values())).grid
    day = grid.dates.get_indexer(pd.DatetimeIndex(scored["day_on"]))
    slot = scored["slot"].to_numpy(int)
    instants = pd.Series(pd.DatetimeIndex(grid.instants), index=grid.cells)
    instants = instants[~instants.index.duplicated()]  # of an hour that comes twice, the first
    handle = np.full(len(scored), np.nan)
    for cutoff in walked.cutoffs:
        handle_of = _handle_times(walked, cutoff)
        own = np.flatnonzero(scored["cutoff_on"] == pd.Timestamp(cutoff))
        weekday = scored["day_on"].iloc[own].dt.day_of_week.to_numpy()
        queues = scored["queue"].iloc[own].to_numpy()
        for queue in np.unique(queues):  # a handful
            mine = queues == queue
            handle[own[mine]] = handle_of[str(queue)][weekday[mine], slot[own[mine]]]
    rows = scored.assign(
        channel=scored["queue"].map({queue: own.channel for queue, own in histories.items()}),
        interval_start_at=instants.reindex(day * grid.slots + slot).to_numpy(),
        local_on=scored["day_on"], handle_time_s=handle,
    )  # fmt: skip
    return rows.dropna(subset="interval_start_at")  # an hour that a clock change leaves out


def _handle_times(walked: Walked, cutoff: date) -> dict[str, np.ndarray]:
    histories = walked.known.histories
    first = next(iter(histories.values()))
    weekdays = first.days["weekday"].to_numpy()[: first.grid.day_index(cutoff)]
    as_then = {queue: own.as_of(cutoff) for queue, own in histories.items()}
    return dict(week_of_handle_times(as_then, weekdays, volume_params().handle_time))


def _write(settings: Settings, written: Mapping[str, pd.DataFrame]) -> str:
    folder = settings.var_path / "backtests" / "staffing"
    for name, rows in written.items():
        with written_aside(folder / name) as aside:
            rows.to_parquet(aside, index=False)
    return str(folder)
