"""What would cover the intervals that shifts leave short: moved breaks, overtime, callback offers, or people.

Tried on a copy of the plan, interval after interval and in the order in which it costs least, so nobody is counted
twice and nothing that is proposed leaves another interval short; each proposal says how many are missing after it. The
plan itself stays as it is.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from forestall.shifts.plan import ShiftPlan
from forestall.shifts.rules import StaffingRules

Integers = NDArray[np.int64]
LATER_H = 4  # a callback is made within so many hours


def remedies(
    plan: ShiftPlan, rules: StaffingRules, contacts: NDArray[np.float64], coverage: pd.DataFrame
) -> tuple[list[str | None], Integers]:
    """A sentence for each row of coverage that is short, None for the others; and what stays short if all is done.

    Args:
        plan: the shifts.
        rules: how far a shift may be lengthened, how long people rest between two, how many seats there are.
        contacts: groups x intervals of the plan's days; of live queues, to whose customers a callback can be offered.
        coverage: rows of `shift_coverage` in the order groups x intervals, whole rows of the plan's days.

    Returns:
        Sentences, and groups x steps: agents missing.
    """
    trial = _Trial(plan, rules)
    found: list[str | None] = [None] * len(coverage)
    rows = coverage["short"].to_numpy(float).reshape(len(plan.groups), -1)
    for at, group in np.argwhere(rows.T > 0).tolist():  # in the order of time
        found[group * rows.shape[1] + at] = trial.told(group, at, float(contacts[group, at]))
    return found, trial.short


class _Trial:
    """The plan with what has been proposed so far."""

    def __init__(self, plan: ShiftPlan, rules: StaffingRules) -> None:
        over = plan.before[plan.before["last"].astype("int64") <= 0]  # only the rest after these matters
        mine = pd.concat([over, plan.on_duty], ignore_index=True) if len(over) else plan.on_duty.reset_index(drop=True)
        self.plan, self.grid = plan, plan.grid
        self.a_step = plan.grid.interval_s // plan.grid.step_s
        self.spare = plan.planned - plan.required
        self.group = pd.Index(plan.groups).get_indexer(pd.Index(mine["queue_group"]))
        self.first, self.last = mine["first"].to_numpy(np.int64, copy=True), mine["last"].to_numpy(np.int64, copy=True)
        self.breaks = [list(rests) for rests in mine["breaks"]]
        self.minutes = rules.overtime_minutes
        # How far each shift may still be lengthened, and the shifts of the same person before and after it.
        self.left = np.full(len(mine), rules.overtime_minutes * 60 // plan.grid.step_s)
        self.left[: len(over)] = 0
        self.rest = int(np.ceil(rules.rest_hours * 3600 / plan.grid.step_s))
        own = mine.assign(row=mine.index).sort_values("first").groupby("slot")["row"]
        self.before, self.after = (own.shift(by).reindex(mine.index).fillna(-1).astype("int64") for by in (1, -1))
        self.site = mine["site"].to_numpy(object)
        self.free = {site: self._seats(site, one.most_agents) for site, one in rules.sites.items() if one.most_agents}

    @property
    def short(self) -> Integers:
        return np.asarray(np.maximum(-self.spare, 0))

    def _seats(self, site: str, most: int) -> Integers:
        """Steps: seats that nobody has."""
        change = np.zeros(self.grid.steps + 1, np.int64)
        for ends, by in ((self.first, 1), (self.last, -1)):
            np.add.at(change, ends[self.site == site].clip(min=0), by)
        return np.asarray(most - change.cumsum()[:-1])

    def told(self, group: int, at: int, contacts: float) -> str:
        """Try what would cover a group's interval, and say what came of it."""
        steps = slice(at * self.a_step, (at + 1) * self.a_step)
        missing = int((self.plan.required[group, steps] - self.plan.planned[group, steps]).max())
        parts, left = [f"{missing} missing"], self._missing(group, steps)
        if left < missing:
            parts.append(f"{left} after what is proposed before")
        for words in (
            self._move_breaks(group, steps),
            self._lengthen(group, steps),
            self._callbacks(group, at, contacts),
        ):
            for said in words:  # none or one; each is tried on what the one before has left
                left = self._missing(group, steps)
                parts.append(f"{said}: {left} left")
        if left:
            parts.append(f"{left} more with the skill needed")
        return "; ".join(parts)

    def _missing(self, group: int, steps: slice) -> int:
        return int(-self.spare[group, steps].min(initial=0))

    def _move_breaks(self, group: int, steps: slice) -> Iterator[str]:
        resting = [
            (shift, number)
            for shift in self._of(group, self.first < steps.stop, self.last > steps.start)
            for number, (one, other) in enumerate(self.breaks[shift])
            if one < steps.stop and other > steps.start
        ]
        moved = sum(self._move(group, steps, *each) for each in resting)
        if moved:
            yield f"move {moved} of {len(resting)} breaks"

    def _move(self, group: int, steps: slice, shift: int, number: int) -> bool:
        """To the nearest time within the shift at which it leaves nobody missing, if it helps here."""
        one, other = self.breaks[shift][number]
        if not (self.spare[group, max(one, steps.start) : min(other, steps.stop)] < 0).any():
            return False
        first = int(self.first[shift])
        spare = self.spare[group, first : self.last[shift]].copy()
        spare[one - first : other - first] += 1  # were it not taken
        for rest, (begin, end) in enumerate(self.breaks[shift]):
            if rest != number:
                spare[begin - first : end - first] = 0  # nobody takes two breaks at once
        length = other - one
        starts = first + np.flatnonzero(sliding_window_view(spare, length).min(axis=1) >= 1)
        if not len(starts):
            return False
        to = int(starts[np.argmin(np.abs(starts - one))])  # of two as near the earlier
        self.breaks[shift][number] = (to, to + length)
        self.spare[group, one:other] += 1
        self.spare[group, to : to + length] -= 1
        return True

    def _lengthen(self, group: int, steps: slice) -> Iterator[str]:
        end_before = self._of(group, self.last < steps.stop, self.last + self.left > steps.start)
        stayed = sum(self._extend(group, steps, shift, True) for shift in end_before)
        begin_after = self._of(group, self.first > steps.start, self.first - self.left < steps.stop)
        came = sum(self._extend(group, steps, shift, False) for shift in begin_after)
        if stayed + came:
            yield f"overtime of {stayed + came} ({stayed} stay, {came} come earlier, at most {self.minutes} min)"

    def _extend(self, group: int, steps: slice, shift: int, is_later: bool) -> bool:
        """Until the last, or from the first, step of the interval at which somebody is missing."""
        missing = steps.start + np.flatnonzero(self.spare[group, steps] < 0)
        if is_later:
            begin, end = int(self.last[shift]), int(missing[missing >= self.last[shift]].max(initial=-1)) + 1
        else:
            early = missing[missing < self.first[shift]]
            begin, end = int(early.min(initial=self.first[shift])), int(self.first[shift])
        room = self.free.get(self.site[shift])
        before, after = self.before[shift], self.after[shift]
        earliest = self.last[before] + self.rest if before >= 0 else 0
        latest = self.first[after] - self.rest if after >= 0 else self.grid.steps
        if not 0 < end - begin <= self.left[shift] or (begin < earliest if not is_later else end > latest):
            return False
        if room is not None and not (room[begin:end] > 0).all():
            return False
        self.first[shift], self.last[shift] = min(begin, self.first[shift]), max(end, self.last[shift])
        self.left[shift] -= end - begin
        self.spare[group, begin:end] += 1
        if room is not None:
            room[begin:end] -= 1
        return True

    def _callbacks(self, group: int, at: int, contacts: float) -> Iterator[str]:
        """Work of the interval that people to spare can do later; customers are called back then."""
        steps = slice(at * self.a_step, (at + 1) * self.a_step)
        needed, missing = int(self.plan.required[group, steps].max()), self._missing(group, steps)
        if not contacts or not missing:
            return
        moved, when = 0, list[int]()
        end = min(at + 1 + LATER_H * 3600 // self.grid.interval_s, self.grid.day_start[-1] // self.a_step)
        for later in range(at + 1, end):
            to = slice(later * self.a_step, (later + 1) * self.a_step)
            spare = min(int(self.spare[group, to].min()), missing - moved)
            if spare > 0:
                self.spare[group, to] -= spare
                moved += spare
                when.append(later * self.a_step)
        if moved:
            self.spare[group, steps] += np.clip(-self.spare[group, steps], 0, moved)
            clock = self.grid.instant(np.array(when)).tz_convert(self.grid.zone).strftime("%H:%M")
            yield f"offer about {np.ceil(contacts * moved / needed):.0f} callbacks at {', '.join(clock)}"

    def _of(self, group: int, *conditions: NDArray[np.bool_]) -> list[int]:
        """Shifts of a group."""
        return np.flatnonzero(np.logical_and.reduce([self.group == group, *conditions])).tolist()


def short_notes(plan: ShiftPlan, left: Integers, most: int = 3) -> list[str]:
    """A line for each group that is short anywhere: how much, when most, and what stays if all proposals are done.

    Args:
        plan: the shifts.
        left: groups x steps; agents missing then.
        most: times that are named.
    """
    step_h = plan.grid.step_s / 3600
    notes = []
    for at, group in enumerate(plan.groups):
        short = plan.short[at, : plan.grid.day_start[-1]]
        if not short.any():
            continue
        a_step = plan.grid.interval_s // plan.grid.step_s
        by_interval = short.reshape(-1, a_step).max(axis=1)
        worst = np.argsort(-by_interval, kind="stable")[:most]
        local = plan.grid.instant(np.sort(worst[by_interval[worst] > 0]) * a_step).tz_convert(plan.grid.zone)
        times = ", ".join(f"{moment:%a %Y-%m-%d %H:%M}" for moment in local)
        notes.append(
            f"{group}: shifts leave {short.sum() * step_h:.1f} of {plan.required[at].sum() * step_h:.1f} agent hours "
            f"uncovered, at most {short.max()} agents ({times}); shift_coverage.remedy says what would cover them, and "
            f"{left[at, : len(short)].sum() * step_h:.1f} would remain"
        )
    return notes
