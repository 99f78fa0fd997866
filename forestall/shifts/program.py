"""What a week of shifts is made of, and the integer program that HiGHS solves.

The model is implicit: it counts how many people begin each pattern at each time and how many begin a
break in each step (`cover`), and how many of each class of agents work on each day
(`supply`); it never says who. `week` puts the parts together, `rostering` then says who.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Terms = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Kind:
    """One pattern at one site, in planning steps.

    Attributes:
        name: of the pattern.
        site: where it is worked.
        steps: from coming to going.
        breaks: length, earliest and latest start of each, in steps after the start.
        paid_h: hours paid.
    """

    name: str
    site: str
    steps: int
    breaks: tuple[tuple[int, int, int], ...]
    paid_h: float


@dataclass(frozen=True)
class Candidates:
    """Shifts that may be worked; all arrays of equal length.

    Attributes:
        kind: position in the kinds.
        group: position among the groups.
        day: day of the week, from 0.
        first: step at which it begins, on the axis of `required`.
    """

    kind: Integers
    group: Integers
    day: Integers
    first: Integers

    def __len__(self) -> int:
        return len(self.kind)

    def where(self, chosen: NDArray[np.bool_]) -> "Candidates":
        return Candidates(self.kind[chosen], self.group[chosen], self.day[chosen], self.first[chosen])


@dataclass(frozen=True)
class AgentClass:
    """Agents who may be counted together: alike in site, groups, hours and days of this week.

    Attributes:
        site: where they work.
        groups: positions of the groups that they can serve.
        hours: most paid hours of each in this week.
        days: most shifts of each in this week.
        available: how many are there, by day of the week.
        heads: how many they are.
        least_hours: hours that each is paid, worked or not.
    """

    site: str
    groups: tuple[int, ...]
    hours: float
    days: int
    available: tuple[int, ...]
    heads: int
    least_hours: float = 0.0


@dataclass(frozen=True)
class Week:
    """What is to be covered, by whom, and under which limits.

    Attributes:
        required: groups x steps; agents who must be there (not on a break).
        kinds: ways to work a day.
        candidates: shifts that may be worked.
        classes: the roster; None for as many people as it takes.
        seats: most agents at a site, by site.
        least: least agents at a site while any of its groups needs somebody, by site.
        step_h: length of a step, hours.
        short_cost: paid hours that an uncovered agent hour is worth.
    """

    required: Integers
    kinds: Sequence[Kind]
    candidates: Candidates
    classes: Sequence[AgentClass] | None
    seats: dict[str, int]
    least: dict[str, int]
    step_h: float
    short_cost: float


@dataclass(frozen=True)
class Solution:
    """How many begin each candidate, when their breaks begin, and what is proven.

    Attributes:
        counts: people by candidate.
        breaks: (kind, group, day, number of the break) -> steps at which one begins, sorted.
        combos: for each class the shifts by paid length (`lengths`) of each of its heads.
        supply: class, group, day, length -> people; who was meant to serve what.
        lengths: paid hours that differ, by site.
        cost: of the solution, in paid hours, uncovered time included.
        bound: no plan of this week costs less.
        is_cut: time ended the search before its own limits did, so that again it may end elsewhere.
    """

    counts: Integers
    breaks: dict[tuple[int, int, int, int], list[int]]
    combos: list[list[tuple[int, ...]]]
    supply: dict[tuple[int, int, int, int], int]
    lengths: dict[str, tuple[float, ...]]
    cost: float
    bound: float
    is_cut: bool = False


NODES = 500  # of a search
TIME_IS_OVER = 1  # status of `milp`; for nodes it has another


class Program:
    """Columns and rows of an integer program, gathered one block at a time."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.is_whole: list[bool] = []
        self.most: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.row: list[int] = []
        self.column: list[int] = []
        self.value: list[float] = []
        self.is_cut = False  # by time

    def columns(self, count: int, cost: float = 0.0, *, is_whole: bool = True, most: float = np.inf) -> range:
        first = len(self.cost)
        self.cost += [cost] * count
        self.is_whole += [is_whole] * count
        self.most += [most] * count
        return range(first, first + count)

    def add(self, terms: Sequence[tuple[int, float]], low: float, high: float = np.inf) -> None:
        self.row += [len(self.low)] * len(terms)
        self.column += [at for at, _ in terms]
        self.value += [value for _, value in terms]
        self.low.append(low)
        self.high.append(high)

    def _matrix(self) -> sparse.csr_array:
        return sparse.csr_array((self.value, (self.row, self.column)), shape=(len(self.low), len(self.cost)))

    def relaxed(self) -> tuple[float, Floats]:
        """The least cost without whole numbers, and what one unit more on each equation would change it by."""
        low, high, matrix = np.array(self.low), np.array(self.high), self._matrix()
        is_equal = low == high
        up, down = np.isfinite(high) & ~is_equal, np.isfinite(low) & ~is_equal
        found = linprog(
            np.array(self.cost), A_ub=sparse.vstack([matrix[up], -matrix[down]]),
            b_ub=np.concatenate([high[up], -low[down]]), A_eq=matrix[is_equal], b_eq=low[is_equal],
            bounds=np.column_stack([np.zeros(len(self.cost)), self.most]), method="highs",
        )  # fmt: skip
        changes = np.zeros(len(low))
        changes[is_equal] = found.eqlin.marginals
        return float(found.fun), changes

    def solve(self, seconds: float, gap: float) -> tuple[Floats, float, float]:
        """Values, their cost and the bound that is proven; no values where none were found in time.

        `NODES` end the search, so that the same night gives the same plan on any machine; where time ends it before,
        `is_cut` says so.
        """
        if not self.cost:
            return np.zeros(0), 0.0, 0.0
        limits = LinearConstraint(self._matrix(), np.array(self.low), np.array(self.high)) if self.low else ()
        for presolve in (True, False):  # what the first way cannot settle in time, the plain one sometimes can
            found = milp(
                np.array(self.cost), integrality=np.array(self.is_whole, int), bounds=Bounds(0, np.array(self.most)),
                constraints=limits, options={
                    "time_limit": seconds, "node_limit": NODES, "mip_rel_gap": gap, "presolve": presolve,
                },
            )  # fmt: skip
            self.is_cut |= found.status == TIME_IS_OVER
            if found.x is not None:
                break
        bound = found.mip_dual_bound if found.mip_dual_bound is not None else 0.0
        if found.x is None:  # nobody works and all is short: always a plan, the worst
            return np.zeros(0), np.inf, max(0.0, bound)
        return found.x, float(found.fun), max(0.0, float(bound))
