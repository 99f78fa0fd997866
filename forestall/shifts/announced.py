"""Shifts that people have been told of already: they stay as the last published night had them.

Whole calendar weeks are announced. Of a kept week nothing is searched for: what it leaves uncovered by now is told with
its remedies, and a shift whose agent has left, is absent or has lost the skill is open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from forestall.publishing.breaks import breaks_of
from forestall.shifts.grid import Grid
from forestall.shifts.jobs import Breaks, Jobs

MINUTE = 60


@dataclass(frozen=True)
class Announced:
    """What was published, as far as it is to stay.

    Attributes:
        rows: of `shift_plan`, with the agents' own keys as `slot_id`; open shifts too.
        until: a Monday; the days before it are announced, with or without shifts.
    """

    rows: pd.DataFrame
    until: date

    def keeps(self, days: Sequence[date]) -> bool:
        """Whether all these days are announced."""
        return max(days) < self.until


def announced(last: pd.DataFrame, last_on: date, run_date: date, weeks: int, keys: Mapping[str, str]) -> Announced:
    """The part of the last published plan that stays.

    Args:
        last: `shift_plan` of that night.
        last_on: its run date.
        run_date: tonight's; days before it have passed.
        weeks: so many calendar weeks, the one of the run date included.
        keys: the agents' own keys by pseudonym.
    """
    monday = run_date - timedelta(days=run_date.weekday())
    local_on = pd.to_datetime(last["local_on"]).dt.date
    # Of a week that the last plan saw only the beginning of, nobody has been told the rest.
    planned_until = max(local_on, default=last_on) + timedelta(days=1)
    until = min(monday + timedelta(weeks=weeks), planned_until - timedelta(days=planned_until.weekday()))
    rows = last.assign(local_on=local_on, slot_id=last["slot_id"].map(lambda slot: keys.get(slot, slot)))
    return Announced(rows[(local_on >= run_date) & (local_on < until)].reset_index(drop=True), until)


def kept_jobs(
    kept: Announced, week: Sequence[int], grid: Grid, groups: Sequence[str], sites: Sequence[str]
) -> tuple[pd.DataFrame, Jobs, Breaks]:
    """The announced shifts of a week as rows, as jobs, and with their breaks in steps.

    Shifts of groups of which nobody is required any more are left out.
    """
    days = [grid.days[at] for at in week]
    rows = kept.rows[kept.rows["local_on"].isin(days) & kept.rows["queue_group"].isin(list(groups))]
    rows = rows.sort_values(["local_on", "slot_id"], kind="stable", ignore_index=True)
    begins = pd.DatetimeIndex(rows["starts_at"])
    first, last = (steps_of(rows[name], grid) for name in ("starts_at", "ends_at"))
    local = begins.tz_convert(grid.zone)
    day = pd.Index(days).get_indexer(pd.Index(rows["local_on"]))
    jobs = Jobs(
        np.asarray(day, np.int64), first, last, np.asarray(local.hour * MINUTE + local.minute, np.int64),
        rows["paid_hours"].to_numpy(np.float64), np.zeros(len(rows), np.int64),
        np.asarray(pd.Index(groups).get_indexer(pd.Index(rows["queue_group"])), np.int64),
        np.asarray(pd.Index(sites).get_indexer(pd.Index(rows["site"])), np.int64),
    )  # fmt: skip
    return rows, jobs, rests_in_steps(rows, grid)


def steps_of(instants: pd.Series, grid: Grid) -> np.ndarray:
    return grid.step_of(pd.DatetimeIndex(instants).as_unit("s").asi8)


def rests_in_steps(rows: pd.DataFrame, grid: Grid) -> Breaks:
    """First and last step of each break of published shifts, whose index counts from 0."""
    rests = breaks_of(rows, grid.zone.key)
    found: list[list[tuple[int, int]]] = [[] for _ in range(len(rows))]
    ends = (steps_of(rests[name], grid).tolist() for name in ("starts_at", "ends_at"))
    for at, first, last in zip(rests["shift"], *ends, strict=True):
        found[at].append((first, last))
    return [tuple(one) for one in found]
