"""What would cover the intervals that shifts leave short: moved breaks, overtime, callback offers, or people.

Said in the order in which it costs least; a proposal counts people who are really there, and does not change
the plan.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forestall.shifts.plan import ShiftPlan
from forestall.shifts.rules import StaffingRules

LATER_H = 4  # a callback is made within so many hours


def remedies(plan: ShiftPlan, rules: StaffingRules, live: Sequence[bool], coverage: pd.DataFrame) -> list[str | None]:
    """A sentence for each row of coverage that is short, None for the others.

    Args:
        plan: the shifts.
        rules: how far a shift may be lengthened.
        live: whether a group has a queue with people on the line, to whom a callback can be offered.
        coverage: rows of `shift_coverage` in the order groups x intervals, whole rows of the plan's days.
    """
    grid = plan.grid
    a_step = grid.interval_s // grid.step_s
    over = rules.overtime_minutes * 60 // grid.step_s
    place = {group: at for at, group in enumerate(plan.groups)}
    surplus = np.maximum(plan.planned - plan.required, 0)
    found: list[str | None] = [None] * len(coverage)
    first = grid.step_of(coverage["interval_start_at"].to_numpy("datetime64[s]").astype(np.int64))
    assigned = plan.shifts[plan.shifts["is_assigned"]]
    short, names = coverage["short"].to_numpy(float), coverage["queue_group"].tolist()
    for row in np.flatnonzero(short > 0).tolist():
        group, begin = place[names[row]], int(first[row])
        missing = int(np.ceil(short[row] - 1e-9))
        ways = []
        resting = int(plan.on_break[group, begin : begin + a_step].max())
        if resting:
            ways.append(f"move {min(resting, missing)} of {resting} breaks")
        mine = assigned[assigned["queue_group"] == plan.groups[group]]
        stay = int(((mine["last"] <= begin) & (mine["last"] + over >= begin + a_step)).sum())
        early = int(((mine["first"] >= begin + a_step) & (mine["first"] - over <= begin)).sum())
        if stay + early:
            ways.append(
                f"overtime of {min(stay + early, missing)} ({stay} could stay, {early} could come earlier, "
                f"within {rules.overtime_minutes} min)"
            )
        if live[group]:
            after = surplus[group, begin + a_step : begin + a_step + LATER_H * 3600 // grid.step_s]
            if after.any():
                enough = int((after >= min(missing, after.max())).argmax())  # the first time that takes them all
                at = grid.instant(np.array([begin + a_step + enough]))[0].tz_convert(grid.zone)
                ways.append(f"offer callbacks at {at:%H:%M}, when {int(after[enough])} more are there than required")
        found[row] = (
            "; or ".join(ways) if ways else f"{missing} more with the skill: nobody is near, on a break or free"
        )
    return found


def short_notes(plan: ShiftPlan, most: int = 3) -> list[str]:
    """A line for each group that is short anywhere: how much, and when most."""
    step_h = plan.grid.step_s / 3600
    notes = []
    for at, group in enumerate(plan.groups):
        short = plan.short[at, : plan.grid.day_start[-1]]
        if not short.any():
            continue
        a_step = plan.grid.interval_s // plan.grid.step_s
        by_interval = short.reshape(-1, a_step).max(axis=1)
        worst = np.argsort(-by_interval, kind="stable")[:most]
        local = plan.grid.instant(np.sort(worst[by_interval[worst] > 0]) * a_step).tz_convert(plan.grid.zone)
        times = ", ".join(f"{moment:%a %Y-%m-%d %H:%M}" for moment in local)
        notes.append(
            f"{group}: shifts leave {short.sum() * step_h:.1f} of {plan.required[at].sum() * step_h:.1f} agent hours "
            f"uncovered, at most {short.max()} agents ({times}); shift_coverage.remedy says what would cover them"
        )
    return notes
