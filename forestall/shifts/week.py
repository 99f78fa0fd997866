"""The cheapest shifts of a week: plans of single days, and the set of them that the roster can work.

A week of several groups is too much for one search, a day of one group takes a moment. So the week is solved once
without whole numbers, which prices each kind of shift by how scarce its people are; with these prices each day is
solved for itself, exactly; and a small program picks one plan for each day so that the classes of agents can work
them together. Where they cannot, it says what the plans at hand would pay for people (column generation, with
prices half way from the best known, so that they do not swing), the days are solved again at these prices, and
there is one plan more to pick from; and each day that has shifts which nobody can work is solved with those that
somebody can. Prices make a bound for the whole week (Lagrange): days with prices, plus what the classes make of the
prices.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from forestall.shifts.cover import Breaks, add_breaks, add_cover
from forestall.shifts.program import Candidates, Integers, Program, Solution, Terms, Week
from forestall.shifts.supply import Key, Lengths, Supply, add_supply, supply_cost, whole

SEARCHES = 2  # days that are searched side by side
LEAST_S = 5.0  # a day gets so much even when the week has none left: without a plan it is worth nothing
ROUNDS = 8  # of prices; two are mostly enough
PICK_GAP = 1e-3  # within which the picking of plans may stop

Prices = Mapping[Key, float]
Rests = dict[tuple[int, int, int, int], list[int]]  # as in `Solution.breaks`


@dataclass(frozen=True)
class _Day:
    """Candidates of a day, of groups that share a site's limits, and the steps that they answer for."""

    chosen: Integers
    groups: Integers
    first: int
    last: int


_Unit = tuple[_Day, ...]  # one day, or all of a week where shifts reach into what the next day answers for


@dataclass(frozen=True)
class _Plan:
    """Shifts of a unit.

    Attributes:
        begun: people by candidate of the week.
        breaks: when they rest.
        worked: shifts by kind.
        cost: paid hours and uncovered time.
        bound: with the prices of its search no plan of the unit costs less.
    """

    begun: Integers
    breaks: Rests
    worked: Mapping[Key, int]
    cost: float
    bound: float


@dataclass(frozen=True)
class _Picked:
    """One plan for each unit, and how the classes work them.

    Attributes:
        plans: as picked.
        supply: as in `Solution`.
        combos: as in `Solution`.
        idle: hours paid and not worked.
        cost: of all, shifts that nobody can work included.
        open: these, by kind.
    """

    plans: Sequence[_Plan]
    supply: dict[tuple[int, int, int, int], int]
    combos: list[list[tuple[int, ...]]]
    idle: float
    cost: float
    open: Mapping[Key, int]


@dataclass
class _Clock:
    """Time of a search, and whether it ended any part of it; by itself a search ends with its gap, nodes and rounds."""

    until: float
    is_cut: bool = False

    @property
    def left(self) -> float:
        return self.until - time.monotonic()


