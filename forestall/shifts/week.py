"""The cheapest shifts of a week, day by day, with what the roster can work priced in.

A week of several groups is too much for one search, a day of one group takes a moment. So the week is
solved once without whole numbers, which prices each kind of shift by how scarce its people are; with these
prices the days are solved for themselves, exactly; and a last program sees to it that the classes of agents
can work what the days took (where not, those days are solved again with what there is). The prices make a
bound for the whole week (Lagrange): days with prices, plus what the classes make of the prices. Where people
are plenty, prices are zero and the days' optimum is the week's.
"""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from forestall.shifts.cover import Breaks, add_breaks, add_cover
from forestall.shifts.program import Candidates, Integers, Program, Solution, Terms, Week
from forestall.shifts.supply import Key, Lengths, Supply, add_supply, supply_cost, whole

SEARCHES = 2  # days that are searched side by side
LEAST_S = 5.0  # a day gets so much even when the week has none left: without a plan it is worth nothing


@dataclass(frozen=True)
class _Unit:
    """Candidates solved together: a day of groups that share a site's limits, and the steps they answer for."""

    chosen: Integers
    groups: Integers
    first: int
    last: int


@dataclass(frozen=True)
class _Searched:
    """The cheapest shifts of a unit, without prices in the cost but with them in the bound."""

    begun: Integers
    breaks: dict[tuple[int, int, int, int], list[int]]
    cost: float
    bound: float


@dataclass
class _Found:
    """What the units have found so far; the arrays are those of the whole week."""

    counts: Integers
    breaks: dict[tuple[int, int, int, int], list[int]]
    there: Integers
    cost: dict[int, float]
    bound: dict[int, float]


def solve_week(week: Week, seconds: float, gap: float) -> Solution:
    """A cheapest plan of a week: paid hours and uncovered time, each agent within hours, days and presence.

    Args:
        week: what is to be covered, and by whom.
        seconds: most time for the search.
        gap: the search of a day may stop within this share of its bound.
    """
    until = time.monotonic() + seconds
    lengths = {
        site: tuple(sorted({kind.paid_h for kind in week.kinds if kind.site == site}))
        for site in sorted({kind.site for kind in week.kinds})
    }
    units = list(_units(week))
    prices, relaxed = _prices(week, lengths) if week.classes is not None else ({}, 0.0)
    found = _Found(np.zeros(len(week.candidates), np.int64), {}, np.zeros_like(week.required), {}, {})
    if _is_apart(week, units):
        with ThreadPoolExecutor(SEARCHES) as pool:  # the solver lets go of the interpreter while it searches
            searches = pool.map(lambda unit: _search(week, unit, found.there, lengths, prices, {}, until, gap), units)
            for at, searched in enumerate(searches):
                _book(week, units[at], at, found, searched)
    else:
        for at, unit in enumerate(units):
            _book(week, unit, at, found, _search(week, unit, found.there, lengths, prices, {}, until, gap))
    bound = sum(found.bound.values())
    supply: dict[tuple[int, int, int, int], int] = {}
    combos: list[list[tuple[int, ...]]] = []
    idle = 0.0
    if week.classes is not None:
        keys = sorted(set(_keys(week, lengths)))
        bound += supply_cost(week.classes, lengths, prices, keys)
        for _ in range(4):
            supply, combos, missing, idle = _supplied(week, found, lengths, until)
            if not missing:
                break
            have = _worked(week, found, lengths)
            for at, unit in enumerate(units):
                mine = {key: have.get(key, 0) - missing.get(key, 0) for key in _unit_keys(week, unit, lengths)}
                if any(missing.get(key) for key in mine):
                    _forget(week, unit, found)
                    _book(week, unit, at, found, _search(week, unit, found.there, lengths, {}, mine, until, gap))
        if not missing and any(prices.values()):
            for at, unit in enumerate(units):
                _fill(week, unit, at, found, lengths, until, gap)
            supply, combos, _, idle = _supplied(week, found, lengths, until)
    if not _is_apart(week, units):
        bound = relaxed  # days that reach into each other are no days for themselves
    solution = Solution(
        counts=found.counts,
        breaks={key: sorted(steps) for key, steps in found.breaks.items()},
        combos=combos,
        supply=supply,
        lengths=dict(lengths),
        cost=sum(found.cost.values()) + idle,
        bound=max(bound, relaxed),
    )
    left = until - time.monotonic()
    if solution.cost > (1 + gap) * solution.bound + 1e-9 and left > 1:
        return _at_once(week, lengths, solution, left, gap)
    return solution


