"""What was worked before the plan's first day: whom it tired, what it used up of the week, who is still on duty.

Nobody reports worked shifts to the night, so of each day that has passed the newest plan published for it counts, less
who was absent by name. Days that no plan spoke of are unknown: nobody is taken to have been off on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from forestall.shifts.announced import rests_in_steps, steps_of
from forestall.shifts.grid import Grid
from forestall.shifts.roster import Flags, Passed, Roster
from forestall.shifts.rostering import State

DAYS_BACK = 14  # as many days in a row as rules can allow, and two weekends


@dataclass(frozen=True)
class Worked:
    """Shifts of the days before a plan.

    Attributes:
        rows: of `shift_plan`, with the agents' own keys as `slot_id`; assigned ones only.
        days: these days, in order, whether anybody worked or not; the last is the day before the plan.
    """

    rows: pd.DataFrame
    days: tuple[date, ...]

    def those_there(self, roster: Roster | None) -> "Worked":
        """Without shifts of agents who were not there: left before, or absent by name.

        Args:
            roster: of `days`; None where nobody has a name.
        """
        if roster is None:
            return self
        holder = pd.Index(roster.agents).get_indexer(pd.Index(self.rows["slot_id"]))
        was_there = np.zeros(len(self.rows), bool)
        known = np.flatnonzero(holder >= 0)
        was_there[known] = roster.is_there[holder[known], self._day()[known]]
        return replace(self, rows=self.rows[was_there].reset_index(drop=True))

    def shifts(self, grid: Grid, rest_steps: int) -> pd.DataFrame:
        """Those whose people are still on duty, or not yet rested, on the first day: as `ShiftPlan.shifts`.

        Steps before the first day are negative.
        """
        last = steps_of(self.rows["ends_at"], grid)
        rows = self.rows[last + rest_steps > 0].reset_index(drop=True)
        return pd.DataFrame({
            "slot": rows["slot_id"], "is_assigned": True, "local_on": rows["local_on"], "site": rows["site"],
            "queue_group": rows["queue_group"], "pattern": rows["pattern"], "first": steps_of(rows["starts_at"], grid),
            "last": steps_of(rows["ends_at"], grid), "breaks": pd.Series(rests_in_steps(rows, grid), dtype=object),
            "paid_h": rows["paid_hours"],
        })  # fmt: skip

    def state(self, agents: Sequence[str], grid: Grid, rest_steps: int) -> State:
        """Of these agents on the morning of the plan's first day."""
        state = State.fresh(len(agents))
        holder, mine = self._of(agents)
        rows = self.rows.iloc[mine]
        np.maximum.at(state.free_from, holder, steps_of(rows["ends_at"], grid) + rest_steps)
        works = np.zeros((len(agents), len(self.days)), bool)
        works[holder, self._day()[mine]] = True
        state.streak[:] = np.cumprod(works[:, ::-1], axis=1).sum(axis=1)
        state.weekends[:] = works[:, [day.weekday() > 4 for day in self.days]].sum(axis=1)
        local = pd.DatetimeIndex(rows["starts_at"]).tz_convert(grid.zone)
        usual = pd.Series(np.asarray(local.hour * 60 + local.minute, float)).groupby(holder).median()
        state.usual[usual.index.to_numpy(int)] = usual
        return state

    def passed(self, agents: Sequence[str], before: Roster, first_day: date) -> Passed:
        """What has passed of the calendar week of `first_day`.

        Args:
            agents: whose.
            before: the roster of `days`.
            first_day: of the plan.
        """
        monday = first_day - timedelta(days=first_day.weekday())
        in_week: Flags = np.array([day >= monday for day in self.days], bool)
        there = np.zeros(len(agents), np.int64)
        place = pd.Index(before.agents).get_indexer(pd.Index(agents))
        there[place >= 0] = before.is_there[place[place >= 0]][:, in_week].sum(axis=1)
        holder, mine = self._of(agents)
        is_now = in_week[self._day()[mine]]
        holder, hours = holder[is_now], self.rows["paid_hours"].to_numpy(float)[mine[is_now]]
        count = np.bincount(holder, minlength=len(agents)).astype(np.int64)
        return Passed(int(in_week.sum()), there, count, np.bincount(holder, hours, len(agents)).astype(np.float64))

    def _day(self) -> np.ndarray:
        return np.asarray(pd.Index(self.days).get_indexer(pd.Index(self.rows["local_on"])), np.int64)

    def _of(self, agents: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the agents who worked, and of their rows."""
        holder = np.asarray(pd.Index(agents).get_indexer(pd.Index(self.rows["slot_id"])), np.int64)
        mine = np.flatnonzero(holder >= 0)
        return holder[mine], mine


def worked(told: Sequence[tuple[date, pd.DataFrame]], run_date: date, keys: Mapping[str, str]) -> Worked | None:
    """The shifts of the last two weeks, each day's as the newest plan for it had them.

    Args:
        told: run date and `shift_plan` of published nights, the oldest first.
        run_date: tonight's.
        keys: the agents' own keys by pseudonym.

    Returns:
        None where no plan spoke of yesterday.

    Worked: plans of Monday and Wednesday, and tonight is Friday: Monday and Tuesday are as in Monday's, Wednesday and
    Thursday as in Wednesday's.
    """
    plans = [
        (run_on, rows.assign(local_on=pd.to_datetime(rows["local_on"]).dt.date)) for run_on, rows in told if len(rows)
    ]
    found: dict[date, pd.DataFrame] = {}
    for back in range(1, DAYS_BACK + 1):
        day = run_date - timedelta(days=back)
        plan = next((rows for run_on, rows in reversed(plans) if run_on <= day), None)
        if plan is None or day > plan["local_on"].max():
            break
        found[day] = plan[(plan["local_on"] == day) & plan["is_assigned"].astype(bool)]
    if not found:
        return None
    days = tuple(sorted(found))
    rows = pd.concat([found[day] for day in days], ignore_index=True)
    return Worked(rows.assign(slot_id=rows["slot_id"].map(lambda slot: keys.get(slot, slot))), days)