def solve_week(week: Week, seconds: float, gap: float) -> Solution:
    """A cheapest plan of a week: paid hours and uncovered time, each agent within hours, days and presence.

    Args:
        week: what is to be covered, and by whom.
        seconds: time for the search; after it nothing new is begun, but each day still gets a plan, `LEAST_S` at most
            for each.
        gap: the search may stop within this share of its bound.
    """
    clock = _Clock(time.monotonic() + seconds)
    lengths = {
        site: tuple(sorted({kind.paid_h for kind in week.kinds if kind.site == site}))
        for site in sorted({kind.site for kind in week.kinds})
    }
    prices, bound = _relaxed(week, lengths)
    best, is_halfway = prices, False
    units = list(_units(week))
    pools: list[list[_Plan]] = [[] for _ in units]
    with ThreadPoolExecutor(SEARCHES) as threads:  # the solver lets go of the interpreter while it searches
        search = partial(_search_unit, week, lengths=lengths, clock=clock, gap=gap)
        for _ in range(ROUNDS):
            plans = list(threads.map(partial(search, prices=prices), units))
            least = sum(plan.bound for plan in plans) + _worth(week, lengths, prices)
            if least > bound:
                bound, best = least, prices
            is_news = [_add(pool, plan) for pool, plan in zip(pools, plans, strict=True)]
            picked = _pick(week, pools, lengths, clock)
            stuck = [(at, most) for at, most in enumerate(_workable(picked)) if most]
            mended = list(threads.map(lambda one: search(units[one[0]], prices={}, most=one[1]), stuck))
            helps = [_add(pools[at], plan) for (at, _), plan in zip(stuck, mended, strict=True)]
            if any(helps):
                picked = _pick(week, pools, lengths, clock)
            is_over = week.classes is None or not (any(is_news) or is_halfway)
            if is_over or picked.cost <= (1 + gap) * bound + 1e-9:
                break  # without a roster nothing is scarce, and there are no other prices to try
            if clock.left < 0:
                clock.is_cut = True
                break
            said, is_halfway = _said(week, pools, lengths), any(is_news)
            prices = {key: (best[key] + said[key]) / 2 for key in best} if is_halfway else said
    solution = Solution(
        counts=np.sum([plan.begun for plan in picked.plans], axis=0),
        breaks=dict(chain.from_iterable(plan.breaks.items() for plan in picked.plans)),
        combos=picked.combos,
        supply=picked.supply,
        lengths=lengths,
        cost=sum(plan.cost for plan in picked.plans) + picked.idle,
        bound=bound,
    )
    if picked.cost > (1 + gap) * bound + 1e-9 and any(len(unit) > 1 for unit in units):
        if clock.left > 1:
            solution = _at_once(week, lengths, solution, picked.cost, clock, gap)
        else:
            clock.is_cut = True
    return replace(solution, is_cut=clock.is_cut)


def _at_once(week: Week, lengths: Lengths, known: Solution, most: float, clock: _Clock, gap: float) -> Solution:
    """The whole week in one search, for weeks whose days cannot be judged apart; the better of it and what is known.

    `most` is what the known plan costs if the shifts that nobody can work cover nothing.
    """
    program = Program()
    shifts, breaks, wanted = _cover(program, week, lengths, {})
    supply = add_supply(program, wanted, week.classes, lengths, {}) if week.classes is not None else None
    costs = [(at, cost) for at, cost in enumerate(program.cost) if cost]
    program.add(costs, -np.inf, most)  # what is dearer than the known plan need not be looked at
    values, cost, bound = program.solve(clock.left, gap)
    clock.is_cut |= program.is_cut
    bound = max(known.bound, min(bound, most))
    if not len(values) or cost > most - 1e-9:
        return replace(known, bound=bound)
    counts = whole(values)
    given, combos = _dealt(supply, counts) if supply else ({}, [])
    begun = np.array([counts[column] for column in shifts], np.int64)
    return Solution(begun, _rests(breaks, counts), combos, given, known.lengths, cost, bound)


def _units(week: Week) -> Iterator[_Unit]:
    """What is planned for itself: of the groups that share a site's limits one day, or their whole week."""
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
    numbers = np.unique(candidates.day)
    starts = [int(candidates.first[candidates.day == day].min()) for day in numbers]
    starts[0] = 0
    ends = [*starts[1:], steps]
    for part in range(label.max() + 1):
        groups = np.flatnonzero(label == part)
        days = tuple(
            _Day(np.flatnonzero((candidates.day == day) & np.isin(candidates.group, groups)), groups, first, last)
            for day, first, last in zip(numbers, starts, ends, strict=True)
        )
        yield from ((day,) for day in days) if all(_is_apart(week, day) for day in days) else (days,)


def _is_apart(week: Week, day: _Day) -> bool:
    """Whether no shift of a day reaches into what another answers for."""
    ends = week.candidates.first + np.array([week.kinds[kind].steps for kind in week.candidates.kind])
    return not len(day.chosen) or not week.required[day.groups, day.last : int(ends[day.chosen].max())].any()


def _keys(week: Week, lengths: Lengths) -> list[Key]:
    """Of each candidate what kind of shift it is to the roster."""
    candidates = week.candidates
    return [
        (week.kinds[k].site, g, d, lengths[week.kinds[k].site].index(week.kinds[k].paid_h))
        for k, g, d in zip(candidates.kind.tolist(), candidates.group.tolist(), candidates.day.tolist(), strict=True)
    ]


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


