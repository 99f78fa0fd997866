"""What an outreach that reaches a customer today truly changes: to measure policies by, and for the one that knows.

Whoever gave notice is taken to leave for certain; a call may make them take it back, and then they may leave anew.
"""

import numpy as np
import pandas as pd

from forestall.demo import leaving
from forestall.demo.batch import Array, take
from forestall.demo.customers import People
from forestall.demo.export import customer_keys, customer_positions
from forestall.demo.life import State
from forestall.demo.money import VOLUNTARY
from forestall.demo.parameters import REASONS, Parameters
from forestall.demo.prospects import chances_if_reached, hazard_path, leaving_chances
from forestall.demo.reactions import about_of


def fall_if_reached(
    people: People, parameters: Parameters, day: int, about: Array, *, is_severity_known: bool = True
) -> Array:
    """By how much the chance of each customer to leave within the longest horizon falls; negative where it rises.

    Args:
        people: the customers; of each account all or none.
        parameters: the world.
        day: of the outreach.
        about: what it is about, for each customer.
        is_severity_known: otherwise the expectation of whoever sees all but severity and tolerance.
    """
    path = hazard_path(people, parameters, day, is_severity_known=is_severity_known)
    called = chances_if_reached(people, parameters, day, about, is_severity_known=is_severity_known)
    fall = leaving_chances(people, path)[:, -1] - called[:, -1]
    may_stay = (people["status"] == 1) & (people["end_reason"] == VOLUNTARY)
    if may_stay.any():
        back = people | {"status": np.where(may_stay, 0, people["status"])}
        anew = chances_if_reached(back, parameters, day, about, is_severity_known=is_severity_known)[:, -1]
        fall = np.where(may_stay, parameters.reaction.withdraws * (1 - anew), fall)
    return np.asarray(np.where((people["status"] == 0) | may_stay, fall, 0.0))


def true_falls(state: State, calls: pd.DataFrame) -> "pd.Series[float]":
    """By how much calls of this morning truly lower the chance to leave of whom they reach, in their order.

    Args:
        state: the company on that morning.
        calls: customer_id (the company's own number), each once, and action.
    """
    who = customer_positions(calls["customer_id"])
    concerned = np.flatnonzero(np.isin(state.people["account"], state.people["account"][who]))
    people, place = take(state.people, concerned), np.searchsorted(concerned, who)
    about = np.full(len(concerned), leaving.NOTHING)
    about[place] = about_of(calls["action"].to_numpy())
    return pd.Series(fall_if_reached(people, state.parameters, state.day, about)[place], index=calls.index)


def expected_falls(state: State) -> pd.DataFrame:
    """What calls of this morning promise whoever knows the world and its customers, but not severity or tolerance.

    Returns:
        One row a customer: customer_id, and `fall_<reason>` for each reason of a call.
    """
    count = len(state.people["plan"])
    falls = {
        f"fall_{reason}": fall_if_reached(
            state.people, state.parameters, state.day, np.full(count, about), is_severity_known=False
        )
        for about, reason in enumerate(REASONS)
    }
    numbers = customer_keys(np.arange(count))
    return pd.DataFrame({"customer_id": numbers, **falls})


def monthly_margin(state: State) -> float:
    """Margin a month of everybody who has not left yet, notice given or not."""
    return float(state.people["margin"][state.people["status"] < 2].sum())
