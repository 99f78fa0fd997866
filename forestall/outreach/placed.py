"""What became of the minutes of outreach: how many are placed, what they are worth, and what one agent more would add.

One agent more is asked for pool by pool: the best rows that found no minutes, within the agent's own, against the
pay of the whole day. Rows of the holdout stay out of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from forestall.outreach.room import Room
from forestall.outreach.worklist import FIRM, IF_QUIET
from forestall.sections import OutreachSettings

COLUMNS = (
    "pool", "planned_on", "tier", "usable_minutes", "placed_minutes", "row_count", "expected_value",
    "next_minutes", "next_value", "next_cost", "is_worth_an_agent", "sentence", "lent_by",
)  # fmt: skip


def placed_minutes(
    rooms: dict[str, Room],
    listed: pd.DataFrame,
    rest: pd.DataFrame,
    settings: OutreachSettings,
    cost_per_minute: float,
    lenders: Mapping[str, Collection[str]],
) -> pd.DataFrame:
    """Rows of `outreach_placed`: pool x day x tier.

    Args:
        rooms: by tier; all minutes that there were.
        listed: rows of `outreach_list`.
        rest: options that found no minutes, of customers who may be called, as `Room.best` asks for.
        settings: minutes and pay of one agent's day.
        cost_per_minute: of an agent.
        lenders: by pool the teams whose shifts give its minutes.
    """
    done = listed.assign(**{name: listed[name].astype(float) for name in ("expected_minutes", "expected_value")})
    sums = done.groupby(["pool", "planned_on", "tier"]).agg(
        placed_minutes=("expected_minutes", "sum"), row_count=("expected_minutes", "size"),
        expected_value=("expected_value", "sum"),
    )  # fmt: skip
    slots = pd.concat([room.slots.assign(tier=tier) for tier, room in rooms.items()], ignore_index=True)
    slots = slots.rename(columns={"minutes": "usable_minutes"})
    table = slots.merge(sums.reset_index(), on=["pool", "planned_on", "tier"], how="left", validate="one_to_one")
    counts = ["placed_minutes", "row_count", "expected_value"]
    table[counts] = table[counts].astype(float).fillna(0.0)
    more = _one_more(rooms[FIRM], listed, rest, settings, cost_per_minute)
    table = table.merge(more, on=["pool", "planned_on", "tier"], how="left", validate="one_to_one")
    table = table[(table["tier"] == FIRM) | (table["usable_minutes"] > 0) | (table["row_count"] > 0)]
    table["lent_by"] = table["pool"].map({pool: ", ".join(teams) for pool, teams in lenders.items()})
    return table.astype({"row_count": "int64"})[list(COLUMNS)].reset_index(drop=True)


def _one_more(
    room: Room, listed: pd.DataFrame, rest: pd.DataFrame, settings: OutreachSettings, cost_per_minute: float
) -> pd.DataFrame:
    """pool, planned_on, tier, next_minutes, next_value, next_cost, is_worth_an_agent, sentence; first day of each pool.

    Worth is what rows bring before the agent's own minutes are taken off, since the whole day is paid.
    """
    spent = listed["offer_cost"].astype(float).groupby(listed["planned_on"]).sum() * 100
    days = room.slots.drop_duplicates("day").set_index("day")["planned_on"]
    left = room.budget - days.map(spent).reindex(range(len(room.budget))).fillna(0.0).to_numpy(float)
    pay = settings.agent_paid_minutes * cost_per_minute
    rows = []
    for pool, first in room.slots.drop_duplicates("pool")[["pool", "planned_on"]].itertuples(index=False):
        is_here = (room.slots["pool"] == pool) & (room.slots["planned_on"] == first)
        own = room.slots.assign(minutes=np.where(is_here, float(settings.agent_minutes), 0.0))
        alone = replace(room, slots=own, budget=np.maximum(left, 0.0), quotas=room.quotas.iloc[:, :0])
        found = alone.best(rest) if len(rest) else rest.assign(pool=None)
        minutes = float(found["expected_minutes"].astype(float).sum())
        value = float(found["expected_value_cents"].sum()) / 100 + minutes * cost_per_minute
        is_worth = bool(value > pay)
        words = "would pay for itself by outreach alone" if is_worth else "would not pay for itself by outreach alone"
        said = f"one agent more in `{pool}` {words}: {minutes:.0f} min worth {value:.2f} for {pay:.2f} of pay"
        rows.append((pool, first, FIRM, minutes, value, pay, is_worth, said))
    names = [*COLUMNS[:3], *COLUMNS[7:-1]]
    return pd.DataFrame(rows, columns=names)


TIERS = (FIRM, IF_QUIET)
