"""The cheapest shifts that cover the requirement, week by week, and whose they are.

Groups that share people or a site's limits are planned together, others apart; weeks one after the other,
each knowing what the week before left running and whom it tired. What is proven is the distance of the
finished roster from the solver's bounds, not of the model's counts.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from forestall.shifts.announced import Announced, kept_jobs
from forestall.shifts.filling import Gaps
from forestall.shifts.grid import Grid, candidates_of, grid_of, kinds_of
from forestall.shifts.jobs import Breaks, Jobs, as_jobs, jobs_of, present
from forestall.shifts.program import AgentClass, Floats, Integers, Solution, Week
from forestall.shifts.roster import Passed, Roster, roster_of, week_limits
from forestall.shifts.rostering import Crew, Given, Limits, State, assign_week, carry, deal
from forestall.shifts.rules import StaffingRules
from forestall.shifts.week import solve_week
from forestall.shifts.worked import Worked

GAP = 0.01  # within which the search of a week may stop
OPEN = "open"  # slot of a shift that nobody of the roster can work
COLUMNS = (
    "slot", "is_assigned", "local_on", "site", "queue_group", "pattern", "first", "last", "breaks", "paid_h",
)  # fmt: skip


@dataclass(frozen=True)
class ShiftPlan:
    """A finished plan.

    Attributes:
        grid: its calendar.
        groups: names, in the order of the arrays.
        shifts: one row a shift: slot, is_assigned, local_on, site, queue_group, pattern, first, last (steps),
            breaks (tuples of first and last step), paid_h.
        required: groups x steps; agents who must be there.
        planned: groups x steps; agents who are, those on a break left out.
        on_break: groups x steps.
        paid_h: hours paid for shifts of the roster.
        cost: paid hours, uncovered ones at their cost.
        bound: no plan costs less.
        notes: lines for the night.
        before: rows as `shifts`, of those who are still on duty, or not yet rested, when the first day begins; steps
            before it are negative.
    """

    grid: Grid
    groups: tuple[str, ...]
    shifts: pd.DataFrame
    required: Integers
    planned: Integers
    on_break: Integers
    paid_h: float
    cost: float
    bound: float
    notes: tuple[str, ...]
    before: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))

    @property
    def on_duty(self) -> pd.DataFrame:
        """Whatever shifts cover the plan's days: somebody's, last night's as far as they go on into the first day."""
        mine = self.shifts[self.shifts["is_assigned"].astype(bool)]
        going_on = self.before[self.before["last"].astype("int64") > 0]
        if going_on.empty:
            return mine
        breaks = [
            tuple((max(one, 0), other) for one, other in rests if other > 0) for rests in going_on["breaks"]
        ]  # fmt: skip
        going_on = going_on.assign(first=0, breaks=pd.Series(breaks, going_on.index, dtype=object))
        return pd.concat([going_on, mine], ignore_index=True)

    @property
    def short(self) -> Integers:
        """Agents who are missing, by group and step."""
        return np.asarray(np.maximum(self.required - self.planned, 0))

    @property
    def gap(self) -> float:
        """Share of the cost by which the plan may be dearer than the cheapest."""
        return max(0.0, 1 - self.bound / self.cost) if self.cost > 0 else 0.0


def plan_shifts(
    requirement: pd.DataFrame, agents: pd.DataFrame, rules: StaffingRules, zone: ZoneInfo, interval_s: int,
    kept: Announced | None = None, worked: Worked | None = None,
) -> ShiftPlan:  # fmt: skip
    """Shifts for every day of the requirement.

    Args:
        requirement: queue, interval_start_at, local_on, agents (whole ones who must be there, by queue).
        agents: rows of the contract's `agents`; empty for slots without a name.
        rules: `staffing.yml`, with patterns.
        zone: of the company.
        interval_s: length of an interval.
        kept: what has been announced, and stays; None: nothing.
        worked: the days before; None: nothing is known of them, and everybody is fresh.
    """
    grid = grid_of(list(requirement["local_on"]), zone, interval_s, rules.step_minutes)
    queues_of = _groups(requirement, rules)
    required = _required(requirement, grid, queues_of, rules)
    roster, notes = roster_of(agents, queues_of, grid.days, rules)
    planner = _Planner(grid, tuple(queues_of), required, roster, rules, kept)
    if worked is not None:
        before, _ = roster_of(agents, queues_of, worked.days, rules)
        planner.remember(worked.those_there(before), before)
    planner.run()
    cut = f"solver_seconds ({rules.solver_seconds}) ended the search before its own limits: again it may end elsewhere"
    return replace(planner.plan(), notes=(*notes, *planner.notes, *([cut] if planner.is_cut else [])))