def _relaxed(week: Week, lengths: Lengths) -> tuple[Prices, float]:
    """What each kind of shift costs beyond its hours because its people are scarce, and the relaxed week's cost."""
    if week.classes is None:
        return {}, 0.0
    program = Program()
    _, _, wanted = _cover(program, week, lengths, {})
    supply = add_supply(program, wanted, week.classes, lengths, {})
    cost, changes = program.relaxed()
    # At the full price a day is as glad to do without as to take: a little below it takes, and what is too much goes.
    return {key: -(1 - 1e-3) * float(changes[row]) for key, row in supply.rows.items()}, cost


def _worth(week: Week, lengths: Lengths, prices: Prices) -> float:
    """What the classes make of the prices: with it the days' bounds are one of the week."""
    return 0.0 if week.classes is None else supply_cost(week.classes, lengths, prices, sorted(prices))


def _workable(picked: _Picked) -> Iterator[dict[Key, int]]:
    """Of each unit some of whose shifts nobody can work: how many of each kind can be."""
    for plan in picked.plans:
        lost = {key: picked.open[key] for key in plan.worked if picked.open.get(key)}
        yield {key: number - lost.get(key, 0) for key, number in plan.worked.items()} if lost else {}


def _search_unit(
    week: Week, unit: _Unit, *, lengths: Lengths, prices: Prices, clock: _Clock, gap: float,
    most: Mapping[Key, int] | None = None,
) -> _Plan:  # fmt: skip
    """The cheapest shifts of a unit at these prices; days that reach into each other in turn, without a bound."""
    there = np.zeros_like(week.required)
    plans = []
    for day in unit:
        plans.append(_search(week, day, there, lengths, prices, clock, gap, most or {}))
        there += _there(week, plans[-1])
    worked = Counter[Key]()
    for plan in plans:
        worked.update(plan.worked)
    return _Plan(
        np.sum([plan.begun for plan in plans], axis=0),
        dict(chain.from_iterable(plan.breaks.items() for plan in plans)),
        worked,
        sum(plan.cost for plan in plans),
        plans[0].bound if len(unit) == 1 else -np.inf,
    )


def _search(
    week: Week, day: _Day, there: Integers, lengths: Lengths, prices: Prices, clock: _Clock, gap: float,
    most: Mapping[Key, int],
) -> _Plan:  # fmt: skip
    """The cheapest shifts of a day beside what the days before cover; `most` limits the shifts of a kind."""
    required = np.zeros_like(week.required)
    window = (day.groups[:, None], np.arange(day.first, day.last)[None, :])
    required[window] = np.maximum(week.required[window] - there[window], 0)
    part = replace(week, required=required, candidates=_some(week.candidates, day.chosen), classes=None)
    program = Program()
    shifts, breaks, wanted = _cover(program, part, lengths, prices)
    for key, limit in most.items():
        program.add(wanted.get(key, ()), -np.inf, float(limit))
    values, cost, bound = program.solve(max(LEAST_S, clock.left), gap)
    clock.is_cut |= program.is_cut
    if not len(values):  # nobody works and all is short: always a plan, the worst
        values, cost = np.zeros(len(program.cost)), week.short_cost * week.step_h * float(required.sum())
    counts = whole(values)
    begun = np.zeros(len(week.candidates), np.int64)
    begun[day.chosen] = [counts[column] for column in shifts]
    worked = {key: sum(counts[at] for at, _ in terms) for key, terms in wanted.items()}
    priced = sum(prices.get(key, 0.0) * number for key, number in worked.items())
    return _Plan(begun, _rests(breaks, counts), worked, cost - priced, bound)


def _rests(breaks: Breaks, counts: Sequence[int]) -> Rests:
    return {
        key: [step for step, column in sorted(by_step.items()) for _ in range(counts[column])]
        for key, by_step in breaks.items()
    }


