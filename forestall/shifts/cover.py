"""Shifts and breaks that cover what is required: the part of the program that knows no people.

Breaks follow Bechtold and Jacobs (1990): for one break of one pattern, whose windows are in the order of
the starts, breaks fit the shifts exactly when enough have begun by the end of each window and enough are
still to begin at its start. So breaks are placed where they hurt least without a column for every shift
with every break.
"""

import numpy as np

from forestall.shifts.program import Candidates, Integers, Program, Week

Breaks = dict[tuple[int, int, int, int], dict[int, int]]


def add_breaks(program: Program, week: Week, shifts: Integers) -> Breaks:
    """Columns for the starts of breaks, and the rows that fit them to the shifts."""
    candidates = week.candidates
    found: Breaks = {}
    for kind, group, day in sorted(set(zip(*map(np.ndarray.tolist, _keys(candidates)), strict=True))):
        mine = np.flatnonzero((candidates.kind == kind) & (candidates.group == group) & (candidates.day == day))
        mine = mine[np.argsort(candidates.first[mine], kind="stable")]
        first = candidates.first[mine]
        for number, (_, earliest, latest) in enumerate(week.kinds[kind].breaks):
            steps = sorted({int(step) for start in first for step in range(start + earliest, start + latest + 1)})
            at = dict(zip(steps, program.columns(len(steps)), strict=True))
            found[kind, group, day, number] = at
            program.add([*((c, 1.0) for c in at.values()), *((int(s), -1.0) for s in shifts[mine])], 0.0, 0.0)
            for position, start in enumerate(first):
                if position < len(first) - 1:
                    begun = [(c, 1.0) for step, c in at.items() if step <= start + latest]
                    program.add([*begun, *((int(s), -1.0) for s in shifts[mine[: position + 1]])], 0.0)
                if position > 0:
                    to_begin = [(c, 1.0) for step, c in at.items() if step >= start + earliest]
                    program.add([*to_begin, *((int(s), -1.0) for s in shifts[mine[position:]])], 0.0)
    return found


def _keys(candidates: Candidates) -> tuple[Integers, Integers, Integers]:
    return candidates.kind, candidates.group, candidates.day


def add_cover(program: Program, week: Week, shifts: Integers, breaks: Breaks) -> None:
    """Agents who are there and not on a break meet what is required, or the step is short; sites keep their limits."""
    steps = week.required.shape[1]
    by_group: dict[tuple[int, int], list[tuple[int, float]]] = {}
    by_site: dict[tuple[str, int], list[tuple[int, float]]] = {}
    there: dict[tuple[str, int], list[tuple[int, float]]] = {}
    candidates = week.candidates
    for at, kind, group, start in zip(shifts, candidates.kind, candidates.group, candidates.first, strict=True):
        site = week.kinds[kind].site
        for step in range(start, min(start + week.kinds[kind].steps, steps)):
            by_group.setdefault((group, step), []).append((int(at), 1.0))
            by_site.setdefault((site, step), []).append((int(at), 1.0))
            there.setdefault((site, step), []).append((int(at), 1.0))
    for (kind, group, _, number), columns in breaks.items():
        length, site = week.kinds[kind].breaks[number][0], week.kinds[kind].site
        for start, column in columns.items():
            for step in range(start, min(start + length, steps)):
                by_group.setdefault((group, step), []).append((column, -1.0))
                there.setdefault((site, step), []).append((column, -1.0))
    penalty = week.short_cost * week.step_h
    for group, step in np.argwhere(week.required > 0).tolist():
        needed = float(week.required[group, step])
        short = program.columns(1, penalty, is_whole=False, most=needed)[0]
        program.add([*by_group.get((group, step), ()), (short, 1.0)], needed)
    for site, most in week.seats.items():
        for step in range(steps):
            if (terms := by_site.get((site, step))) is not None:
                program.add(terms, -np.inf, float(most))
    for site, least in week.least.items():
        for step in np.flatnonzero(week.required.any(axis=0)).tolist():
            if (terms := there.get((site, step))) is not None and least > 0:
                short = program.columns(1, penalty, is_whole=False, most=float(least))[0]
                program.add([*terms, (short, 1.0)], float(least))
