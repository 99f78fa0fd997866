"""The price of a missing agent, and what one more would be worth: interval by interval.

An agent more shortens everybody's wait (Erlang, over the forecast's distribution), and each minute less of it keeps so
many customers (`wait_effect`), of whom each is worth what their account will still bring in. Marginal waits fall with
each further agent, so the level at which the next one costs more than it keeps is found by the search that finds the
standard's.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forestall.staffing.queueing import Floats
from forestall.staffing.requirement import Demand, Integers, expect, least_whole


@dataclass(frozen=True)
class Worth:
    """What a minute of a customer's waiting costs.

    Attributes:
        effect: change of the chance of leaving by a minute, with the ends of its interval.
        effect_low: its lower end, above 0.
        effect_high: its upper end.
        customer_value: what is lost with one who leaves, their account's others included; company currency.
        agent_cost: of an agent working through one interval, company currency; None: nobody knows.
    """

    effect: float
    effect_low: float
    effect_high: float
    customer_value: float
    agent_cost: float | None


def price_agents(demand: Demand, agents: Integers, worth: Worth, interval_s: int) -> pd.DataFrame:
    """What one agent more and one agent less mean in each interval.

    Args:
        demand: of live queues.
        agents: intervals; those whom the standard asks for.
        worth: of a minute.
        interval_s: length of an interval.

    Returns:
        One row an interval: wait_minutes (of all contacts together, with `agents`), minutes_saved (by one more) and
        customers_kept; value_of_one_more and loss_of_one_less with _low and _high (currency; the loss is missing where
        a queue without one would never settle); agents_worthwhile, the most of whom each is worth what he costs
        (missing where the cost is not known).
    """
    every = np.arange(len(demand))
    now, more, less = (_wait_minutes(demand, every, some, interval_s) for some in (agents, agents + 1, agents - 1))
    saved = now - more
    lost = np.where(agents > 0, less - now, np.nan)
    lost = np.where(np.isfinite(lost), lost, np.nan)
    ends = {"": worth.effect, "_low": worth.effect_low, "_high": worth.effect_high}
    values = {f"value_of_one_more{end}": saved * effect * worth.customer_value for end, effect in ends.items()}
    losses = {f"loss_of_one_less{end}": lost * effect * worth.customer_value for end, effect in ends.items()}
    return pd.DataFrame({
        "wait_minutes": now, "minutes_saved": saved, "customers_kept": saved * worth.effect, **values, **losses,
        "agents_worthwhile": _worthwhile(demand, agents, worth, interval_s),
    })  # fmt: skip


def _worthwhile(demand: Demand, agents: Integers, worth: Worth, interval_s: int) -> "pd.Series[int]":
    """The least number after which the next agent keeps less than he costs."""
    if worth.agent_cost is None:
        return pd.Series(pd.NA, index=range(len(demand)), dtype="Int64")
    minutes_worth_it = worth.agent_cost / (worth.effect * worth.customer_value)

    def is_enough(rows: Integers, some: Integers) -> np.ndarray:
        now, more = (_wait_minutes(demand, rows, number, interval_s) for number in (some, some + 1))
        with np.errstate(invalid="ignore"):
            return np.asarray(now - more <= minutes_worth_it)  # a queue that does not settle saves no end of minutes

    found = np.zeros(len(demand), np.int64)
    busy = np.flatnonzero(demand.rates_per_s.max(axis=1, initial=0.0) > 0)
    found[busy] = least_whole(agents[busy], lambda rows, some: is_enough(busy[rows], some))
    return pd.Series(found, dtype="Int64")


def _wait_minutes(demand: Demand, rows: Integers, agents: Integers, interval_s: int) -> Floats:
    """Minutes that all contacts of an interval wait together; with nobody there, for as long as they have patience."""
    chosen = demand.rows(rows)
    contacts = chosen.rates_per_s @ chosen.weights * interval_s
    waits = np.where(agents > 0, expect(chosen, np.maximum(agents, 1)).asa_s, chosen.patience_s)
    return np.asarray(np.where(contacts > 0, contacts * np.where(contacts > 0, waits, 0.0) / 60, 0.0))
