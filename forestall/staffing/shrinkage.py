"""How much paid time does not reach the queue, by cause, from what agents really did.

Shrinkage is what turns agents who must be working into agents who must be scheduled. Breaks are not
in it: shifts place them, so they would be counted twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

WINDOW_DAYS = 56  # eight whole weeks: every weekday weighs the same
WORK = frozenset({"available", "contact", "on_contact", "outreach"})
PLACED_BY_SHIFTS = frozenset({"break", "lunch", "off"})
MOST = 0.9  # beyond this the records, not the agents, are missing


@dataclass(frozen=True)
class Shrinkage:
    """Share of paid time lost.

    Attributes:
        share: of all paid time without breaks.
        by_cause: the same by activity, largest first; adds up to `share`.
        source: what it rests on, in words.
    """

    share: float
    by_cause: Mapping[str, float]
    source: str

    def causes(self) -> pd.DataFrame:
        """Rows of `shrinkage_causes`; one for all where no cause is known."""
        told = self.by_cause or {"all": self.share}
        return pd.DataFrame({"cause": list(told), "share": list(told.values()), "basis": self.source})


def estimate_shrinkage(agent_time: pd.DataFrame, fallback: float) -> Shrinkage:
    """Shrinkage over the given days.

    Args:
        agent_time: rows of `marts.fct_agent_time`: local_on, team, activity, is_planned, agent_s.
            An activity of a team counts as it happened; where it is only ever planned (holidays
            often are), as planned.
        fallback: share used where there are no rows to tell.
    """
    paid = _paid_seconds(agent_time)
    if paid.sum() <= 0:
        return Shrinkage(fallback, {}, "settings: no agent_time")
    lost = paid[~paid.index.isin(WORK)] / paid.sum()
    lost = lost[lost > 0].sort_index().sort_values(ascending=False, kind="stable")
    if lost.sum() > MOST:
        return Shrinkage(
            fallback, {}, f"settings: agent_time shows {lost.sum():.0%} lost, which nobody could staff for"
        )
    return Shrinkage(
        float(lost.sum()),
        {str(cause): float(share) for cause, share in lost.items()},
        f"agent_time of {agent_time['local_on'].nunique()} days",
    )


def _paid_seconds(agent_time: pd.DataFrame) -> pd.Series:
    """Seconds by activity, breaks left out."""
    kind = [agent_time["team"].fillna(""), agent_time["activity"]]
    is_actual = ~agent_time["is_planned"].astype(bool)
    is_recorded = is_actual.groupby(kind).transform("any")
    counted = agent_time[is_actual | ~is_recorded]
    seconds = counted.groupby("activity")["agent_s"].sum().astype(float)
    return seconds[~seconds.index.isin(PLACED_BY_SHIFTS)]
