"""A shift plan as the rows that are published."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.published_shifts import SHIFT_COVERAGE, SHIFT_PLAN
from forestall.publishing.breaks import BETWEEN
from forestall.shifts.plan import ShiftPlan
from forestall.shifts.remedies import remedies
from forestall.shifts.rules import StaffingRules


def shift_table(plan: ShiftPlan, occupancy: NDArray[np.float64], pseudonym: Callable[[str], str]) -> pd.DataFrame:
    """Rows of `shift_plan`.

    Args:
        plan: the shifts.
        occupancy: groups x intervals, as simulated.
        pseudonym: of an agent; slots without a name keep theirs.
    """
    rows, grid = plan.shifts, plan.grid
    is_named = rows["is_assigned"].astype(bool) & ~rows["slot"].str.startswith("slot ")
    names = {agent: pseudonym(agent) for agent in rows.loc[is_named, "slot"].unique()}
    minutes = grid.step_s // 60
    clock = grid.instant(np.arange(grid.steps)).tz_convert(grid.zone).strftime("%H:%M").to_numpy()
    table = pd.DataFrame({
        "slot_id": rows["slot"].map(lambda slot: names.get(slot, slot)),
        "starts_at": grid.instant(rows["first"].to_numpy(np.int64)),
        "ends_at": grid.instant(rows["last"].to_numpy(np.int64)),
        "breaks": [BETWEEN.join(f"{clock[one]}-{clock[other]}" for one, other in rests) for rests in rows["breaks"]],
        "break_minutes": [
            BETWEEN.join(f"{(one - first) * minutes}-{(other - first) * minutes}" for one, other in rests)
            for first, rests in zip(rows["first"], rows["breaks"], strict=True)
        ],
        "paid_hours": rows["paid_h"].astype(float),
        "occupancy": _mean_occupancy(plan, occupancy),
        **{name: rows[name] for name in ("local_on", "is_assigned", "site", "queue_group", "pattern")},
    })  # fmt: skip
    return table[list(SHIFT_PLAN.names)]


def _mean_occupancy(plan: ShiftPlan, occupancy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each shift over the intervals that it touches and that are known; NaN where none is."""
    rows, a_step = plan.shifts, plan.grid.interval_s // plan.grid.step_s
    group = pd.Index(plan.groups).get_indexer(pd.Index(rows["queue_group"]))
    first, last = rows["first"].to_numpy(np.int64) // a_step, -(-rows["last"].to_numpy(np.int64) // a_step)
    is_known = ~np.isnan(occupancy)
    ends = np.array([np.where(is_known, occupancy, 0.0), is_known], float).cumsum(axis=-1)
    ends = np.pad(ends, [(0, 0), (0, 0), (1, 0)])
    total, count = ends[:, group, np.minimum(last, occupancy.shape[1])] - ends[:, group, first]
    return np.asarray(np.divide(total, count, out=np.full(len(rows), np.nan), where=count > 0.5))


def live_contacts(plan: ShiftPlan, requirement: pd.DataFrame) -> NDArray[np.float64]:
    """Contacts by groups x intervals of the plan's days, of the rows of `staffing_requirement` that are given."""
    grid = plan.grid
    contacts = np.zeros((len(plan.groups), grid.day_start[-1] * grid.step_s // grid.interval_s))
    group = pd.Index(plan.groups).get_indexer(pd.Index(requirement["queue_group"]))
    at = grid.interval_of(requirement["interval_start_at"])
    is_planned = (group >= 0) & (at >= 0) & (at < contacts.shape[1])
    np.add.at(contacts, (group[is_planned], at[is_planned]), requirement["contacts"].to_numpy(float)[is_planned])
    return contacts


def coverage_table(
    plan: ShiftPlan, rules: StaffingRules, contacts: NDArray[np.float64]
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Rows of `shift_coverage`: every interval of the plan's days in which anybody is required or planned.

    Args:
        plan: the shifts.
        rules: what the remedies keep to.
        contacts: groups x intervals of the plan's days; of live queues.

    Returns:
        The rows, and groups x steps: agents who would be missing still with all remedies.
    """
    grid = plan.grid
    a_step = grid.interval_s // grid.step_s
    count = grid.day_start[-1] // a_step

    def by_interval(values: NDArray[np.int64]) -> NDArray[np.float64]:
        parts = values[:, : count * a_step].reshape(len(plan.groups), count, a_step)
        return np.asarray(parts.mean(axis=2).ravel())

    starts = grid.instant(np.arange(count) * a_step)
    local_on = starts.tz_convert(grid.zone).date
    table = pd.DataFrame({
        "queue_group": np.repeat(np.array(plan.groups, object), count),
        "interval_start_at": np.tile(starts, len(plan.groups)) if len(plan.groups) else starts[:0],
        "local_on": np.tile(local_on, len(plan.groups)),
        "required": by_interval(plan.required).round().astype("int64"),
        "planned": by_interval(plan.planned),
        "on_break": by_interval(plan.on_break),
        "short": by_interval(plan.short),
    })  # fmt: skip
    table["interval_start_at"] = pd.DatetimeIndex(table["interval_start_at"]).tz_convert("UTC")
    table["remedy"], left = remedies(plan, rules, contacts, table)
    is_used = (table["required"] > 0) | (table["planned"] > 0) | (table["on_break"] > 0)
    return table.loc[is_used, list(SHIFT_COVERAGE.names)].reset_index(drop=True), left
