"""What happens when the company contacts customers of its own accord.

Under given actions exactly those are taken; without any, the company's own weak habit: a few calls a
day to customers of value whose term is about to end, whatever their trouble is.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forestall.demo.arrivals import UNKNOWN
from forestall.demo.batch import Array, Batch
from forestall.demo.business_year import Day
from forestall.demo.customers import NEVER, People
from forestall.demo.leaving import NOTHING, PRICE, SERVICE, USAGE, bound_share, effect_of
from forestall.demo.money import VOLUNTARY
from forestall.demo.parameters import Parameters
from forestall.demo.randomness import stream

# What each action of the playbook is about; any other is a friendly call about nothing.
ABOUT: Mapping[str, int] = {
    "resolve_open_issue": SERVICE,
    "apology_call": SERVICE,
    "loyalty_discount": PRICE,
    "plan_review": PRICE,
    "payment_help": PRICE,
    "usage_coaching": USAGE,
    "courtesy_call": NOTHING,
}
RESULTS = ("reached", "accepted", "declined", "not_reached", "callback", "do_not_contact", "wrong_number")
SETTLED_BY_CALL = 0.5  # of the problems of customers who are called about service
_MINUTES = (7.0, 9.0, 6.0, 1.5, 2.0, 3.0, 1.5)
_ANSWER_HOURS = ((9, 12), (12, 16), (16, 20))  # local hours of each customer's block


def about_of(actions: Array) -> Array:
    """The reason that each action answers to."""
    return np.array([ABOUT.get(str(action), NOTHING) for action in actions], dtype=int)


def status_quo(people: People, parameters: Parameters, seed: int, world: str, day: Day) -> pd.DataFrame:
    """The company's own calls of a day: position of the customer, action, offer, channel, second, row_id."""
    rng = stream(seed, world, day.number, "status quo")
    count = rng.poisson(parameters.reaction.status_quo_per_day) if day.on.weekday() < 5 else 0
    weight = people["value"] * (1 + 4 * (bound_share(people, day.number) < 0)) * (people["status"] == 0)
    weight = weight * ~people["is_minor"] * ~people["is_protected"] * people["may_call"]
    weight = weight * (day.number - people["last_outreach"] > 45)
    count = min(count, int((weight > 0).sum()))
    who = rng.choice(len(weight), count, replace=False, p=weight / weight.sum()) if count else np.empty(0, int)
    is_offer = rng.random(count) < 0.25
    return pd.DataFrame(
        {
            "customer": who,
            "action": np.where(is_offer, "loyalty_discount", "courtesy_call"),
            "offer": np.where(is_offer, "discount_10", ""),
            "channel": "phone",
            "second": day.start + rng.integers(9 * 3600, 19 * 3600, count),
            "row_id": "",
        }
    )


def contact(
    people: People, actions: pd.DataFrame, agents: Array, parameters: Parameters, seed: int, world: str, day: Day
) -> Batch:
    """Carry out the day's actions, change what they change in `people`, and say what came of each.

    Args:
        people: the customers; changed in place.
        actions: customer (position), action, offer, channel, second, row_id.
        agents: agents of the retention team who are there.
        parameters: the world.
        seed: the company's seed.
        world: the world's name.
        day: the day.
    """
    rng = stream(seed, world, day.number, "reactions")
    # One draw a customer, not a row: whether others are called changes nothing for this one.
    luck = rng.random((4, len(people["status"])))
    who = actions["customer"].to_numpy(int)
    about = about_of(actions["action"].to_numpy())
    reaction = parameters.reaction
    is_here = people["status"][who] < 2
    low, high = np.array(_ANSWER_HOURS).T[:, people["answer_block"][who]]
    hour = day.minutes[day.interval_of(actions["second"].to_numpy())] / 60
    fits = (hour >= low) & (hour < high)
    written = ~actions["channel"].isin(["phone", "in_person"]).to_numpy()
    chance = np.where(written, 0.8 * reaction.reached, reaction.reached * np.where(fits, 1.3, 0.75))
    reached = is_here & (luck[0, who] < chance)
    effect = effect_of(people, parameters.leaving, reaction, day.number, _by_customer(people, who, about))[who]
    people["outreach_effect"][who[reached]] = effect[reached]
    people["last_outreach"][who[reached]] = day.number
    people["load_until"][who[reached]] = day.number + reaction.load_days
    load = np.array(reaction.load)[about] + 0.25 * (effect > 0.5)
    people["load_factor"][who[reached]] = load[reached]
    takes_back = reached & (people["status"][who] == 1) & (people["end_reason"][who] == VOLUNTARY)
    takes_back &= luck[1, who] < reaction.withdraws
    people["status"][who[takes_back]], people["end_day"][who[takes_back]] = 0, NEVER
    people["notice_day"][who[takes_back]], people["return_day"][who[takes_back]] = NEVER, NEVER
    solves = reached & (about == SERVICE) & (luck[1, who] < SETTLED_BY_CALL)
    people["problem_until"][who[solves]] = day.number
    return {
        "customer": who,
        "action": actions["action"].to_numpy(object),
        "offer": actions["offer"].fillna("").to_numpy(object),
        "channel": actions["channel"].to_numpy(object),
        "second": actions["second"].to_numpy(),
        "row_id": actions["row_id"].to_numpy(object),
        "result": _results(reached, is_here, effect, luck[2, who], reaction.accepts),
        "spread": luck[3, who],
        "agent": rng.choice(agents, len(who)) if len(agents) else np.full(len(who), UNKNOWN),
        "effect": np.where(reached, effect, 0.0),
        "takes_back": takes_back,
    }


def minutes_of(outcomes: Batch) -> Array:
    """Agent minutes that each action took."""
    return np.asarray(np.round(np.array(_MINUTES)[outcomes["result"]] * (0.6 + 0.8 * outcomes["spread"]), 1))


def _by_customer(people: People, who: Array, about: Array) -> Array:
    """`about` laid out by customer, nothing for the others."""
    laid = np.full(len(people["status"]), NOTHING)
    laid[who] = about
    return laid


def _results(reached: Array, is_here: Array, effect: Array, luck: Array, accepts: float) -> Array:
    """The outcome in the position of `RESULTS`."""
    glad = luck < np.clip(accepts - 0.25 * effect, 0.05, 0.9)
    annoyed = (effect > 0.5) & (luck > 0.9)
    heard = np.select([annoyed, glad, luck > 0.75], [5, 1, 2], 0)
    missed = np.select([~is_here | (luck < 0.02), luck < 0.12], [6, 4], 3)
    return np.where(reached, heard, missed)
