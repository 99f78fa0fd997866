"""What is left of the minutes and of the budget while the list is being filled."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.outreach import capacity
from forestall.outreach.playbook import ListName
from forestall.outreach.policy import NONE, choose
from forestall.sections import OutreachSettings, PoolSettings

Floats = NDArray[np.float64]
ROUNDING = 1e-6  # minutes, cents: what the solver may go beyond a limit


@dataclass(frozen=True)
class Room:
    """Minutes by pool and day, of these what a list may take, budget by day.

    Attributes:
        pools: by name.
        slots: `capacity.slots`, with the minutes that are left.
        budget: cents that are left, by day.
        loss_per_day: share of what is saved that each day of waiting loses.
        quotas: slots x list_name; minutes that the list may still take. A list without a column has no quota.
    """

    pools: dict[str, PoolSettings]
    slots: pd.DataFrame
    budget: Floats
    loss_per_day: float
    quotas: pd.DataFrame

    @classmethod
    def of(
        cls, settings: OutreachSettings, run_date: date, horizon_days: int, list_shares: Mapping[ListName, float],
        usable: pd.DataFrame | None = None, *, if_quiet: bool = False,
    ) -> "Room":  # fmt: skip
        """All there is. Who would leave within the horizon leaves on any of its days alike: waiting loses so many.

        Args:
            settings: minutes and budget.
            run_date: first day.
            horizon_days: of the risk.
            list_shares: of each slot's minutes that a list may take, by list_name.
            usable: rows of `usable_minutes`, where shifts are planned.
            if_quiet: the minutes that are there only if it is quiet.
        """
        budget = np.full(settings.plan_days, settings.budget * 100.0)
        slots = capacity.slots(settings, run_date, usable, if_quiet=if_quiet)
        quotas = pd.DataFrame(
            {name: slots["minutes"] * share for name, share in list_shares.items()}, index=slots.index
        )
        return cls(capacity.pools(settings), slots, budget, 1 / horizon_days, quotas)

    def share(self, share: float) -> "Room":
        """The same with so large a share of the minutes."""
        return replace(self, slots=self.slots.assign(minutes=self.slots["minutes"] * share), quotas=self.quotas * share)

    def blind(self, holdout_share: float) -> "Room":
        """Room for those who will be left alone, too: so much more that what is left of a set fills the room itself.

        Where everybody is, there is no such room: as many are chosen as could be called.
        """
        wider = 1 / (1 - holdout_share) if holdout_share < 1 else 1.0
        return replace(self.share(wider), budget=self.budget * wider)

    def holds(self, rows: pd.DataFrame, uses: pd.Series) -> pd.Series:
        """Whether there is still room for each row behind the rows before it, if only some rows use any.

        What is said of a row does not depend on whether it uses room itself.

        Args:
            rows: pool, planned_on, expected_minutes, offer_cost_cents, in the order in which they are served.
            uses: which of them use minutes and budget.
        """
        at = pd.MultiIndex.from_frame(rows[["pool", "planned_on"]])
        slots = self.slots.set_index(["pool", "planned_on"])
        day = slots["day"].reindex(at).to_numpy(int)
        room = {
            "expected_minutes": (["pool", "planned_on"], slots["minutes"].reindex(at).to_numpy(float)),
            "offer_cost_cents": (["planned_on"], self.budget[day]),
        }
        fits = pd.Series(True, index=rows.index)
        for name, (by, most) in room.items():
            own = rows[name].astype(float)
            used = own.where(uses, 0.0)
            fits &= used.groupby([rows[key] for key in by]).cumsum() - used + own <= most + ROUNDING
        return fits

    def less(self, taken: pd.DataFrame) -> "Room":
        """What is left after rows with pool, planned_on, list_name, expected_minutes, offer_cost_cents."""
        used = taken.groupby(["pool", "planned_on"])["expected_minutes"].sum()
        at = pd.MultiIndex.from_frame(self.slots[["pool", "planned_on"]])
        minutes = self.slots["minutes"].to_numpy(float) - used.reindex(at).fillna(0.0).to_numpy(float)
        days = self.slots.drop_duplicates("planned_on").set_index("planned_on")["day"]
        spent = taken["offer_cost_cents"].astype(float).groupby(taken["planned_on"].map(days)).sum()
        left = self.budget - spent.reindex(range(len(self.budget))).fillna(0.0).to_numpy(float)
        by_list = taken.pivot_table(
            index=["pool", "planned_on"], columns="list_name", values="expected_minutes", aggfunc="sum"
        )
        of_lists = by_list.reindex(index=at, columns=self.quotas.columns).fillna(0.0).to_numpy(float)
        return replace(
            self,
            slots=self.slots.assign(minutes=np.maximum(minutes, 0.0)),
            budget=np.maximum(left, 0.0),
            quotas=(self.quotas - of_lists).clip(lower=0.0),
        )

    def best(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows that are worth most together, each with the pool and the day whose minutes it takes.

        Args:
            rows: as `policy.choose` asks for, and list_name, team, language, skills, last_day (the last that is not
                late).
        """
        can = capacity.can_do(rows, self.pools)[list(self.slots["pool"])].to_numpy(bool)
        in_time = self.slots["day"].to_numpy(int) <= rows["last_day"].to_numpy(int)[:, None]
        chosen = choose(rows, can & in_time, self.slots, self.budget, self.loss_per_day, self.quotas)
        slots = self.slots.iloc[chosen[chosen != NONE]]
        taken: pd.DataFrame = rows[chosen != NONE].assign(
            pool=slots["pool"].to_numpy(), planned_on=slots["planned_on"].to_numpy()
        )
        return taken

    def fill(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The best within the quotas; what is left then, because no other list has use for it, goes to whoever is best.

        Args:
            rows: as for `best`.
        """
        within = self.best(rows)
        rest = replace(self.less(within), quotas=self.quotas.iloc[:, :0])
        return pd.concat([within, rest.best(rows[~rows["account_id"].isin(within["account_id"])])])