def _at_once(week: Week, lengths: Lengths, known: Solution, seconds: float, gap: float) -> Solution:
    """The whole week in one search, for weeks whose days cannot be judged apart; the better of it and what is known."""
    program = Program()
    shifts, breaks, wanted = _cover(program, week, lengths, {})
    supply = add_supply(program, wanted, week.classes, lengths, {}) if week.classes is not None else None
    costs = [(at, cost) for at, cost in enumerate(program.cost) if cost]
    program.add(costs, -np.inf, known.cost)  # what is dearer than the known plan need not be looked at
    values, cost, bound = program.solve(seconds, gap)
    bound = max(known.bound, min(bound, known.cost))
    if not len(values) or cost > known.cost - 1e-9:
        return replace(known, bound=bound)
    counts = whole(values)
    return Solution(
        counts=np.array([counts[column] for column in shifts], np.int64),
        breaks={
            key: [step for step, column in by_step.items() for _ in range(counts[column])]
            for key, by_step in breaks.items()
        },
        combos=[[combo for at, combo in of for _ in range(counts[at])] for of in supply.combos] if supply else [],
        supply={key: counts[at] for key, at in supply.given.items() if counts[at]} if supply else {},
        lengths=known.lengths,
        cost=cost,
        bound=bound,
    )


def _units(week: Week) -> Iterator[_Unit]:
    """One unit a day and set of groups; each answers for the steps from its first start to the next day's."""
    candidates, steps = week.candidates, week.required.shape[1]
    count = len(week.required)
    shares = np.zeros((count, count), bool)
    limited = set(week.seats) | set(week.least)
    for site in limited:
        here = sorted(
            {g for k, g in zip(candidates.kind, candidates.group.tolist(), strict=True) if week.kinds[k].site == site}
        )
        if here:
            shares[np.ix_(here, here)] = True
    _, label = connected_components(coo_array(shares), directed=False)
    days = np.unique(candidates.day)
    starts = [int(candidates.first[candidates.day == day].min()) for day in days]
    starts[0] = 0
    ends = [*starts[1:], steps]
    for part in range(label.max() + 1):
        groups = np.flatnonzero(label == part)
        for day, first, last in zip(days, starts, ends, strict=True):
            chosen = np.flatnonzero((candidates.day == day) & np.isin(candidates.group, groups))
            yield _Unit(chosen, groups, first, last)


def _is_apart(week: Week, units: list[_Unit]) -> bool:
    """Whether no shift of a unit reaches into what another answers for."""
    ends = week.candidates.first + np.array([week.kinds[kind].steps for kind in week.candidates.kind])
    return all(
        not week.required[unit.groups, unit.last : int(ends[unit.chosen].max())].any()
        for unit in units
        if len(unit.chosen)
    )  # fmt: skip


def _keys(week: Week, lengths: Lengths) -> list[Key]:
    """Of each candidate what kind of shift it is to the roster."""
    candidates = week.candidates
    return [
        (week.kinds[k].site, g, d, lengths[week.kinds[k].site].index(week.kinds[k].paid_h))
        for k, g, d in zip(candidates.kind.tolist(), candidates.group.tolist(), candidates.day.tolist(), strict=True)
    ]


def _unit_keys(week: Week, unit: _Unit, lengths: Lengths) -> list[Key]:
    """In order: among plans that cost the same, the order of a program's rows decides."""
    return sorted(set(_keys(replace(week, candidates=_some(week.candidates, unit.chosen)), lengths)))


