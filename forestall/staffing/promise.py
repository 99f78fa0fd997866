"""What contacts are promised, how they are counted, and the credit of a day: what it can still afford to answer late.

Credit is the number of answers in time beyond those that the standard asks for of the contacts so far. A day that ends
with a credit of 0 or more has kept its standard.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forestall.sections import ServiceLevelSettings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Promise:
    """The standards of queues that share their agents, in the order of their kinds.

    Attributes:
        threshold_s: seconds until an answer, by kind.
        share: of the contacts that are to be answered within it, by kind.
        level: formula, and who gives up too soon to count.
    """

    threshold_s: Floats
    share: Floats
    level: ServiceLevelSettings

    def credit(self, kind: Integers, came: Flags, gave_up: Flags, wait_s: Floats) -> Floats:
        """What each contact adds to the credit; 0 where none came.

        Worked, 80 % asked for: an answer in time adds .2, a late one takes .8, so 4 in time make up for one late.
        """
        in_time, counted = judge(came, gave_up, wait_s, self.threshold_s[kind], self.level)
        return np.asarray(in_time - self.share[kind] * counted)


def judge(
    came: Flags, gave_up: Flags, wait_s: Floats, threshold_s: Floats | float, level: ServiceLevelSettings
) -> tuple[Flags, Flags]:
    """Which contacts were answered within the standard, and which it is judged by; by the formula of the settings.

    Args:
        came: whether there is a contact.
        gave_up: instead of being answered.
        wait_s: until the answer or until they gave up; NaN where none came.
        threshold_s: of each contact, or of all.
        level: formula, and who gives up too soon to count.
    """
    answered = came & ~gave_up
    counted = came & ~(gave_up & (wait_s < level.short_abandon_s))
    if level.formula == "answered_in_standard_over_handled":
        counted = answered
    return answered & (wait_s <= threshold_s), counted
