"""The calendar of a shift plan: steps, local days, weeks, and the shifts that may begin on them.

Steps are instants of equal length from the first local midnight on, so a shift lasts as long as it says
and begins when the local clock says, on days on which clocks change too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import gcd
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.shifts.program import Candidates, Integers, Kind
from forestall.shifts.rules import DAY_MINUTES, WEEK, StaffingRules


@dataclass(frozen=True)
class Grid:
    """Steps and local days of a plan.

    Attributes:
        origin_s: first instant, seconds since 1970.
        step_s: length of a step.
        interval_s: length of an interval of the requirement; whole steps.
        days: local days, in order.
        day_start: step of each day's midnight, and of the one after the last.
        zone: of the site.
    """

    origin_s: int
    step_s: int
    interval_s: int
    days: tuple[date, ...]
    day_start: tuple[int, ...]
    zone: ZoneInfo

    @property
    def steps(self) -> int:
        """Steps of all days, and of the day after, into which a last shift may reach."""
        return self.day_start[-1] + DAY_MINUTES * 60 // self.step_s

    def step_of(self, seconds: NDArray[np.int64]) -> Integers:
        """Steps in which instants lie."""
        return (seconds - self.origin_s) // self.step_s

    def interval_of(self, starts: pd.Series) -> Integers:
        """Intervals of the plan in which instants lie."""
        return (starts.to_numpy("datetime64[s]").astype(np.int64) - self.origin_s) // self.interval_s

    def instant(self, steps: Integers) -> pd.DatetimeIndex:
        """Instants at which steps begin."""
        return pd.to_datetime(self.origin_s + np.asarray(steps) * self.step_s, unit="s", utc=True).as_unit("us")

    def local_step(self, day: int, minute: int) -> int:
        """The step at which a minute of the local day begins; one that the clocks leave out counts as after it."""
        at = datetime.combine(self.days[day], time(), self.zone) + timedelta(minutes=minute)
        return (int(at.astimezone(UTC).timestamp()) - self.origin_s) // self.step_s

    def weeks(self) -> list[tuple[int, ...]]:
        """Positions of the days of each calendar week; the first and the last may be parts."""
        found: dict[tuple[int, int], list[int]] = {}
        for at, day in enumerate(self.days):
            found.setdefault(day.isocalendar()[:2], []).append(at)
        return [tuple(week) for week in found.values()]


def grid_of(local_days: Sequence[date], zone: ZoneInfo, interval_s: int, step_minutes: int) -> Grid:
    """The grid of all days from the first to the last given."""
    first, last = min(local_days), max(local_days)
    days = tuple(first + timedelta(days=at) for at in range((last - first).days + 1))
    step_s = gcd(step_minutes * 60, interval_s)
    midnights = [
        int(datetime.combine(day, time(), zone).timestamp()) for day in (*days, days[-1] + timedelta(days=1))
    ]  # fmt: skip
    starts = tuple((second - midnights[0]) // step_s for second in midnights)
    return Grid(midnights[0], step_s, interval_s, days, starts, zone)


def kinds_of(rules: StaffingRules, sites: Sequence[str], step_s: int) -> tuple[list[Kind], list[tuple[int, ...]]]:
    """Every pattern at every site at which it is worked, and its starts in minutes of the local day."""
    step = step_s // 60
    kinds, starts = [], []
    for name, pattern in rules.patterns.items():
        breaks = tuple((one.minutes // step, one.earliest // step, one.latest // step) for one in pattern.breaks)
        for site in pattern.sites or sites:
            if site in sites:
                kinds.append(Kind(name, site, pattern.minutes // step, breaks, pattern.paid_minutes / 60))
                starts.append(tuple(sorted(set(pattern.starts))))
    return kinds, starts


def candidates_of(
    grid: Grid,
    week: Sequence[int],
    required: Integers,
    kinds: Sequence[Kind],
    starts: Sequence[Sequence[int]],
    rules: StaffingRules,
    served_at: Sequence[frozenset[str]],
) -> Candidates:
    """Shifts of a week that meet any need at all.

    Args:
        grid: the calendar.
        week: positions of its days.
        required: groups x steps of the whole plan.
        kinds: ways to work a day.
        starts: minutes of the local day, by kind.
        rules: which patterns begin on which days.
        served_at: for each group the sites where somebody can serve it.
    """
    rows = [
        (kind, group, day - week[0], first)
        for kind, one in enumerate(kinds)
        for day in week
        if WEEK[grid.days[day].weekday()] in rules.patterns[one.name].days
        for first in sorted({grid.local_step(day, minute) for minute in starts[kind]})
        for group in range(len(required))
        if one.site in served_at[group] and required[group, first : first + one.steps].any()
    ]
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Candidates(columns[0], columns[1], columns[2], columns[3])