def _there(week: Week, plan: _Plan) -> Integers:
    """Groups x steps: whom a plan puts there, those on a break left out."""
    there = np.zeros_like(week.required)
    candidates = week.candidates
    for one in np.flatnonzero(plan.begun):
        first = candidates.first[one]
        there[candidates.group[one], first : first + week.kinds[candidates.kind[one]].steps] += plan.begun[one]
    for (kind, group, _, number), steps in plan.breaks.items():
        for step in steps:
            there[group, step : step + week.kinds[kind].breaks[number][0]] -= 1
    return there


def _add(pool: list[_Plan], plan: _Plan) -> bool:
    """Put a plan to the others of its unit; one that asks as much of the roster for no less is nothing new."""
    if any(other.worked == plan.worked and other.cost <= plan.cost + 1e-9 for other in pool):
        return False
    pool.append(plan)
    return True


@dataclass(frozen=True)
class _Mixture:
    """The program that picks plans: columns by unit and plan, and of shifts that nobody works by kind."""

    program: Program
    plans: list[range]
    open: dict[Key, int]
    supply: Supply


def _mixture(week: Week, pools: Sequence[Sequence[_Plan]], lengths: Lengths) -> _Mixture:
    """One plan of each unit, worked by the classes; what nobody works covers nothing and is not paid."""
    program = Program()
    wanted: dict[Key, list[tuple[int, float]]] = {key: [] for key in sorted(set(_keys(week, lengths)))}
    nobody = {}
    for key, terms in wanted.items():
        nobody[key] = program.columns(1, (week.short_cost - 1) * lengths[key[0]][key[3]])[0]
        terms.append((nobody[key], -1.0))
    columns = []
    for pool in pools:
        columns.append(program.columns(len(pool)))
        program.add([(at, 1.0) for at in columns[-1]], 1.0, 1.0)
        for at, plan in zip(columns[-1], pool, strict=True):
            program.cost[at] = plan.cost
            for key, number in plan.worked.items():
                wanted[key].append((at, float(number)))
    return _Mixture(program, columns, nobody, add_supply(program, wanted, week.classes or (), lengths, {}))


def _pick(week: Week, pools: Sequence[Sequence[_Plan]], lengths: Lengths, clock: _Clock) -> _Picked:
    """The plans, one for each unit, that together cost least with this roster."""
    if week.classes is None:
        plans = [min(pool, key=lambda plan: plan.cost) for pool in pools]
        return _Picked(plans, {}, [], 0.0, sum(plan.cost for plan in plans), {})
    mixture = _mixture(week, pools, lengths)
    values, cost, _ = mixture.program.solve(max(LEAST_S, clock.left), PICK_GAP)
    clock.is_cut |= mixture.program.is_cut
    if not len(values):  # nobody's shifts: `rostering` still finds somebody for what it can
        plans = [pool[0] for pool in pools]
        idle = sum(one.least_hours * one.heads for one in week.classes)
        return _Picked(plans, {}, [[] for _ in week.classes], idle, np.inf, {})
    counts = whole(values)
    plans = [pool[int(np.argmax(values[list(at)]))] for pool, at in zip(pools, mixture.plans, strict=True)]
    is_open = {key: counts[at] for key, at in mixture.open.items() if counts[at]}
    of_open = sum(mixture.program.cost[at] * counts[at] for at in mixture.open.values())
    supply, combos = _dealt(mixture.supply, counts)
    return _Picked(plans, supply, combos, max(0.0, cost - of_open - sum(plan.cost for plan in plans)), cost, is_open)


def _said(week: Week, pools: Sequence[Sequence[_Plan]], lengths: Lengths) -> Prices:
    """What the plans at hand would pay for a shift more of each kind."""
    mixture = _mixture(week, pools, lengths)
    _, changes = mixture.program.relaxed()
    # Any prices make a bound; below its pay a shift would be taken without end.
    return {
        key: max(-float(changes[row]), -lengths[key[0]][key[3]]) for key, row in mixture.supply.rows.items()
    }  # fmt: skip


def _dealt(
    supply: Supply, counts: Sequence[int]
) -> tuple[dict[tuple[int, int, int, int], int], list[list[tuple[int, ...]]]]:
    """Who is meant to serve what, and the combination of each head, by class."""
    given = {key: counts[at] for key, at in supply.given.items() if counts[at]}
    return given, [[combo for at, combo in of for _ in range(counts[at])] for of in supply.combos]
