"""Shifts lived through with outreach beside the contacts that really came, by what was published of usable minutes.

Four ways meet the same contacts and the same absences: no outreach; firm minutes only; firm minutes and, by the rules
that were published, those if it is quiet; and someone who knows every contact and absence of the day beforehand and
takes as many minutes as leave its standard kept: by the least reserve of idle agents, or by taking agents off in the
best times. Nobody can know that, so it is what usable minutes are measured against.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.sections import ServiceLevelSettings
from forestall.shifts.plan import ShiftPlan
from forestall.shifts.quiet import (
    Calling,
    DrawnDays,
    Floats,
    Integers,
    Scalar,
    Tried,
    by_day,
    drawn_servers,
    least_steps,
    promise_of,
    reserve,
)
from forestall.shifts.service import Losses, QueueLoad
from forestall.shifts.usable import allowed, beyond_in_runs, by_interval
from forestall.staffing.simulation import place_arrivals
from models.bootstrap import poisson_draws

NONE, FIRM, BOTH, KNOWING = "no_outreach", "firm", "firm_and_if_quiet", "knowing_the_contacts"
WAYS = (NONE, FIRM, BOTH, KNOWING)
COLUMNS = (
    "company", "way", "queue_group", "local_on", "draw", "contacts", "minutes", "in_time", "counted", "is_in_standard",
)  # fmt: skip
SUMMARY = (
    "way", "days", "days_in_standard", "service_level", "minutes", "of_minutes", "of_value", "of_value_low",
    "of_value_high", "of_value_kept",
)  # fmt: skip
DRAWS = 5
RESAMPLES = 1000
# Value of the first m minutes of a list, best rows first, goes with m to this power. Fitted to the list of a demo night
# that was given 6,000 minutes: docs/decisions/0027-outreach-that-stops-in-time.md.
WORTH = 0.5


@dataclass(frozen=True)
class Came:
    """What came in the days of a plan, and who would have been needed by whoever knew it.

    Attributes:
        contacts: intervals of the plan, by queue.
        needed: groups x steps; agents to schedule, knowing the contacts of each interval.
    """

    contacts: Mapping[str, Integers]
    needed: Floats


def live_beside(
    plan: ShiftPlan, usable: pd.DataFrame, queues_of: Mapping[str, Sequence[str]], loads: Mapping[str, QueueLoad],
    came: Came, losses: Losses, level: ServiceLevelSettings, calling: Calling, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """What each way gives.

    Args:
        plan: the shifts.
        usable: rows of `usable_minutes` for all its days.
        queues_of: queues of each group; live ones only.
        loads: standards, patience and handle times.
        came: what really came.
        losses: shares of scheduled time.
        level: formula of the service level.
        calling: when and for how long.
        seed: of what is drawn.

    Returns:
        way x queue_group x local_on x draw: contacts, minutes of outreach, in_time, counted, is_in_standard.
    """
    grid, firm = plan.grid, beyond_in_runs(plan, plan.required, calling)
    bounds = np.array(grid.day_start, np.int64) * grid.step_s // grid.interval_s
    found = []
    for at, group in enumerate(plan.groups):
        shifts = _Shifts(plan, at, bounds, losses, calling, seed)
        mine = [(loads[queue], came.contacts[queue]) for queue in queues_of[group]]
        rules = usable[usable["queue_group"] == group].drop_duplicates("interval_start_at")
        tried = _ways(shifts, mine, firm[at], came.needed[at], rules, level)
        contacts = by_day(np.sum([counts for _, counts in mine], axis=0), bounds).sum(axis=1)
        found += [_rows(way, group, grid.days, contacts, *result) for way, result in tried.items()]
    lived = pd.concat(found, ignore_index=True)
    return lived[lived["contacts"] > 0]


def came_in(plan: ShiftPlan, rows: pd.DataFrame, queues_of: Mapping[str, Sequence[str]]) -> Came:
    """What came in the intervals of a plan.

    Args:
        plan: the shifts.
        rows: queue, interval_start_at, came, needed (agents to schedule, knowing what comes).
        queues_of: queues of each group.
    """
    grid, a_step = plan.grid, _a_step(plan)
    count = grid.day_start[-1] // a_step
    contacts, needed = {}, np.zeros((len(plan.groups), grid.steps))
    for at, group in enumerate(plan.groups):
        for queue in queues_of[group]:
            mine = rows[rows["queue"] == queue]
            interval = grid.interval_of(mine["interval_start_at"])
            contacts[queue], who = np.zeros(count, np.int64), np.zeros(count)
            contacts[queue][interval] = np.rint(mine["came"].to_numpy(float))
            who[interval] = mine["needed"]
            needed[at, : count * a_step] += np.repeat(who, a_step)
    return Came(contacts, needed)


@dataclass(frozen=True)
class _Shifts:
    """A group's agents on the days of a plan, the same absences whatever they do."""

    plan: ShiftPlan
    at: int
    bounds: Integers
    losses: Losses
    calling: Calling
    seed: int

    def servers(self, off: Integers) -> Integers:
        """Lanes x intervals: who takes contacts while so many, by step (or draws x steps), do outreach."""
        grid = self.plan.grid
        scheduled = by_day(by_interval(self.plan.planned[self.at], grid), self.bounds)
        away = by_day(by_interval(off, grid), self.bounds)
        rng = np.random.default_rng([self.seed, self.at])
        drawn = drawn_servers(scheduled, away, np.zeros_like(scheduled), self.losses, DRAWS, rng)
        return drawn.reshape(-1, drawn.shape[-1])

    def on_days(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """Lanes first: what is said by interval of the plan, along the last axis."""
        return np.asarray(np.repeat(by_day(values, self.bounds), DRAWS, axis=0))

    def most_of_day(self, values: Floats) -> Floats:
        """By lane the most that is said of the intervals of its day, of a shorter day too."""
        return np.asarray(np.repeat(np.maximum.reduceat(values, self.bounds[:-1]), DRAWS))


def _ways(
    shifts: _Shifts, mine: list[tuple[QueueLoad, Integers]], firm: Integers, needed: Floats, rules: pd.DataFrame,
    level: ServiceLevelSettings,
) -> dict[str, tuple[Tried, Floats]]:  # fmt: skip
    """By way what became of each lane, and its minutes of outreach."""
    grid, calling = shifts.plan.grid, shifts.calling
    live = [load for load, _ in mine]
    at_once = min(load.standard.concurrency for load in live)
    arrivals = place_arrivals(
        np.random.default_rng([shifts.seed, shifts.at, 1]), shifts.on_days(np.stack([counts for _, counts in mine])),
        shifts.on_days(np.stack([load.handle_time_s for load in live])),
        np.array([load.patience_s for load in live]), grid.interval_s,
    )  # fmt: skip
    is_allowed = shifts.on_days(by_interval(allowed(grid, calling.hours), grid) == 1)
    whole = shifts.servers(np.zeros_like(firm))

    def drawn(servers: Integers) -> DrawnDays:
        return DrawnDays(
            arrivals, servers * at_once, is_allowed, promise_of(live, level), calling.contact_minutes * 60,
            grid.interval_s,
        )  # fmt: skip

    def minutes(servers: Integers, tried: Tried) -> Floats:
        """Who left the line for outreach, and what was done beside it."""
        return np.asarray((whole - servers).sum(axis=1) * grid.interval_s / 60 + tried.outreach_s.sum(axis=1) / 60)

    beside = shifts.servers(firm)
    alone, only_firm = drawn(whole).tried(), drawn(beside).tried()
    ways = {NONE: (alone, minutes(whole, alone)), FIRM: (only_firm, minutes(beside, only_firm))}
    ways[BOTH] = ways[FIRM]
    best = _taken_off(shifts, needed, lambda servers: drawn(servers).tried(), alone, minutes)
    if at_once == 1:
        idle_agents, ahead = _published(rules, grid.instant(np.arange(shifts.bounds[-1]) * _a_step(shifts.plan)))
        both = drawn(beside).tried(shifts.on_days(idle_agents), shifts.most_of_day(ahead))
        ways[BOTH] = (both, minutes(beside, both))
        best = _better(best, _least_idle(drawn(whole), alone))
    ways[KNOWING] = best
    return ways


def _a_step(plan: ShiftPlan) -> int:
    return plan.grid.interval_s // plan.grid.step_s


def _published(rules: pd.DataFrame, starts: pd.DatetimeIndex) -> tuple[Integers, Floats]:
    """By interval who must stay idle, so many that nobody calls where nothing is said, and the answers ahead.

    These are `-inf` where they do not count.
    """
    by_start = rules.set_index("interval_start_at")[["idle_agents", "answers_ahead"]].astype("float64").reindex(starts)
    nobody = np.iinfo(np.int32).max
    idle_agents = by_start["idle_agents"].fillna(nobody).to_numpy().astype(np.int64)
    return idle_agents, by_start["answers_ahead"].fillna(-np.inf).to_numpy()


def _least_idle(whole: DrawnDays, alone: Tried) -> tuple[Tried, Floats]:
    """By the least reserve that leaves each lane its standard; nothing where it is missed anyway."""
    intervals = whole.servers.shape[1]
    steps = least_steps(len(whole.servers), whole.most, lambda some: whole.tried(reserve(some, intervals)).is_kept)
    tried = whole.tried(reserve(np.where(alone.is_kept, steps, whole.most), intervals))
    return tried, tried.outreach_s.sum(axis=1) / 60


def _taken_off(
    shifts: _Shifts, needed: Floats, live: Callable[[Integers], Tried], alone: Tried,
    minutes: Callable[[Integers, Tried], Floats],
) -> tuple[Tried, Floats]:  # fmt: skip
    """By taking off all but who is needed and a few more, or fewer, in runs that a contact fits in."""
    plan, calling = shifts.plan, shifts.calling
    most = int(plan.planned[shifts.at].max(initial=0))
    extra = np.arange(-most, most + 1)
    required = np.zeros_like(plan.planned)
    choices = []
    for more in extra:
        required[shifts.at] = np.ceil(np.maximum(needed + more, 0))
        choices.append(shifts.servers(np.minimum(beyond_in_runs(plan, required, calling)[shifts.at], most)))
    ladder = np.stack(choices)  # extra x lanes x intervals
    every = np.arange(ladder.shape[1])
    steps = least_steps(len(every), len(extra) - 1, lambda some: live(ladder[some, every]).is_kept)
    servers = ladder[np.where(alone.is_kept, steps, len(extra) - 1), every]
    tried = live(servers)
    return tried, minutes(servers, tried)


def _better(one: tuple[Tried, Floats], other: tuple[Tried, Floats]) -> tuple[Tried, Floats]:
    """Of each lane the way with more minutes."""
    is_first = one[1] >= other[1]
    return one[0].where(is_first, other[0]), np.maximum(one[1], other[1])


def _rows(
    way: str, group: str, days: Sequence[object], contacts: Integers, tried: Tried, minutes: Floats
) -> pd.DataFrame:
    return pd.DataFrame({
        "way": way, "queue_group": group, "local_on": np.repeat(np.array(days, object), DRAWS),
        "draw": np.tile(np.arange(DRAWS), len(days)), "contacts": np.repeat(contacts, DRAWS), "minutes": minutes,
        "in_time": tried.in_time.sum(axis=1), "counted": tried.counted.sum(axis=1), "is_in_standard": tried.is_kept,
    })  # fmt: skip


def summary(lived: pd.DataFrame, seed: int) -> pd.DataFrame:
    """By way: days within standard, level, minutes and value a day, and these beside knowing the contacts.

    Args:
        lived: rows of `live_beside`, of one or several companies (column `company`).
        seed: of the bootstrap, which draws days of a company.

    Returns:
        way, days (of groups), days_in_standard, service_level, minutes (a company's day), of_minutes, of_value,
        of_value_low and of_value_high (95 %), of_value_kept (without minutes of groups that missed their standard on
        that day). No row where nothing was lived through.
    """
    if lived.empty:
        return pd.DataFrame(columns=list(SUMMARY))
    kept = lived["minutes"] * lived["is_in_standard"]
    keys = ["way", "company", "local_on", "draw"]
    draws = lived.assign(kept=kept).groupby(keys)[["minutes", "kept"]].sum()
    draws["value"], draws["value_kept"] = draws["minutes"] ** WORTH, draws["kept"] ** WORTH
    days = draws.groupby(["way", "company", "local_on"]).mean()
    by_way = lived.groupby("way").agg(
        days=("is_in_standard", "size"), days_in_standard=("is_in_standard", "mean"), in_time=("in_time", "sum"),
        counted=("counted", "sum"),
    )  # fmt: skip
    total = days.groupby("way").sum().astype("float64")
    most = total.loc[KNOWING].astype("float64")
    value = days.reset_index().pivot_table(index=["company", "local_on"], columns="way", values="value")
    low, high = _interval(value, seed)
    table = pd.DataFrame({
        "days": by_way["days"] // DRAWS, "days_in_standard": by_way["days_in_standard"],
        "service_level": by_way["in_time"] / by_way["counted"], "minutes": total["minutes"] / len(value),
        "of_minutes": total["minutes"] / most["minutes"],
        "of_value": total["value"] / most["value"], "of_value_low": low, "of_value_high": high,
        "of_value_kept": total["value_kept"] / most["value"],
    })  # fmt: skip
    return table.reindex(list(WAYS)).rename_axis("way").reset_index()[list(SUMMARY)]


def _interval(value: pd.DataFrame, seed: int) -> tuple[pd.Series, pd.Series]:
    """95 % interval of each way's value beside knowing the contacts; days are drawn together for all ways."""
    weights = poisson_draws(len(value), seed, RESAMPLES).astype(float)
    sums = pd.DataFrame(weights @ value.to_numpy(), columns=value.columns)
    ratios = sums.div(sums[KNOWING], axis=0)
    return ratios.quantile(0.025), ratios.quantile(0.975)
