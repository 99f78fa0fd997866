"""Who there is to work the shifts of a week, counted by classes of agents alike in site, groups, hours and days.

Shifts of a day are within those who are there, shifts of the week within combinations of lengths that the
hours and days of each agent allow. Every roster keeps these rules, so a bound found with them holds for
any roster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from forestall.shifts.program import AgentClass, Floats, Program, Terms

Key = tuple[str, int, int, int]  # site, group, day, position of the paid length
Lengths = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Supply:
    """Columns and rows of the classes in a program.

    Attributes:
        given: class, group, day, length -> column of the shifts that the class works.
        combos: for each class its combinations with their columns.
        rows: row of each kind of shift that is wanted.
        idle_cost: columns of hours that are paid and not worked.
    """

    given: dict[tuple[int, int, int, int], int]
    combos: list[list[tuple[int, tuple[int, ...]]]]
    rows: dict[Key, int]


def add_supply(
    program: Program,
    wanted: Mapping[Key, Terms],
    classes: Sequence[AgentClass],
    lengths: Lengths,
    low: Mapping[Key, float],
) -> Supply:
    """Shifts are worked by classes of agents, within presence, days and hours.

    Args:
        program: is added to.
        wanted: columns of the shifts of each kind.
        classes: the roster.
        lengths: paid hours that differ, by site.
        low: shifts of each kind beyond the columns, where they are known numbers.
    """
    given: dict[tuple[int, int, int, int], int] = {}
    combos = []
    for number, one in enumerate(classes):
        mine = [(g, d, ln) for (site, g, d, ln) in wanted if site == one.site and g in one.groups and one.available[d]]
        given |= {(number, *key): at for key, at in zip(mine, program.columns(len(mine)), strict=True)}
        paid = lengths.get(one.site, ())
        options = combinations(paid, one.hours, one.days)
        combos.append(list(zip(program.columns(len(options)), options, strict=True)))
        program.add([(at, 1.0) for at, _ in combos[-1]], -np.inf, float(one.heads))
        for day, available in enumerate(one.available):
            if terms := [(given[number, g, d, ln], 1.0) for g, d, ln in mine if d == day]:
                program.add(terms, -np.inf, float(available))
        for length in range(len(paid)):
            if terms := [(given[number, g, d, ln], 1.0) for g, d, ln in mine if ln == length]:
                dealt = [(at, -float(combo[length])) for at, combo in combos[-1] if combo[length]]
                program.add([*terms, *dealt], -np.inf, 0.0)
        if one.least_hours > 0:
            idle = program.columns(1, 1.0, is_whole=False)[0]
            worked = [(given[number, g, d, ln], paid[ln]) for g, d, ln in mine]
            program.add([*worked, (idle, 1.0)], one.least_hours * one.heads)
    by_key: dict[Key, list[tuple[int, float]]] = {}
    for (number, g, d, ln), at in given.items():
        by_key.setdefault((classes[number].site, g, d, ln), []).append((at, -1.0))
    rows = {}
    for key, columns in wanted.items():
        rows[key] = len(program.low)
        known = -low.get(key, 0.0)
        program.add([*columns, *by_key.get(key, ())], known, known)
    return Supply(given, combos, rows)


def supply_cost(
    classes: Sequence[AgentClass], lengths: Lengths, worth: Mapping[Key, float], keys: Sequence[Key]
) -> float:
    """Least cost of the classes if each shift that they work is worth so much: a bound, so without whole numbers."""
    program = Program()
    wanted: dict[Key, Terms] = {key: [(program.columns(1, -worth.get(key, 0.0))[0], 1.0)] for key in keys}
    add_supply(program, wanted, classes, lengths, {})
    return program.relaxed()[0]


def combinations(paid_h: Sequence[float], hours: float, days: int) -> list[tuple[int, ...]]:
    """Shifts by length that one agent can work in a week, as many as fit: none can take one shift more.

    Worked: 20 hours and 5 days of shifts of 4 and 8 hours give (5, 0), (3, 1) and (1, 2).
    """
    within = [
        combo
        for combo in product(range(days + 1), repeat=len(paid_h))
        if sum(combo) <= days and sum(n * h for n, h in zip(combo, paid_h, strict=True)) <= hours + 1e-9
    ]
    known = set(within)
    return [
        combo
        for combo in within
        if not any((*combo[:at], combo[at] + 1, *combo[at + 1 :]) in known for at in range(len(combo)))
    ]


def whole(values: Floats) -> list[int]:
    """Values of a program as the whole numbers that they are."""
    counts: list[int] = np.rint(values).astype(np.int64).tolist()
    return counts
