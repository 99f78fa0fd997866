"""Who the customers are: drawn once at the start, then as they join. All draws at once, none by one.

A customer is one position in parallel arrays (`People`). What forestall may see of them and what it
may not (severity, tolerance, payer's risk) stand side by side here; `export` knows which is which.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forestall.demo.parameters import Parameters

Array = NDArray[Any]
People = dict[str, Array]

NEVER = np.iinfo(np.int32).max  # a day or second that does not come
REGIONS = ("SN", "BY", "BE", "HH", "NW", "HE", "BW", "NI", "TH", "ST", "AT", "CH")
ZONES = ("Europe/Berlin", "Europe/London", "Asia/Shanghai")
PREFERRED = ("phone", "chat", "email", "web_form", "self_service")
FIRST_NAMES = 60  # of each language, in `voices`
LAST_NAMES = 80

# Zero at first: what the customer goes through, and what follows from it.
_MEMORIES = (
    "waits", "repeats", "complaints", "abandons", "price_shock", "lateness", "decline", "severity_state",
    "failed_count", "outreach_effect", "load_factor", "contacts",
)  # fmt: skip


def draw_customers(
    parameters: Parameters, rng: np.random.Generator, count: int, day: int, before: People | None
) -> People:
    """`count` new customers who join on `day`, or, where there is nobody before, long since.

    Args:
        parameters: the world.
        rng: the day's stream.
        count: how many.
        day: number of the day on which they join.
        before: those who are there already; a newcomer may share the account of the last one.
    """
    world = parameters.people
    language = rng.choice(3, count, p=world.language)
    segment = rng.choice(3, count, p=world.segment)
    plan = np.where(segment == 2, rng.choice([2, 3], count, p=[0.45, 0.55]), rng.choice(4, count, p=world.plan))
    plan = np.where((segment != 2) & (plan == 3), 1, plan)
    tenure = np.where(before is None, rng.gamma(1.1, world.tenure_years * 365.25 / 1.1, count), 0.0).astype(int)
    price = np.array(world.price)[plan] * np.exp(rng.normal(0, 0.12, count))
    term = rng.choice([0, 12, 24], count, p=world.term)
    severity = rng.normal(0, 1, count)
    people: People = {
        "account": _accounts(rng, count, world.shared_account, before),
        "language": language,
        "segment": segment,
        "plan": plan,
        "region": np.where(language == 0, rng.choice(len(REGIONS), count), rng.choice(10, count)),
        "zone": np.select([rng.random(count) < 0.96, language == 2], [0, 2], 1),
        "preferred": rng.choice(len(PREFERRED), count, p=[0.42, 0.16, 0.26, 0.08, 0.08]),
        "is_minor": rng.random(count) < world.minor,
        "is_protected": rng.random(count) < world.protected,
        "signed_second": rng.integers(7 * 3600, 21 * 3600, count),
        "signed_day": day - tenure,
        "answer_block": rng.choice(3, count, p=[0.30, 0.27, 0.43]),
        "first_name": rng.integers(0, FIRST_NAMES, count),
        "last_name": rng.integers(0, LAST_NAMES, count),
        "number": rng.integers(1_000_000, 9_999_999, count),
        "severity_base": severity,
        "tolerance": rng.normal(0, 1, count),
        "engagement": rng.normal(0, 0.8, count) - 0.1 * severity,
        "contact_rate": rng.gamma(1.6, 1 / 1.6, count) * np.where(segment == 2, 1.5, 1.0),
        "lateness_risk": np.where(rng.random(count) < world.late_payer, 0.35, 0.03),
        "failure_risk": world.payment_failure * rng.gamma(0.5, 2.0, count),
        "is_declining": np.zeros(count, bool),
        "term": term,
        "value": np.round(price, 2),
        "margin": np.round(price * np.array(world.margin_share)[plan] * rng.uniform(0.9, 1.1, count), 2),
        "status": np.zeros(count, int),  # 0 customer, 1 under notice, 2 gone
        "notice_day": np.full(count, NEVER),
        "end_day": np.full(count, NEVER),
        "end_reason": np.zeros(count, int),
        "return_day": np.full(count, NEVER),
        "renewal_day": _renewals(day - tenure, term, day),
        "subscription": np.full(count, -1),
        "last_plan_change": day - tenure,
        "billing_day": np.where(rng.random(count) < 0.5, 1, 15),
        "problem_id": np.full(count, -1),
        "problem_topic": np.zeros(count, int),
        "problem_since": np.full(count, NEVER),
        "problem_until": np.full(count, -NEVER),
        "last_outreach": np.full(count, -NEVER),
        "load_until": np.full(count, -NEVER),
    }
    people |= _consents(world, rng, count, day - tenure)
    people |= {name: np.zeros(count) for name in _MEMORIES}
    people["severity_state"] = rng.normal(0, 1, count)
    return people


def append(people: People, newcomers: People) -> People:
    """Both, one after the other."""
    return {name: np.concatenate([values, newcomers[name]]) for name, values in people.items()}


def severity(people: People) -> Array:
    """How hard the customer's life with the company really is; drives contacts, waits and leaving. Hidden."""
    return np.asarray(0.6 * people["severity_base"] + 0.8 * people["severity_state"])


def _accounts(rng: np.random.Generator, count: int, shared: float, before: People | None) -> Array:
    """Most have an account of their own; some are in that of the customer before them."""
    is_new = rng.random(count) >= shared
    last = -1 if before is None else int(before["account"][-1])
    is_new[0] |= before is None
    return np.asarray(last + np.cumsum(is_new))


def _renewals(signed: Array, term: Array, day: int) -> Array:
    """Day on which the term that runs on `day` ends; monthly contracts have none."""
    length = np.maximum(term, 1) * 365.25 / 12
    over = np.floor((day - signed) / length) + 1
    return np.asarray(np.where(term > 0, signed + np.ceil(over * length), NEVER).astype(int))


def _consents(world: Any, rng: np.random.Generator, count: int, since: Array) -> People:
    chances = {
        "may_service": world.grants_service,
        "may_call": world.grants_marketing,
        "may_mail": world.grants_marketing,
        "may_profile": 1 - world.refuses_profiling,
    }
    people: People = {name: rng.random(count) < chance for name, chance in chances.items()}
    return people | {f"{name}_since": since.copy() for name in chances}
