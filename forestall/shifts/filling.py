"""What stays uncovered once shifts have become somebody's, and who of those with time left could cover some of it.

The week's model counts people and knows no rest between shifts, so a few of its shifts find nobody. Others may have
hours left that fit at another time or in another pattern: shift after shift the one is added that covers most of what
is short for what it is paid, as long as it is worth its pay.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forestall.shifts.jobs import Breaks, Jobs, present
from forestall.shifts.program import Floats, Integers, Kind
from forestall.shifts.rostering import Given


class Gaps:
    """The uncovered steps of a week, and the shifts that might be added.

    Args:
        required: groups x steps from `start` on.
        start: step at which the week begins.
        possible: shifts that may be worked.
        kinds: of each of `possible`.
        short_cost: paid hours that an uncovered agent hour is worth.
        step_h: length of a step, hours.
    """

    def __init__(
        self, required: Integers, start: int, possible: Jobs, kinds: Sequence[Kind], short_cost: float, step_h: float
    ) -> None:
        self.required, self.start, self.possible, self.kinds = required, start, possible, kinds
        self.hour_worth = short_cost * step_h
        self.added: list[int] = []  # positions in `possible`
        self.breaks: Breaks = []
        self.short = required

    def fill(self, given: Given, breaks: Breaks) -> None:
        """Add shifts to what was given out while one is worth its pay and somebody may work it.

        Args:
            given: who works what; shifts are added to it.
            breaks: of the shifts in it, each as first and last step.
        """
        held = np.flatnonzero(given.holder >= 0)
        short = self.required - self._present(given.jobs.part(held), [breaks[at] for at in held])
        everybody, is_open = np.arange(len(given.crew)), np.ones(len(self.possible), bool)
        while (worth := np.where(is_open, self._worth(short), 0.0)).max(initial=0.0) > 0:
            at = int(np.argmax(worth))
            shift, rests = self.possible.part([at]), self._rests(at, short)
            covered = self._present(shift, [rests])
            gain = float(covered[short > 0].sum()) * self.hour_worth - float(shift.paid_h[0])
            may = np.flatnonzero(given.may(everybody, shift)[:, 0]) if gain > 0 else everybody[:0]
            if not len(may):
                is_open[at] = False  # as shifts are added less is short, and fewer may
                continue
            given.add(int(may[np.argmax(given.hours[may])]), shift)  # whoever has most hours left
            self.added.append(at)
            self.breaks.append(rests)
            short -= covered
        self.short = short

    def wanted(self, jobs: Jobs, breaks: Breaks, holder: Integers) -> NDArray[np.bool_]:
        """Which shifts still have a use: those of somebody, and open ones of which some step is short."""
        return np.array([
            holder[at] >= 0 or bool(self._present(jobs.part([at]), [breaks[at]])[self.short > 0].any())
            for at in range(len(jobs))
        ], bool)  # fmt: skip

    def _present(self, jobs: Jobs, breaks: Breaks) -> Integers:
        return present(jobs, breaks, self.required.shape, self.start)

    def _worth(self, short: Integers) -> Floats:
        """Of each possible shift: what it covers at most, were there no breaks, less what it is paid; in paid hours."""
        missing = np.zeros((len(short), short.shape[1] + 1), np.int64)
        missing[:, 1:] = np.cumsum(short > 0, axis=1)
        first, last = (np.clip(at - self.start, 0, short.shape[1]) for at in (self.possible.first, self.possible.last))
        steps = missing[self.possible.group, last] - missing[self.possible.group, first]
        return np.asarray(steps * self.hour_worth - self.possible.paid_h)

    def _rests(self, at: int, short: Integers) -> tuple[tuple[int, int], ...]:
        """Each break where it takes least away from what is short."""
        begins, group = int(self.possible.first[at]), int(self.possible.group[at])
        missing = np.concatenate([[0], np.cumsum(short[group] > 0)])
        rests = []
        for steps, earliest, latest in self.kinds[at].breaks:
            starts = begins + np.arange(earliest, latest + 1)
            inside = np.clip(np.stack([starts, starts + steps]) - self.start, 0, short.shape[1])
            first = int(starts[np.argmin(missing[inside[1]] - missing[inside[0]])])
            rests.append((first, first + steps))
        return tuple(rests)
