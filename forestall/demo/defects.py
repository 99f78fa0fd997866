"""What goes wrong in the telephone system's export, on purpose and counted.

Broken rows are copies with keys of their own, so that nothing real is lost when they are caught.
Duplicates and corrections carry the system's own time of change: the latest one is right. Late
rows are real rows that arrive days after the others.
"""

from dataclasses import asdict

import numpy as np

from forestall.demo.arrivals import contact_ids
from forestall.demo.batch import Array, Batch, size, stack, take
from forestall.demo.business_year import Day
from forestall.demo.parameters import Defects
from forestall.demo.randomness import stream
from forestall.demo.service import UNTIL_NEVER

KINDS = (
    "", "exact_duplicate", "changed_duplicate", "late", "corrected", "negative_handle_time", "ends_before_start",
    "unknown_channel", "missing_key", "absurd_time", "future_time",
)  # fmt: skip
BROKEN = KINDS[5:]
KEYS_FROM = 800_000  # where the keys of broken copies begin within their day


def plant(calls: Batch, held: Batch, defects: Defects, seed: int, world: str, day: Day) -> tuple[Batch, Batch]:
    """The day's rows with defects among them, and the rows that are still held back.

    Args:
        calls: the day's rows of the telephone system, all concluded.
        held: rows of earlier days that were held back, with `deliver_day`.
        defects: how often each defect comes.
        seed: the company's seed.
        world: the world's name.
        day: the day.

    Returns:
        Rows with `defect` (position in `KINDS`) and `changed` (second of the last change), and the
        rows to be delivered later.
    """
    rng = stream(seed, world, day.number, "defects")
    count = size(calls)
    calls = calls | {"defect": np.zeros(count, int), "changed": np.full(count, day.end - 1),
                     "deliver_day": np.full(count, day.number)}  # fmt: skip
    chances = asdict(defects)
    drawn = {kind: np.flatnonzero(rng.random(count) < chances[kind]) for kind in KINDS[1:]}
    late = drawn["late"]
    calls["defect"][late] = KINDS.index("late")
    calls["deliver_day"][late] = day.number + rng.integers(2, 6, len(late))
    # Only contacts that nothing will be added to: their copies stay copies.
    final = np.setdiff1d(np.flatnonzero(calls["resolved"] < day.end), late)
    drawn |= {kind: np.intersect1d(drawn[kind], final) for kind in KINDS[1:5] if kind != "late"}
    fixed = _copies(calls, drawn["corrected"], "corrected")
    fixed["handle"] = (fixed["handle"] * 1.25).astype(int) + 15
    fixed["deliver_day"] = day.number + rng.integers(1, 4, size(fixed))
    fixed["changed"] = fixed["changed"] + 3600 * 12
    same = _copies(calls, drawn["exact_duplicate"], "exact_duplicate")
    other = _copies(calls, drawn["changed_duplicate"], "changed_duplicate")
    other["handle"] = (other["handle"] * 0.6).astype(int)
    other["changed"] = other["changed"] - 3600  # the older version comes after the newer: the time of change decides
    whole = ~calls["is_abandoned"] & (calls["answered"] < day.end)
    broken = [_broken(calls, drawn[kind][whole[drawn[kind]]], kind, rng, day) for kind in BROKEN]
    rows = stack(calls, fixed, same, other, *_numbered(broken, day), held)
    is_due = rows["deliver_day"] <= day.number
    return take(rows, is_due), take(rows, ~is_due)


def count_planted(rows: Batch) -> dict[str, int]:
    """How many rows of each kind of defect."""
    counts = np.bincount(rows["defect"], minlength=len(KINDS))
    return {kind: int(counts[position]) for position, kind in enumerate(KINDS) if kind}


def _copies(calls: Batch, chosen: Array, kind: str) -> Batch:
    return take(calls, chosen) | {"defect": np.full(len(chosen), KINDS.index(kind))}


def _broken(calls: Batch, chosen: Array, kind: str, rng: np.random.Generator, day: Day) -> Batch:
    """Copies with the values that break a rule; what is wrong in words is put in when the file is written."""
    rows = _copies(calls, chosen, kind)
    count = size(rows)
    rows["deliver_day"] = np.full(count, day.number)
    if kind == "negative_handle_time":
        rows["handle"] = -1 - rows["handle"]
    if kind == "ends_before_start":
        rows["answered"] = rows["started"] - rng.integers(600, 7200, count)
    if kind == "absurd_time":
        rows["started"] = rows["started"] * 0 - 2_209_000_000  # in the year 1899
    if kind == "future_time":
        for name in ("started", "answered", "resolved"):
            rows[name] = np.where(rows[name] == UNTIL_NEVER, UNTIL_NEVER, rows[name] + 40 * 365 * 86_400)
    return rows


def _numbered(broken: list[Batch], day: Day) -> list[Batch]:
    """Keys of their own for the broken copies."""
    first, numbered = KEYS_FROM, []
    for rows in broken:
        numbered.append(rows | {"id": contact_ids(day, first + np.arange(size(rows)))})
        first += size(rows)
    return numbered
