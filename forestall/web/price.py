"""The price of a missing agent, for the report: what is known of waiting, and where an agent more would pay."""

from typing import Any

import pandas as pd

WEEK_DAYS = 7
MOST_INTERVALS = 5


def price_of_agents(effects: pd.DataFrame, values: pd.DataFrame, zone: str) -> dict[str, Any] | None:
    """What is told of it; None where no contact was ever compared.

    Args:
        effects: `wait_effect`.
        values: `agent_value`, empty where no price is known.
        zone: of the site.

    Returns:
        sentences; by queue, over the next seven days, agents as the standard asks and as are worthwhile, and what one
        agent less all week long would lose; the intervals in which one more is worth most.
    """
    if effects.empty or not effects["contact_count"].max():
        return None
    week = (
        values[values["local_on"] < values["local_on"].min() + pd.Timedelta(days=WEEK_DAYS)] if len(values) else values
    )
    by_queue = week.assign(more=week["agents_worthwhile"] > week["agents_net"]).groupby("queue", as_index=False).agg(
        interval_count=("agents_net", "size"), agents_net=("agents_net", "mean"),
        agents_worthwhile=("agents_worthwhile", "mean"), loss=("loss_of_one_less", "sum"),
        loss_low=("loss_of_one_less_low", "sum"), loss_high=("loss_of_one_less_high", "sum"),
        cost=("agent_cost", "sum"), more_count=("more", "sum"),
    )  # fmt: skip
    best = week.sort_values(["value_of_one_more", "interval_start_at"], ascending=[False, True]).head(MOST_INTERVALS)
    best = best.assign(at=best["interval_start_at"].dt.tz_convert(zone).dt.strftime("%a %Y-%m-%d %H:%M"))
    return {
        "sentences": list(effects.sort_values("approach")["sentence"]),
        "queues": by_queue.to_dict("records"),
        "best": best.to_dict("records"),
        "has_cost": bool(week["agent_cost"].notna().any()),
    }