def _some(candidates: Candidates, chosen: Integers) -> Candidates:
    return Candidates(
        candidates.kind[chosen], candidates.group[chosen], candidates.day[chosen], candidates.first[chosen]
    )  # fmt: skip


def _cover(
    program: Program, week: Week, lengths: Lengths, prices: Mapping[Key, float]
) -> tuple[Integers, Breaks, dict[Key, Terms]]:
    """Columns for the shifts of a week (or unit) with their breaks and what they cover."""
    keys = _keys(week, lengths)
    paid = [week.kinds[kind].paid_h for kind in week.candidates.kind]
    columns = [
        program.columns(1, hours + prices.get(key, 0.0))[0] for hours, key in zip(paid, keys, strict=True)
    ]  # fmt: skip
    shifts = np.array(columns, np.int64)
    breaks = add_breaks(program, week, shifts)
    add_cover(program, week, shifts, breaks)
    wanted: dict[Key, list[tuple[int, float]]] = {}
    for key, at in zip(keys, columns, strict=True):
        wanted.setdefault(key, []).append((at, 1.0))
    return shifts, breaks, dict(wanted)


def _prices(week: Week, lengths: Lengths) -> tuple[dict[Key, float], float]:
    """What each kind of shift costs beyond its hours because its people are scarce, and the relaxed week's cost."""
    program = Program()
    _, _, wanted = _cover(program, week, lengths, {})
    supply = add_supply(program, wanted, week.classes or (), lengths, {})
    cost, changes = program.relaxed()
    # At the full price a day is as glad to do without as to take: a little below it takes, and what is too much goes.
    return {key: -(1 - 1e-3) * float(changes[row]) for key, row in supply.rows.items()}, cost


def _search(
    week: Week, unit: _Unit, there: Integers, lengths: Lengths, prices: Mapping[Key, float], most: Mapping[Key, int],
    until: float, gap: float,
) -> _Searched:  # fmt: skip
    """The cheapest shifts of a unit beside what the others cover; `most` limits the shifts by kind."""
    required = np.zeros_like(week.required)
    window = (unit.groups[:, None], np.arange(unit.first, unit.last)[None, :])
    required[window] = np.maximum(week.required[window] - there[window], 0)
    part = replace(week, required=required, candidates=_some(week.candidates, unit.chosen), classes=None)
    program = Program()
    shifts, breaks, wanted = _cover(program, part, lengths, prices)
    for key, limit in most.items():
        program.add(wanted[key], -np.inf, float(limit))
    values, cost, bound = program.solve(max(LEAST_S, until - time.monotonic()), gap)
    if not len(values):  # nobody works and all is short: always a plan, the worst
        values, cost = np.zeros(len(program.cost)), week.short_cost * week.step_h * float(required.sum())
    counts = whole(values)
    begun = np.array([counts[column] for column in shifts], np.int64)
    rests = {
        key: [step for step, column in by_step.items() for _ in range(counts[column])]
        for key, by_step in breaks.items()
    }
    keys = _keys(part, lengths)
    priced = sum(prices.get(key, 0.0) * number for key, number in zip(keys, begun.tolist(), strict=True))
    return _Searched(begun, rests, cost - priced, bound)


def _book(week: Week, unit: _Unit, at: int, found: _Found, searched: _Searched) -> None:
    found.counts[unit.chosen] = searched.begun
    candidates = week.candidates
    for one, number in zip(unit.chosen, searched.begun, strict=True):
        first = candidates.first[one]
        found.there[candidates.group[one], first : first + week.kinds[candidates.kind[one]].steps] += number
    found.breaks |= searched.breaks
    for key, steps in searched.breaks.items():
        for step in steps:
            found.there[key[1], step : step + week.kinds[key[0]].breaks[key[3]][0]] -= 1
    found.cost[at] = searched.cost
    found.bound.setdefault(at, searched.bound)


