"""Subscriptions and invoices: what customers have, what they owe, and what happens when they do not pay."""

import numpy as np

from forestall.demo.batch import Array, Batch, size, stack
from forestall.demo.business_year import Day
from forestall.demo.customers import NEVER, People
from forestall.demo.parameters import People as PeopleParameters

VOLUNTARY, INVOLUNTARY, PLAN_CHANGE = 1, 2, 3
_DUE_AFTER_DAYS = 0
_WRITTEN_OFF_DAYS = 21


def subscribe(subscriptions: Batch, people: People, who: Array, second: Array) -> Batch:
    """New subscriptions of these customers from these seconds on; `people` learns their position."""
    rows: Batch = {
        "customer": who,
        "plan": people["plan"][who],
        "value": people["value"][who],
        "margin": people["margin"][who],
        "started": second,
        "renewal_day": people["renewal_day"][who],
        "term": people["term"][who],
        "notice": np.full(len(who), -1),
        "ended": np.full(len(who), -1),
        "reason": np.zeros(len(who), int),
    }
    people["subscription"][who] = size(subscriptions) + np.arange(len(who))
    return stack(subscriptions, rows)


def change_plans(
    subscriptions: Batch, people: People, world: PeopleParameters, rng: np.random.Generator, day: Day
) -> Batch:
    """Some customers move one plan up or down: an end and a beginning in the same second."""
    chance = world.plan_change_per_day * (people["status"] == 0) * (day.number - people["last_plan_change"] > 60)
    who = np.flatnonzero(rng.random(len(chance)) < chance)
    if not len(who):
        return subscriptions
    step = np.where(rng.random(len(who)) < 0.58, 1, -1)
    plan = np.clip(people["plan"][who] + step, 0, len(world.price) - 1)
    is_real = plan != people["plan"][who]
    who, plan = who[is_real], plan[is_real]
    second = day.start + rng.integers(8 * 3600, 19 * 3600, len(who))
    end(subscriptions, people["subscription"][who], second, PLAN_CHANGE)
    factor = np.array(world.price)[plan] / np.array(world.price)[people["plan"][who]]
    people["plan"][who], people["last_plan_change"][who] = plan, day.number
    people["value"][who] = np.round(people["value"][who] * factor, 2)
    people["margin"][who] = np.round(people["margin"][who] * factor, 2)
    return subscribe(subscriptions, people, who, second)


def end(subscriptions: Batch, positions: Array, second: Array, reason: int) -> None:
    """Close subscriptions in place."""
    subscriptions["ended"][positions] = second
    subscriptions["reason"][positions] = reason


def renew(subscriptions: Batch, people: People, day: Day) -> None:
    """Terms that end today begin anew."""
    due = np.flatnonzero((people["renewal_day"] == day.number) & (people["status"] == 0))
    people["renewal_day"][due] = day.number + np.ceil(people["term"][due] * 365.25 / 12).astype(int)
    subscriptions["renewal_day"][people["subscription"][due]] = people["renewal_day"][due]


def raise_prices(subscriptions: Batch, people: People, rng: np.random.Generator) -> None:
    """The company's yearly price increase: not for everyone, and felt by how much it is."""
    hit = (people["status"] < 2) & (rng.random(len(people["status"])) < 0.6)
    rise = np.where(hit, rng.choice([0.06, 0.10, 0.15], len(hit), p=[0.4, 0.4, 0.2]), 0.0)
    people["value"] = np.round(people["value"] * (1 + rise), 2)
    people["margin"] = np.round(people["margin"] * (1 + rise), 2)
    people["price_shock"] = np.maximum(people["price_shock"], rise / 0.15)
    here = people["subscription"][hit]
    subscriptions["value"][here], subscriptions["margin"][here] = people["value"][hit], people["margin"][hit]


def invoice(people: People, rng: np.random.Generator, day: Day, written: int) -> Batch:
    """The day's invoices, and when each will be paid; that it will is nobody's knowledge yet.

    Args:
        people: the customers.
        rng: the day's stream.
        day: the day.
        written: invoices before these, for their numbers.
    """
    is_due = (people["status"] < 2) & (people["billing_day"] == day.on.day) & (day.number > people["signed_day"])
    who = np.flatnonzero(is_due)
    again = np.where(people["failed_count"][who] > 0, 0.5, people["failure_risk"][who])
    has_failed = rng.random(len(who)) < again
    is_late = rng.random(len(who)) < people["lateness_risk"][who]
    delay = np.where(is_late, rng.integers(8, 45, len(who)), rng.integers(0, 3, len(who)))
    recovers = has_failed & (rng.random(len(who)) < 0.55)
    paid = np.where(has_failed, np.where(recovers, rng.integers(4, 20, len(who)), NEVER), delay)
    people["failed_count"][who] = np.where(has_failed & ~recovers, people["failed_count"][who] + 1, 0)
    people["lateness"][who] += (is_late | has_failed) * 1.0
    return {
        "id": written + np.arange(len(who)),
        "customer": who,
        "due_day": np.full(len(who), day.number + _DUE_AFTER_DAYS),
        "paid_day": np.where(paid == NEVER, NEVER, day.number + paid),
        "amount": people["value"][who],
        "has_failed": has_failed,
    }


def insolvent(people: People) -> Array:
    """Customers whose payments failed twice running: they are let go."""
    return np.flatnonzero((people["failed_count"] >= 2) & (people["status"] == 0))


def write_off(people: People, who: Array, day: Day) -> None:
    """Their service ends three weeks later, without notice; changes `people` in place."""
    people["status"][who] = 1
    people["end_day"][who] = day.number + _WRITTEN_OFF_DAYS
    people["end_reason"][who] = INVOLUNTARY
    people["return_day"][who] = NEVER
