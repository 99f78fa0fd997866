"""The shifts of a week, one by one: from the model's counts, and how many people they put where.

Nobody's yet: who works which is for `rostering`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from forestall.shifts.grid import Grid
from forestall.shifts.program import Candidates, Floats, Integers, Kind, Solution

Breaks = list[tuple[tuple[int, int], ...]]  # of each shift: first and last step of each


@dataclass(frozen=True)
class Jobs:
    """The shifts of a week, one entry each; equal lengths.

    Attributes:
        day: day of the week.
        first: step at which it begins.
        last: step at which it ends.
        minute: local minute of the day at which it begins.
        paid_h: hours paid.
        length: position of its paid length.
        group: position of its group.
        site: position of its site.
    """

    day: Integers
    first: Integers
    last: Integers
    minute: Integers
    paid_h: Floats
    length: Integers
    group: Integers
    site: Integers

    def __len__(self) -> int:
        return len(self.day)

    def part(self, at: Integers | Sequence[int]) -> "Jobs":
        return Jobs(*(getattr(self, one.name)[at] for one in fields(self)))

    def with_others(self, others: "Jobs") -> "Jobs":
        return Jobs(*(np.concatenate([getattr(self, one.name), getattr(others, one.name)]) for one in fields(self)))


def jobs_of(
    candidates: Candidates, found: Solution, kinds: Sequence[Kind], sites: Sequence[str], grid: Grid, start: int
) -> tuple[Jobs, Breaks, Integers]:  # fmt: skip
    """Shifts one by one, with their breaks: the first to come is the first to rest."""
    order = np.lexsort((candidates.first, candidates.day, candidates.group, candidates.kind))
    at = np.repeat(order, found.counts[order])
    kind, group, day = candidates.kind[at], candidates.group[at], candidates.day[at]
    taken: dict[tuple[int, int, int], int] = {}
    breaks = []
    for one, of, on in zip(kind.tolist(), group.tolist(), day.tolist(), strict=True):
        turn = taken.get((one, of, on), 0)
        taken[one, of, on] = turn + 1
        begun = [found.breaks[one, of, on, number][turn] + start for number in range(len(kinds[one].breaks))]
        breaks.append(tuple((b, b + kinds[one].breaks[number][0]) for number, b in enumerate(begun)))
    return as_jobs(candidates, at, found, kinds, sites, grid), breaks, kind


def as_jobs(
    candidates: Candidates, at: Integers, found: Solution, kinds: Sequence[Kind], sites: Sequence[str], grid: Grid
) -> Jobs:
    """The candidates at these positions as shifts of somebody."""
    kind, first = candidates.kind[at], candidates.first[at]
    steps = np.array([kinds[one].steps for one in kind], np.int64)
    paid = np.array([kinds[one].paid_h for one in kind])
    length = np.array([found.lengths[kinds[one].site].index(kinds[one].paid_h) for one in kind], np.int64)
    local = grid.instant(first).tz_convert(grid.zone)
    minute = np.asarray(local.hour * 60 + local.minute, np.int64)
    site = np.array([sites.index(kinds[one].site) for one in kind], np.int64)
    return Jobs(candidates.day[at], first, first + steps, minute, paid, length, candidates.group[at], site)


def present(jobs: Jobs, breaks: Breaks, shape: tuple[int, ...], start: int) -> Integers:
    """Groups x steps from `start` on: how many of these shifts are there, those on a break left out.

    Args:
        jobs: the shifts.
        breaks: of each.
        shape: groups and steps; what reaches beyond them is not counted.
        start: step of the grid at which the first column begins.
    """
    there = np.zeros(shape, np.int64)
    for group, first, last, rests in zip(jobs.group, jobs.first - start, jobs.last - start, breaks, strict=True):
        there[group, first:last] += 1
        for one, other in rests:
            there[group, one - start : other - start] -= 1
    return there
