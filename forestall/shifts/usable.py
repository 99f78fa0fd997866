"""Usable minutes: what outreach may take of the agents on shift, and what it may take only if it stays quiet.

Firm are agents beyond the requirement, in runs at least one contact long. Slack inside the requirement is never
firm: it is what keeps waits short. Some of it is usable while enough agents are idle; how many must stay
idle is found by simulating the day with outreach, and its loss of service is in what is told.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from features.published_shifts import USABLE_MINUTES
from forestall.sections import ServiceLevelSettings
from forestall.shifts.grid import Grid
from forestall.shifts.plan import ShiftPlan
from forestall.shifts.quiet import Calling, Quiet, by_day, drawn_servers, quiet_days
from forestall.shifts.service import Losses, QueueLoad

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
KIND = ["team", "languages", "skills"]
REPLICATIONS = 60  # of a day; its share of days within standard is told to about five points


def free_in_runs(beyond: Integers, steps: int) -> Integers:
    """Agents who are free for at least so many steps in a row; along the last axis.

    Worked, runs of 2: beyond 1, 2, 0, 3, 1, 1 gives 1, 1, 0, 1, 1, 1: the second agent of step two and the other two of
    step four are free for one step only.
    """
    count = beyond.shape[-1]
    if steps > count:
        return np.zeros_like(beyond)
    room = np.clip(beyond, 0, None)
    whole = sliding_window_view(room, steps, axis=-1).min(axis=-1)  # who is free for the run that begins here
    edge = [(0, 0)] * (room.ndim - 1) + [(steps - 1, steps - 1)]
    return np.asarray(sliding_window_view(np.pad(whole, edge), steps, axis=-1).max(axis=-1), np.int64)


def usable_minutes(
    plan: ShiftPlan, agents: pd.DataFrame, needed: pd.DataFrame, queues_of: Mapping[str, Sequence[str]],
    loads: Mapping[str, QueueLoad], losses: Losses, level: ServiceLevelSettings, calling: Calling, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Rows of `usable_minutes`: whoever is on duty in hours in which customers may be called, with or without any.

    Args:
        plan: the shifts.
        agents: agent_id, team, languages, skills.
        needed: queue, agents_gross, shrinkage: what the plan was made for.
        queues_of: queues of each group.
        loads: what the simulation knows of each queue.
        losses: shares of scheduled time.
        level: formula of the service level.
        calling: when and how long.
        seed: the same gives the same.
    """
    grid = plan.grid
    is_allowed = allowed(grid, calling.hours)
    free = beyond_in_runs(plan, plan.required, calling)
    kinds, on_duty = _on_duty(plan, agents)
    parts = []
    for at, group in enumerate(plan.groups):
        mine = [loads[queue] for queue in queues_of[group]]
        kept = 1 - shrinkage_of(needed, queues_of[group])
        firm = by_interval(free[at] * kept, grid) * grid.interval_s / 60
        days = _quiet_days(plan, at, free[at], mine, losses, level, calling, by_interval(is_allowed, grid) == 1, seed)
        there = by_interval(on_duty[:, at] * is_allowed, grid)
        parts.append(_rows(grid, group, kinds, there, firm, days))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=USABLE_MINUTES.names)
    return table[list(USABLE_MINUTES.names)]


def beyond_in_runs(plan: ShiftPlan, required: NDArray[np.number], calling: Calling) -> Integers:
    """Groups x steps: agents beyond what is required, free for a contact, in hours in which customers may be called."""
    beyond = np.where(allowed(plan.grid, calling.hours), plan.planned - required, 0).astype(np.int64)
    return free_in_runs(beyond, int(np.ceil(calling.contact_minutes * 60 / plan.grid.step_s)))


def allowed(grid: Grid, hours: tuple[int, int]) -> Flags:
    """By step: whether it lies in these hours of the site's clock, on a day of the plan."""
    local = grid.instant(np.arange(grid.steps)).tz_convert(grid.zone)
    minute = np.asarray(local.hour * 60 + local.minute)
    return (minute >= hours[0] * 60) & (minute < hours[1] * 60) & (np.arange(grid.steps) < grid.day_start[-1])


def by_interval(values: NDArray[np.generic], grid: Grid) -> Floats:
    """Means over the steps of each interval of the plan's days; along the last axis."""
    a_step = grid.interval_s // grid.step_s
    count = grid.day_start[-1] // a_step
    return np.asarray(values[..., : count * a_step].reshape(*values.shape[:-1], count, a_step).mean(axis=-1))


def shrinkage_of(needed: pd.DataFrame, queues: Sequence[str]) -> float:
    """Share of scheduled time that the requirement of these queues takes as lost."""
    rows = needed[needed["queue"].isin(list(queues))]
    gross = float(rows["agents_gross"].sum())
    return float((rows["agents_gross"] * rows["shrinkage"]).sum()) / gross if gross > 0 else 0.0


