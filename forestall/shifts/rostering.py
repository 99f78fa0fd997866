"""Who works which shift: the shifts of a week, given day by day to the agents of the roster.

`program` says how many begin what; here they become somebody's. Each day is a cheapest assignment
of agents to shifts in which whoever may not work one (skill, site, absence, rest, days in a row, hours
and days of the week) is out of the question, and whoever has the most shifts left for the fewest days
comes first. What then stays open is tried once more by handing other shifts of that week over.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from forestall.shifts.jobs import Jobs

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEVER = 1e9  # cost of what must not be
UNPLANNED = 300.0  # cost of a length or group that the week's model meant for others
URGENT = 100.0  # cost saved by whoever has to work on every day that is left
WEEKEND = 2.0  # cost of one weekend day more than others have had
LATER = 0.5  # cost of an hour's difference from the start that the rotation wants


@dataclass(frozen=True)
class Limits:
    """Rules of working time, in planning steps, days and paid hours."""

    rest_steps: int
    days_in_a_row: int
    rotation: str
    step_h: float


@dataclass
class State:
    """What the days before have left behind, by agent; it goes on from week to week.

    Attributes:
        free_from: step from which the agent has rested.
        streak: days worked in a row until yesterday.
        weekends: Saturdays and Sundays worked.
        usual: usual start, minute of the day; NaN until there is one.
    """

    free_from: Integers
    streak: Integers
    weekends: Integers
    usual: Floats

    @classmethod
    def fresh(cls, agents: int) -> "State":
        zeros = np.zeros(agents, np.int64)
        return cls(zeros - 10**6, zeros.copy(), zeros.copy(), np.full(agents, np.nan))


@dataclass(frozen=True)
class Crew:
    """The agents of a week.

    Attributes:
        may_serve: agents x groups.
        site: position of the agent's site.
        available: agents x days; not absent, employed, a day on which they may work.
        hours: most paid hours of the week.
        days: most days of the week.
        quota: agents x lengths; shifts that the model meant for each.
        planned: agents x groups x days x lengths; whether the model meant such shifts for the agent's class.
        weekend: days of the week that are Saturday or Sunday.
    """

    may_serve: Flags
    site: Integers
    available: Flags
    hours: Floats
    days: Integers
    quota: Integers
    planned: Flags
    weekend: Flags

    def __len__(self) -> int:
        return len(self.site)


@dataclass
class Given:
    """Who works what in a week, and what is left to each agent."""

    crew: Crew
    jobs: Jobs
    limits: Limits
    state: State
    holder: Integers
    work: Integers  # agents x days: the job, or -1
    hours: Floats = field(init=False)
    days: Integers = field(init=False)
    quota: Integers = field(init=False)

    def __post_init__(self) -> None:
        self.hours, self.days, self.quota = self.crew.hours.copy(), self.crew.days.copy(), self.crew.quota.copy()

    def may(self, agents: Integers, jobs: Jobs) -> Flags:
        """Agents x jobs of one day: whether the rules allow it, given what each works on the other days."""
        crew, day = self.crew, int(jobs.day[0])
        allowed = crew.may_serve[np.ix_(agents, jobs.group)] & crew.available[agents, day][:, None]
        allowed &= crew.site[agents][:, None] == jobs.site[None, :]
        allowed &= self.hours[agents][:, None] >= jobs.paid_h[None, :] - 1e-9
        allowed &= ((self.days[agents] > 0) & (self.work[agents, day] < 0))[:, None]
        allowed &= (self._row(agents, day) <= self.limits.days_in_a_row)[:, None]
        free, busy = self._free(agents, day)
        return np.asarray(allowed & (jobs.first >= free[:, None]) & (jobs.last <= busy[:, None]))

    def _row(self, agents: Integers, day: int) -> Integers:
        """Days in a row that there would be with a shift on `day`."""
        works = self.work[agents] >= 0
        row = np.ones(len(agents), np.int64)
        going = np.ones(len(agents), bool)
        for before in range(day - 1, -1, -1):
            going &= works[:, before]
            row += going
        row += np.where(going, self.state.streak[agents], 0)
        going[:] = True
        for after in range(day + 1, works.shape[1]):
            going &= works[:, after]
            row += going
        return row

    def _free(self, agents: Integers, day: int) -> tuple[Integers, Integers]:
        """From when each has rested since the shift before, and by when they must be off for the one after."""
        free = self.state.free_from[agents].copy()
        busy = np.full(len(agents), np.iinfo(np.int64).max // 2)
        if not len(self.jobs):
            return free, busy
        for before in range(day):
            job = self.work[agents, before]
            free = np.where(job >= 0, self.jobs.last[job] + self.limits.rest_steps, free)
        for after in range(self.work.shape[1] - 1, day, -1):
            job = self.work[agents, after]
            busy = np.where(job >= 0, self.jobs.first[job] - self.limits.rest_steps, busy)
        return free, busy

    def without(self, day: int) -> "Given":
        """The same had nobody a shift on that day."""
        job = self.work[:, day]
        works = np.flatnonzero(job >= 0)
        other = copy(self)
        other.work, other.hours, other.days = self.work.copy(), self.hours.copy(), self.days.copy()
        other.work[:, day] = -1
        other.hours[works] += self.jobs.paid_h[job[works]]
        other.days[works] += 1
        return other

    def give(self, agent: int, job: int, sign: int = 1) -> None:
        """Give a shift to an agent, or (`sign` -1) take it back."""
        self.holder[job] = agent if sign > 0 else -1
        self.work[agent, self.jobs.day[job]] = job if sign > 0 else -1
        self.hours[agent] -= sign * self.jobs.paid_h[job]
        self.days[agent] -= sign
        self.quota[agent, self.jobs.length[job]] -= sign

    def add(self, agent: int, shift: Jobs) -> None:
        """Give one more shift, which nobody had planned, to an agent."""
        self.jobs = self.jobs.with_others(shift)
        self.holder = np.append(self.holder, -1)
        self.give(agent, len(self.jobs) - 1)


def assign_week(
    crew: Crew, jobs: Jobs, limits: Limits, state: State, wanted_minute: Floats,
    fill: Callable[[Given], None] = lambda _: None,
) -> Integers:  # fmt: skip
    """Give the shifts of a week to agents and carry `state` to its end.

    Args:
        crew: the agents.
        jobs: the shifts.
        limits: the rules.
        state: of the agents at the week's start; becomes that at its end.
        wanted_minute: start of the day that the rotation wants for each agent; NaN for none.
        fill: may add shifts before the week is over.

    Returns:
        The agent of each shift, -1 where nobody may work it; those added come last.
    """
    days = crew.available.shape[1]
    week = Given(crew, jobs, limits, state, np.full(len(jobs), -1), np.full((len(crew), days), -1))
    for day in range(days):
        today = np.flatnonzero(jobs.day == day)
        if len(today) and len(crew):
            _assign_day(week, today, day, wanted_minute)
    tried = set[int]()
    for job in np.flatnonzero(week.holder < 0).tolist():
        if len(crew) and _hand_over(week, job, tried):
            tried = set()
    fill(week)
    carry(state, week.jobs, week.work, crew.weekend, limits.rest_steps)
    return week.holder


def _assign_day(week: Given, today: Integers, day: int, wanted_minute: Floats) -> None:
    crew, jobs = week.crew, week.jobs
    everybody = np.arange(len(crew))
    left = np.maximum(crew.available[:, day:].sum(axis=1), 1)
    urgency = np.minimum(week.quota.clip(min=0).sum(axis=1), week.days) / left
    by_length = week.quota.clip(min=0) / left[:, None]
    cost = -URGENT * urgency[:, None] - 0.5 * URGENT * by_length[:, jobs.length[today]]
    meant = crew.planned[:, jobs.group[today], day, jobs.length[today]] & (week.quota[:, jobs.length[today]] > 0)
    cost = cost + np.where(meant, 0.0, UNPLANNED)
    if crew.weekend[day]:
        cost = cost + WEEKEND * week.state.weekends[:, None]
    away = np.abs(jobs.minute[today][None, :] - wanted_minute[:, None]) / 60
    cost = cost + LATER * np.nan_to_num(away) + 1e-6 * everybody[:, None]
    cost = np.where(week.may(everybody, jobs.part(today)), cost, NEVER)
    for agent, at in zip(*linear_sum_assignment(cost), strict=True):
        if cost[agent, at] < NEVER:
            week.give(int(agent), int(today[at]))


def _hand_over(week: Given, job: int, tried: set[int]) -> bool:
    """Find an agent for an open shift: one who is free, or gives another shift of the week to somebody, and so on.

    Rules bind each agent alone, so a chain in which nobody comes twice keeps them all. The shortest is taken. `tried`
    are shifts from which no chain led on since a shift was last given; those of this search are added.
    """
    everybody = np.arange(len(week.crew))
    if job in tried or not ((week.days > 0) & (week.hours >= week.jobs.paid_h.min() - 1e-9)).any():
        return False  # a chain ends with somebody who has time left
    without = [week.without(day) for day in range(week.work.shape[1])]
    chains: dict[int, list[tuple[int, int]]] = {job: []}  # shift that is to be given -> who takes which before
    front = np.array([job], np.int64)
    while len(front):
        following = []
        for day in np.unique(week.jobs.day[front]).tolist():
            today = front[week.jobs.day[front] == day]
            shifts = week.jobs.part(today)
            for agent, at in np.argwhere(week.may(everybody, shifts)).tolist():
                chain = chains[int(today[at])]
                if agent not in (other for other, _ in chain):
                    _pass_on(week, [*chain, (agent, int(today[at]))])
                    return True
            for given_up, one in enumerate(without):
                able = one.may(everybody, shifts) & (week.work[:, given_up] >= 0)[:, None]
                for agent, at in np.argwhere(able).tolist():
                    chain, other = chains[int(today[at])], int(week.work[agent, given_up])
                    if other not in chains and other not in tried and agent not in (taker for taker, _ in chain):
                        chains[other] = [*chain, (agent, int(today[at]))]
                        following.append(other)
        front = np.array(following, np.int64)
    tried |= set(chains)
    return False


def _pass_on(week: Given, chain: Sequence[tuple[int, int]]) -> None:
    """Each takes a shift, and gives up the one that the next takes."""
    for _, job in chain[1:]:
        week.give(int(week.holder[job]), job, -1)
    for agent, job in chain:
        week.give(agent, job)


def carry(state: State, jobs: Jobs, work: Integers, weekend: Flags, rest_steps: int) -> None:
    """Carry `state` to the end of a week.

    Args:
        state: of the agents at the week's start.
        jobs: the shifts.
        work: agents x days; the job of each, or -1.
        weekend: days of the week that are Saturday or Sunday.
        rest_steps: from the end of a shift to the start of the next.
    """
    for day in range(work.shape[1]):
        job = work[:, day]
        works = job >= 0
        state.streak[:] = np.where(works, state.streak + 1, 0)
        if works.any():
            state.free_from[works] = jobs.last[job[works]] + rest_steps
            fresh = np.isnan(state.usual) & works
            state.usual[fresh] = jobs.minute[job[fresh]]
        if weekend[day]:
            state.weekends[works] += 1


def deal(combos: Sequence[tuple[int, ...]], agents: Integers, turn: int) -> dict[int, tuple[int, ...]]:
    """Combinations of shifts for the agents of a class, turned by one agent a week so that all come round.

    `turn` is the number of the calendar week, so that a plan made again within it deals alike.
    """
    if not len(agents):
        return {}
    order = np.roll(agents, -turn)
    return {int(agent): combo for agent, combo in zip(order, combos, strict=False)}
