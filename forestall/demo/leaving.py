"""Why customers leave: the true hazard, and what an outreach would do to it.

The hazard is a function of what the customer went through, in which things make one another worse,
and of a severity that nobody sees but that drives contacts and waits too. Nothing here is read by
the pipeline; the tests of its estimates are.
"""

import numpy as np

from forestall.demo.arrivals import has_problem
from forestall.demo.batch import Array
from forestall.demo.customers import People, severity
from forestall.demo.parameters import REASONS, SEGMENTS, TOPICS, Leaving, Reaction

NOTHING, SERVICE, PRICE, USAGE = range(len(REASONS))
_RENEWAL_WINDOW_DAYS = 60
_WORTH_A_CALL = 0.40  # log hazard that a reason adds, from which on it counts as one


def log_hazard(people: People, leaving: Leaving, day: int, hidden: Array | None = None) -> Array:
    """Log chance a day that the customer decides to leave, if nobody calls.

    Args:
        people: the customers.
        leaving: the world's weights.
        day: number of the day.
        hidden: severity to assume instead of the true one.
    """
    hidden = severity(people) if hidden is None else hidden
    parts = reasons(people, leaving, day)
    tenure = np.maximum(day - people["signed_day"], 0)
    bound = bound_share(people, day)
    problem = has_problem(people, day)
    fault = problem & (people["problem_topic"] == TOPICS.index("fault"))
    log = leaving.base + leaving.severity * np.clip(hidden, -2.5, 3.0) + parts[:, 1:].sum(axis=1)
    log = log + leaving.newcomer * np.exp(-tenure / 120) - leaving.tenure * np.log1p(tenure / 365.25)
    log = log + leaving.business_fault * (fault & (people["segment"] == SEGMENTS.index("business")))
    return np.asarray(log + np.where(bound > 0, leaving.bound, 0) + leaving.renewal * (bound < 0))


def reasons(people: People, leaving: Leaving, day: int) -> Array:
    """Customer x reason (`REASONS`): what each adds to the log hazard; `none` adds nothing."""
    problem = has_problem(people, day)
    age = np.where(problem, day - people["problem_since"], 0)
    waits = np.tanh(people["waits"] / 2.2)
    service = leaving.waits * waits + leaving.abandoned * np.tanh(people["abandons"])
    service = service + problem * (leaving.problem + leaving.old_problem / (1 + np.exp(-(age - 6) / 1.5)))
    service = service + leaving.repeats * np.log1p(people["repeats"]) + leaving.waits_with_problem * waits * problem
    service = service + leaving.complaints * np.tanh(people["complaints"])
    idle = 1 / (1 + np.exp(2 * people["engagement"] + 1.0))
    price = leaving.price * people["price_shock"] * (1 + leaving.price_when_idle * idle)
    price = price + leaving.late * np.minimum(people["lateness"], 3.0)
    usage = leaving.decline * people["decline"]
    return np.stack([np.zeros(len(service)), service, price, usage], axis=1)


def main_reason(people: People, leaving: Leaving, day: int) -> Array:
    """The strongest reason where one is worth a call; `none` otherwise. Follows from what forestall may see."""
    parts = reasons(people, leaving, day)
    return np.where(parts.max(axis=1) >= _WORTH_A_CALL, parts.argmax(axis=1), NOTHING)


def bound_share(people: People, day: int) -> Array:
    """1 in the middle of a term, -1 in the window before its end, 0 with a monthly contract."""
    left = people["renewal_day"] - day
    has_term = people["term"] > 0
    return np.where(has_term & (left > _RENEWAL_WINDOW_DAYS), 1, np.where(has_term, -1, 0))


def is_sleeping_dog(people: People, leaving: Leaving, day: int) -> Array:
    """Little engaged, long bound, nothing wrong: a call reminds them that they pay."""
    idle = people["engagement"] < -0.1
    return np.asarray((main_reason(people, leaving, day) == NOTHING) & (bound_share(people, day) == 1) & idle)


def effect_of(people: People, leaving: Leaving, reaction: Reaction, day: int, about: Array) -> Array:
    """Change of the log hazard at first, for customers whom an outreach about `about` reaches today."""
    reason = main_reason(people, leaving, day)
    effect = np.where(reason == NOTHING, reaction.content, reaction.unmatched)
    effect = np.where((reason != NOTHING) & (about == NOTHING), reaction.courtesy, effect)
    effect = np.where((reason != NOTHING) & (about == reason), reaction.matched, effect)
    effect = np.where(is_sleeping_dog(people, leaving, day), reaction.sleeping_dog, effect)
    annoyed = day - people["last_outreach"] < 30
    return np.asarray(effect + reaction.annoyed * annoyed + reaction.spread * people["tolerance"])


def outreach_now(people: People, reaction: Reaction, day: int) -> Array:
    """What is left today of the last outreach's change of the log hazard; it fades in a straight line."""
    age = day - people["last_outreach"]
    return np.asarray(people["outreach_effect"] * np.clip(1 - age / reaction.lasts_days, 0, 1) * (age >= 0))


def account_chance(people: People, log: Array) -> Array:
    """Chance a day that the customer's account decides to leave: the mean of its members' hazards.

    Args:
        people: the customers.
        log: log hazard of each.
    """
    is_customer = people["status"] == 0
    return np.asarray(np.where(is_customer, -np.expm1(-account_rate(people, rate(people, log))), 0.0))


def rate(people: People, log: Array) -> Array:
    """What each customer adds to its account's hazard a day; nothing under notice."""
    return np.asarray(np.where(people["status"] == 0, np.exp(np.minimum(log, 0)), 0.0))


def account_rate(people: People, rates: Array) -> Array:
    """The hazard a day of each customer's account."""
    total = np.bincount(people["account"], rates)
    return np.asarray(np.where(people["status"] == 0, total[people["account"]] / member_count(people), 0.0))


def member_count(people: People) -> Array:
    """Members of each customer's account who have not given notice, but at least one."""
    members = np.bincount(people["account"], people["status"] == 0)
    return np.asarray(np.maximum(members, 1)[people["account"]])