def _on_duty(plan: ShiftPlan, agents: pd.DataFrame) -> tuple[pd.DataFrame, Integers]:
    """Agents alike in team, languages and skills, and how many are on duty: kinds x groups x steps."""
    known = agents.set_index("agent_id")[KIND].fillna("").astype(str)
    shifts = plan.on_duty
    rows = known.reindex(shifts["slot"]).fillna("")
    kinds = rows.drop_duplicates().sort_values(KIND, ignore_index=True)
    kind = np.asarray(pd.MultiIndex.from_frame(kinds).get_indexer(pd.MultiIndex.from_frame(rows)), np.int64)
    group = np.asarray(shifts["queue_group"].map({name: at for at, name in enumerate(plan.groups)}), np.int64)
    change = np.zeros((len(kinds), len(plan.groups), plan.grid.steps + 1), np.int64)
    _between(change, kind, group, shifts["first"].to_numpy(np.int64), shifts["last"].to_numpy(np.int64), 1)
    count = shifts["breaks"].map(len).to_numpy(np.int64)
    rests = np.array([rest for breaks in shifts["breaks"] for rest in breaks], np.int64).reshape(-1, 2)
    _between(change, np.repeat(kind, count), np.repeat(group, count), rests[:, 0], rests[:, 1], -1)
    return kinds, change.cumsum(axis=-1)[..., :-1]


def _between(change: Integers, kind: Integers, group: Integers, first: Integers, last: Integers, by: int) -> None:
    np.add.at(change, (kind, group, first), by)
    np.add.at(change, (kind, group, np.minimum(last, change.shape[-1] - 1)), -by)


def _quiet_days(
    plan: ShiftPlan, at: int, free: Integers, queues: Sequence[QueueLoad], losses: Losses, level: ServiceLevelSettings,
    calling: Calling, is_allowed: Flags, seed: int,
) -> list[Quiet | None]:  # fmt: skip
    """Of each day of the plan; None where it is not simulated.

    Work that can wait has no idle agents beside its requirement, an agent with several chats cannot call, and where
    written work goes into idle minutes they are no longer free.
    """
    grid = plan.grid
    live = [queue for queue in queues if not queue.standard.is_deferred]
    is_blended = any((queue.load > queue.net + 1e-9).any() for queue in queues if queue.standard.is_deferred)
    count = min(calling.quiet_days, len(grid.days))
    nothing: list[Quiet | None] = [None] * len(grid.days)
    if not count or not live or is_blended or max(queue.standard.concurrency for queue in live) > 1:
        return nothing
    bounds = np.array(grid.day_start[: count + 1], np.int64) * grid.step_s // grid.interval_s
    taken = sum((queue.net for queue in queues if queue.standard.is_deferred), np.zeros(len(is_allowed)))
    scheduled, off = by_interval(plan.planned[at], grid), by_interval(free, grid)
    rng = np.random.default_rng([seed, at])
    servers = drawn_servers(
        by_day(scheduled, bounds), by_day(off, bounds), by_day(taken, bounds), losses, REPLICATIONS, rng
    )
    found = quiet_days(live, bounds, servers, by_day(is_allowed, bounds), level, calling, grid.interval_s, rng)
    return [*found, *nothing[count:]]


def _rows(
    grid: Grid, group: str, kinds: pd.DataFrame, on_duty: Floats, firm: Floats, days: Sequence[Quiet | None]
) -> pd.DataFrame:
    """Minutes of the group, shared among those on duty as many as there are of each kind."""
    a_step = grid.interval_s // grid.step_s
    count = len(firm)
    starts = grid.instant(np.arange(count) * a_step)
    local_on: list[date] = list(starts.tz_convert(grid.zone).date)
    bounds = [start // a_step for start in grid.day_start]
    quiet, told = np.full(count, np.nan), np.full((4, count), np.nan)
    for day, found in enumerate(days):
        if found is not None:
            span = slice(bounds[day], bounds[day + 1])
            own = bounds[day + 1] - bounds[day]
            quiet[span] = found.minutes[:own]
            told[2:, span] = [[found.idle_share], [found.service_level]]
            if found.idle_agents is not None:
                told[0, span] = found.idle_agents[:own]
                told[1, span] = np.nan if found.answers_ahead is None else found.answers_ahead
    total = on_duty.sum(axis=0)
    share = np.divide(on_duty, total, out=np.zeros_like(on_duty), where=total > 0)
    kind, at = np.nonzero(share > 0)
    rows = kinds.iloc[kind].reset_index(drop=True)
    return rows.assign(
        queue_group=group,
        interval_start_at=starts[at],
        local_on=[local_on[one] for one in at],
        firm_minutes=firm[at] * share[kind, at],
        if_quiet_minutes=quiet[at] * share[kind, at],
        idle_agents=pd.Series(told[0, at], dtype="Int64"),
        answers_ahead=pd.Series(told[1, at], dtype="Int64"),
        idle_share=told[2, at],
        service_level_if_quiet=told[3, at],
    )