def _groups(requirement: pd.DataFrame, rules: StaffingRules) -> dict[str, list[str]]:
    """Queues that need anybody, by group; both in alphabetical order."""
    found: dict[str, list[str]] = {}
    needed = requirement.groupby("queue")["agents"].max()
    for queue in sorted(map(str, needed.index[needed > 0])):
        found.setdefault(rules.group_of(queue), []).append(queue)
    return dict(sorted(found.items()))


def _required(
    requirement: pd.DataFrame, grid: Grid, queues_of: Mapping[str, list[str]], rules: StaffingRules
) -> Integers:
    """Groups x steps: the agents of a group's queues together."""
    place = {queue: at for at, queues in enumerate(queues_of.values()) for queue in queues}
    rows = requirement[requirement["queue"].isin(list(place))]
    first = grid.step_of(rows["interval_start_at"].to_numpy("datetime64[s]").astype(np.int64))
    required = np.zeros((len(queues_of), grid.steps), np.int64)
    group = rows["queue"].map(place).to_numpy(np.int64)
    for offset in range(grid.interval_s // grid.step_s):
        np.add.at(required, (group, first + offset), rows["agents"].to_numpy(np.int64))
    return required


class _Planner:
    """Goes through the weeks, and gathers shifts, cost and bound."""

    def __init__(
        self, grid: Grid, groups: tuple[str, ...], required: Integers, roster: Roster | None, rules: StaffingRules,
        kept: Announced | None,
    ) -> None:  # fmt: skip
        self.kept = kept
        self.grid, self.groups, self.required, self.roster, self.rules = grid, groups, required, roster, rules
        self.sites = tuple(rules.sites) or (tuple(sorted(set(roster.site))) if roster is not None else ("",))
        self.kinds, self.starts = kinds_of(rules, self.sites, grid.step_s)
        self.planned = np.zeros_like(required)
        self.on_break = np.zeros_like(required)
        self.cost = self.bound = self.paid_h = 0.0
        self.rows: list[dict[str, object]] = []
        self.notes: list[str] = []
        self.state = State.fresh(len(roster) if roster is not None else 0)
        self.passed: Passed | None = None
        self.is_cut = False
        self.before = pd.DataFrame(columns=list(COLUMNS))
        self.until = time.monotonic() + rules.solver_seconds
        self.served_at = self._served_at()

    def _served_at(self) -> list[frozenset[str]]:
        if self.roster is None:
            return [frozenset(self.sites)] * len(self.groups)
        site = np.array(self.roster.site, object)
        served = [frozenset(site[self.roster.may_serve[:, at]]) for at in range(len(self.groups))]
        self.notes += [
            f"{self.groups[at]}: nobody on the roster is skilled for it (agents.skills), so none of it is covered"
            for at, sites in enumerate(served)
            if not sites
        ]
        return served

    def remember(self, worked: Worked, before: Roster | None) -> None:
        """Begin where the days before have left people, and with those of last night who are still there."""
        self.before = worked.shifts(self.grid, self._rest_steps)
        if self.roster is not None and before is not None:
            agents = self.roster.agents
            self.state = worked.state(agents, self.grid, self._rest_steps)
            self.passed = worked.passed(agents, before, self.grid.days[0])
        for row in self.before[self.before["queue_group"].isin(self.groups)].itertuples():
            self._put_there(self.groups.index(str(row.queue_group)), 0, max(int(row.last), 0), row.breaks)  # type: ignore[arg-type]

    def run(self) -> None:
        parts, weeks = self._parts(), self.grid.weeks()
        left = len(parts) * len(weeks)
        for at, week in enumerate(weeks):
            number = (self.grid.days[week[0]].toordinal() - 1) // 7  # of the calendar: the same on every night
            passed = self.passed if at == 0 else None
            if self.kept is not None and self.kept.keeps([self.grid.days[day] for day in week]):
                self._keep_week(week, self.kept)
                left -= len(parts)
                continue
            for part in parts:
                seconds = max(2.0, min(1.0, 3 / left) * (self.until - time.monotonic()))
                self._plan_week(week, number, part, seconds, passed)
                left -= 1

    def _keep_week(self, week: Sequence[int], kept: Announced) -> None:
        """Book what was announced; who is no longer there, or lost the skill, leaves an open shift."""
        rows, jobs, breaks = kept_jobs(kept, week, self.grid, self.groups, self.sites)
        told = kept.rows[kept.rows["local_on"].isin([self.grid.days[day] for day in week])]
        if len(told) > len(rows):
            gone = sorted(set(told["queue_group"].astype(str)) - set(self.groups))
            self.notes.append(
                f"{len(told) - len(rows)} announced shifts of the week of {self.grid.days[week[0]]} are left out:"
                f" nobody is required for {', '.join(gone)} any more, or there is no such group (staffing.yml: groups)"
            )
        holder = np.full(len(jobs), -1)
        if self.roster is not None:
            holder = np.asarray(pd.Index(self.roster.agents).get_indexer(pd.Index(rows["slot_id"])), np.int64)
            day = np.array(week, np.int64)[jobs.day]
            stays = (holder >= 0) & self.roster.is_there[holder, day] & self.roster.may_serve[holder, jobs.group]
            lost = int((rows["is_assigned"].astype(bool).to_numpy() & ~stays).sum())
            if lost:
                self.notes.append(
                    f"{lost} announced shifts of the week of {self.grid.days[week[0]]} have lost their agent"
                )
            holder = np.where(stays, holder, -1)
            work = np.full((len(self.roster), len(week)), -1)
            work[holder[stays], jobs.day[stays]] = np.flatnonzero(stays)
            carry(self.state, jobs, work, self._weekend(week), self._rest_steps)
        every = np.arange(len(self.groups))
        self._book(every, week, jobs, breaks, list(rows["site"]), list(rows["pattern"]), holder)
        start, end = self.grid.day_start[week[0]], self.grid.day_start[week[-1] + 1]
        worked = float(jobs.paid_h[holder >= 0].sum()) if self.roster is not None else float(jobs.paid_h.sum())
        cost = worked + self._penalty(np.maximum(self.required[:, start:end] - self.planned[:, start:end], 0))
        # There is nothing to choose, so this is the least that the week can cost.
        self.cost, self.bound, self.paid_h = self.cost + cost, self.bound + cost, self.paid_h + worked

    def _parts(self) -> list[Integers]:
        """Groups that must be planned together: they share an agent, or a site with limits."""
        count = len(self.groups)
        if not count:
            return []
        shares = np.zeros((count, count), bool)
        if self.roster is not None:
            may = self.roster.may_serve.astype(np.int64)
            shares |= (may.T @ may) > 0
        for site, limits in self.rules.sites.items():
            if limits.most_agents is not None or limits.least_agents:
                here = np.array([site in sites for sites in self.served_at])
                shares |= here[:, None] & here[None, :]
        _, label = connected_components(coo_array(shares), directed=False)
        return [np.flatnonzero(label == part) for part in range(label.max() + 1)]

    def _plan_week(
        self, week: Sequence[int], number: int, part: Integers, seconds: float, passed: Passed | None
    ) -> None:
        start = self.grid.day_start[week[0]]
        end = self.grid.day_start[week[-1] + 1]
        # Only this week's need is this week's: what its last nights reach over is taken off the next one's.
        required = np.zeros((len(part), end - start), np.int64)
        required[:] = np.maximum(self.required[part, start:end] - self.planned[part, start:end], 0)
        whole = np.zeros((len(part), self.grid.steps), np.int64)
        whole[:, start:end] = required
        served_at = [self.served_at[group] for group in part]
        candidates = candidates_of(self.grid, week, whole, self.kinds, self.starts, self.rules, served_at)
        if not len(candidates):
            lost = self._penalty(required)
            self.cost, self.bound = self.cost + lost, self.bound + lost
            return
        crew = self._crew(week, part, passed)
        problem = Week(
            required, self.kinds, replace(candidates, first=candidates.first - start),
            None if crew is None else crew.classes,
            {name: one.most_agents for name, one in self.rules.sites.items() if one.most_agents is not None},
            {name: one.least_agents for name, one in self.rules.sites.items() if one.least_agents},
            self.grid.step_s / 3600, self.rules.short_cost,
        )  # fmt: skip
        found = solve_week(problem, seconds, GAP)
        self.is_cut |= found.is_cut
        self.bound += found.bound
        jobs, breaks, kind = jobs_of(candidates, found, self.kinds, self.sites, self.grid, start)
        # What the model pays beside shifts and uncovered steps (idle contracts, a site's least staff) stays as it is:
        # an added shift in hours that are paid anyway counts twice, so the gap is rather told too great.
        uncovered = np.maximum(required - present(jobs, breaks, required.shape, start), 0)
        beside = found.cost - float(jobs.paid_h.sum()) - self._penalty(uncovered)
        if crew is None:
            holder = np.full(len(jobs), -1)
        else:
            # Where seats are limited nobody is added: the model alone counts them.
            free = np.flatnonzero([self.kinds[one].site not in problem.seats for one in candidates.kind])
            possible = as_jobs(candidates, free, found, self.kinds, self.sites, self.grid)
            gaps = Gaps(
                required, start, possible, [self.kinds[one] for one in candidates.kind[free]], self.rules.short_cost,
                self.grid.step_s / 3600,
            )  # fmt: skip
            holder = self._assign(crew, jobs, found, week, number, lambda given: gaps.fill(given, breaks))
            jobs, breaks = jobs.with_others(possible.part(gaps.added)), [*breaks, *gaps.breaks]
            kind = np.append(kind, candidates.kind[free[gaps.added]])
            stays = np.flatnonzero(gaps.wanted(jobs, breaks, holder))
            jobs, kind, holder, breaks = jobs.part(stays), kind[stays], holder[stays], [breaks[at] for at in stays]
        kinds = [self.kinds[one] for one in kind]
        self._book(part, week, jobs, breaks, [one.site for one in kinds], [one.name for one in kinds], holder)
        missing = self._penalty(np.maximum(self.required[part, start:end] - self.planned[part, start:end], 0))
        worked = float(jobs.paid_h[holder >= 0].sum()) if self.roster is not None else float(jobs.paid_h.sum())
        self.cost += worked + missing + max(0.0, beside)
        self.paid_h += worked

    def _penalty(self, short: Integers) -> float:
        return self.rules.short_cost * self.grid.step_s / 3600 * float(short.sum())

    def _crew(self, week: Sequence[int], part: Integers, passed: Passed | None) -> "_Team | None":
        if self.roster is None:
            return None
        roster = self.roster
        mine = np.flatnonzero(roster.may_serve[:, part].any(axis=1))
        days, hours, least = week_limits(roster, week, self.rules, passed)
        classes: dict[tuple[object, ...], list[int]] = {}
        for agent in mine.tolist():
            groups = tuple(np.flatnonzero(roster.may_serve[agent, part]).tolist())
            key = (
                roster.site[agent],
                groups,
                round(float(hours[agent]), 6),
                int(days[agent]),
                round(float(least[agent]), 6),
            )
            classes.setdefault(key, []).append(agent)
        made = [
            AgentClass(
                key[0], key[1], key[2], key[3],  # type: ignore[arg-type]
                tuple(roster.is_there[agents][:, list(week)].sum(axis=0).tolist()), len(agents),
                key[4],  # type: ignore[arg-type]
            )
            for key, agents in classes.items()
        ]  # fmt: skip
        return _Team(roster, mine, part, made, [np.array(agents) for agents in classes.values()], days, hours)

    def _assign(
        self, team: "_Team", jobs: Jobs, found: Solution, week: Sequence[int], number: int,
        fill: Callable[[Given], None],
    ) -> Integers:  # fmt: skip
        roster, rules = team.roster, self.rules
        lengths = max((len(paid) for paid in found.lengths.values()), default=1)
        quota = np.zeros((len(roster), lengths), np.int64)
        planned = np.zeros((len(roster), len(team.part), len(week), lengths), bool)
        for at, members in enumerate(team.members):
            for agent, combo in deal(found.combos[at], members, number).items():
                quota[agent, : len(combo)] = combo
            for owner, group, day, length in found.supply:
                if owner == at:
                    planned[members, group, day, length] = True
        mine = team.agents
        site = np.array([self.sites.index(name) for name in roster.site], np.int64)
        crew = Crew(
            roster.may_serve[np.ix_(mine, team.part)], site[mine], roster.is_there[mine][:, list(week)],
            team.hours[mine].copy(), team.days[mine].copy(), quota[mine], planned[mine], self._weekend(week),
        )  # fmt: skip
        limits = Limits(self._rest_steps, rules.days_in_a_row, rules.rotation, self.grid.step_s / 3600)
        state = State(*(values[mine] for values in vars(self.state).values()))
        holder = assign_week(crew, jobs, limits, state, self._wanted(mine, state, number), fill)
        for name, values in vars(state).items():
            getattr(self.state, name)[mine] = values
        return np.where(holder >= 0, mine[holder], -1)

    def _weekend(self, week: Sequence[int]) -> NDArray[np.bool_]:
        return np.array([self.grid.days[day].weekday() > 4 for day in week])

    @property
    def _rest_steps(self) -> int:
        return int(np.ceil(self.rules.rest_hours * 3600 / self.grid.step_s))

    def _wanted(self, mine: Integers, state: State, number: int) -> Floats:
        """Start of the day that each agent's rotation wants."""
        if self.rules.rotation == "none":
            return np.full(len(mine), np.nan)
        if self.rules.rotation == "keep":
            return state.usual
        starts = np.array(sorted({minute for times in self.starts for minute in times}), float)
        bands = np.quantile(starts, (0.15, 0.5, 0.85))
        turn = mine if self.roster is None else self.roster.turn[mine]
        return np.asarray(bands[(turn + number) % 3])

    def _book(
        self, part: Integers, week: Sequence[int], jobs: Jobs, breaks: Breaks,
        sites: Sequence[str], patterns: Sequence[str], holder: Integers,
    ) -> None:  # fmt: skip
        """Write the shifts down; those that nobody can work stay open and cover nothing."""
        nameless = dict[tuple[int, int], int]()
        for at in range(len(jobs)):
            is_assigned = self.roster is None or holder[at] >= 0
            group, day = int(part[jobs.group[at]]), int(week[jobs.day[at]])
            if self.roster is not None and holder[at] >= 0:
                slot = self.roster.agents[holder[at]]
            else:
                key = (day, group)
                nameless[key] = nameless.get(key, 0) + 1
                slot = f"{'slot' if self.roster is None else OPEN} {self.groups[group]} {nameless[key]:03d}"
            first, last = int(jobs.first[at]), int(jobs.last[at])
            if is_assigned:
                self._put_there(group, first, last, breaks[at])
            self.rows.append({
                "slot": slot, "is_assigned": is_assigned, "local_on": self.grid.days[day],
                "site": sites[at], "queue_group": self.groups[group], "pattern": patterns[at],
                "first": first, "last": last, "breaks": breaks[at], "paid_h": float(jobs.paid_h[at]),
            })  # fmt: skip

    def _put_there(self, group: int, first: int, last: int, breaks: Sequence[tuple[int, int]]) -> None:
        self.planned[group, first:last] += 1
        for one, other in breaks:
            rest = slice(max(one, 0), max(other, 0))
            self.planned[group, rest] -= 1
            self.on_break[group, rest] += 1

    def plan(self) -> ShiftPlan:
        shifts = pd.DataFrame(self.rows, columns=list(COLUMNS)).sort_values(["local_on", "slot"], ignore_index=True)
        return ShiftPlan(
            self.grid, self.groups, shifts, self.required, self.planned, self.on_break, self.paid_h, self.cost,
            self.bound, (), self.before,
        )  # fmt: skip


@dataclass(frozen=True)
class _Team:
    """The agents of some groups in a week, and their classes."""

    roster: Roster
    agents: Integers
    part: Integers
    classes: list[AgentClass]
    members: list[Integers]
    days: Integers
    hours: Floats