def _fill(week: Week, unit: _Unit, at: int, found: _Found, lengths: Lengths, until: float, gap: float) -> None:
    """Give a unit that stays short whatever shifts the roster can still work, where that is worth it."""
    kinds = week.kinds
    paid = sum(
        kinds[week.candidates.kind[one]].paid_h * found.counts[one] for one in unit.chosen
    )  # fmt: skip
    keys = _unit_keys(week, unit, lengths)
    if not keys or found.cost[at] <= paid + 1e-6:
        return
    program = Program()
    worked = _worked(week, found, lengths)
    extra = {key: program.columns(1, -lengths[key[0]][key[3]], most=100.0)[0] for key in keys}
    wanted: dict[Key, Terms] = {key: [(extra[key], 1.0)] if key in extra else [] for key in worked}
    add_supply(program, wanted, week.classes or (), lengths, {key: float(n) for key, n in worked.items()})
    values, _, _ = program.solve(max(1.0, until - time.monotonic()), 1e-6)
    if not len(values) or not any(whole(values)[column] for column in extra.values()):
        return
    most = {key: worked[key] + whole(values)[column] for key, column in extra.items()}
    before, cost = found.counts[unit.chosen].copy(), found.cost[at]
    mine = {
        (int(week.candidates.kind[i]), int(week.candidates.group[i]), int(week.candidates.day[i])) for i in unit.chosen
    }
    rests = {key: steps for key, steps in found.breaks.items() if key[:3] in mine}
    _forget(week, unit, found)
    searched = _search(week, unit, found.there, lengths, {}, most, until, gap)
    better = searched.cost < cost - 1e-9
    _book(week, unit, at, found, searched if better else _Searched(before, rests, cost, 0.0))


def _forget(week: Week, unit: _Unit, found: _Found) -> None:
    """Take back what an earlier solution of the unit covered."""
    candidates = week.candidates
    for one in unit.chosen[found.counts[unit.chosen] > 0]:
        first, kind = candidates.first[one], candidates.kind[one]
        found.there[candidates.group[one], first : first + week.kinds[kind].steps] -= found.counts[one]
    keys = {(int(candidates.kind[i]), int(candidates.group[i]), int(candidates.day[i])) for i in unit.chosen}
    for key in [key for key in found.breaks if key[:3] in keys]:
        for step in found.breaks.pop(key):
            found.there[key[1], step : step + week.kinds[key[0]].breaks[key[3]][0]] += 1
    found.counts[unit.chosen] = 0


def _worked(week: Week, found: _Found, lengths: Lengths) -> dict[Key, int]:
    """Shifts by kind."""
    total: dict[Key, int] = {}
    for key, number in zip(_keys(week, lengths), found.counts.tolist(), strict=True):
        total[key] = total.get(key, 0) + number
    return total


def _supplied(
    week: Week, found: _Found, lengths: Lengths, until: float
) -> tuple[dict[tuple[int, int, int, int], int], list[list[tuple[int, ...]]], dict[Key, int], float]:
    """How the classes work the shifts: supply, combinations, shifts that nobody can work, hours paid and idle."""
    program = Program()
    worked = _worked(week, found, lengths)
    wanted: dict[Key, Terms] = {}
    missing = {}
    for key, number in worked.items():
        missing[key] = program.columns(1, 1000.0 * lengths[key[0]][key[3]], most=float(number))[0]
        wanted[key] = [(missing[key], -1.0)]
    supply: Supply = add_supply(program, wanted, week.classes or (), lengths, {k: float(n) for k, n in worked.items()})
    values, cost, _ = program.solve(max(2.0, until - time.monotonic()), 1e-6)
    if not len(values):
        return {}, [[] for _ in week.classes or ()], {}, 0.0
    counts = whole(values)
    short = {key: counts[at] for key, at in missing.items() if counts[at]}
    idle = cost - sum(1000.0 * lengths[key[0]][key[3]] * number for key, number in short.items())
    combos = [[combo for at, combo in options for _ in range(counts[at])] for options in supply.combos]
    return {key: counts[at] for key, at in supply.given.items() if counts[at]}, combos, short, max(0.0, idle)
