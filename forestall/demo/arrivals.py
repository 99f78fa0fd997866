"""Which contacts arrive on a day: the true intensities, the counts drawn from them, and who is behind each.

A queue's mean is the calendar's part times the sum of what its customers are inclined to. Given a
count, the contacts belong to customers in proportion to their inclination, which is what independent
Poisson streams would give; a gamma factor on days and intervals makes the counts over-dispersed.
"""

import numpy as np

from forestall.demo.batch import Array, Batch, pick, size
from forestall.demo.business_year import Day, calendar_factor, event_factors, profile, running_kinds
from forestall.demo.customers import PREFERRED, People, severity
from forestall.demo.parameters import INTERVAL_S, PORTAL, QUEUES, SOCIAL, STAGES, TOPICS, Parameters
from forestall.demo.randomness import CREATION, stream

UNKNOWN = -1  # a contact whose customer nobody knows, a topic nobody noted
_TOPIC_WEIGHTS = np.array([0.22, 0.08, 0.22, 0.12, 0.10, 0.10, 0.13, 0.03])
_TOPICS_OF_EVENTS = {"billing_run": ("billing", 2.6), "price_increase": ("price", 6.0), "outage": ("fault", 4.0),
                     "release": ("usage", 2.0), "campaign": ("delivery", 1.6)}  # fmt: skip
_PROBLEM_FADES_DAYS = 45


def inclination(people: People, parameters: Parameters, day: int) -> Array:
    """How often each customer contacts the company, against an ordinary one; 0 for those who are gone."""
    demand = parameters.demand
    rate = people["contact_rate"] * np.exp(demand.severity * severity(people))
    rate = rate * (1 + (demand.problem - 1) * has_problem(people, day))
    rate = rate * np.where(day - people["signed_day"] < 30, 1 + demand.newcomer, 1.0)
    rate = rate * np.where(people["load_until"] > day, 1 + people["load_factor"], 1.0)
    rate = rate * (1 + 0.8 * people["price_shock"])
    return np.asarray(np.where(people["status"] == 2, 0.0, rate))


def has_problem(people: People, day: int) -> Array:
    """An unsolved contact lingers until it is settled or forgotten."""
    age = day - people["problem_since"]
    return np.asarray((people["problem_until"] > day) & (age >= 0) & (age < _PROBLEM_FADES_DAYS))


def queue_shares(people: People) -> Array:
    """Queues x customers: how much each customer leans to each queue, by language and preferred channel."""
    channels = np.array([PREFERRED.index(q.channel) if q.channel in PREFERRED else -1 for q in QUEUES])
    leaning = np.where(channels[:, None] == people["preferred"][None, :], 2.4, 0.75)
    serves = np.array([[language in queue.languages for language in range(3)] for queue in QUEUES])
    return np.asarray(leaning * serves[:, people["language"]])


def true_intensity(
    people: People, parameters: Parameters, seed: int, world: str, day: Day, norms: Array
) -> tuple[Array, Array]:
    """Mean contacts by queue x interval before the day's own noise, and the customers' weights (queue x customer)."""
    weights = queue_shares(people) * inclination(people, parameters, day.number)
    factors = event_factors(seed, world, parameters, day.on)
    queues = parameters.queues
    calendar = np.array(
        [calendar_factor(queue, parameters, day.on) * factors.get(queue.channel, 1) for queue in queues]
    )
    per_day = np.array([queue.contacts_per_day for queue in queues])
    means = per_day * calendar * weights.sum(axis=1) / norms
    shapes = np.stack([profile(queue.key, day.number) for queue in queues])
    return means[:, None] * shapes, weights


def draw_arrivals(
    people: People, parameters: Parameters, seed: int, world: str, day: Day, means: Array, weights: Array, noise: Array
) -> tuple[Batch, Array]:
    """The day's inbound contacts in order of arrival, and the counts of social media by interval.

    Args:
        people: the customers.
        parameters: the world.
        seed: the company's seed.
        world: the world's name.
        day: the day.
        means: queue x interval, from `true_intensity`.
        weights: queue x customer, from `true_intensity`.
        noise: the day's log level by queue.
    """
    rng = stream(seed, world, day.number, "arrivals")
    shape = 1 / parameters.demand.interval_noise**2
    level = np.exp(noise - parameters.demand.day_noise**2 / 2)[:, None]
    counts = rng.poisson(means * level * rng.gamma(shape, 1 / shape, means.shape))
    social = counts[SOCIAL].copy()
    counts[SOCIAL] = 0
    queue = np.repeat(np.arange(len(QUEUES)), counts.sum(axis=1))
    interval = np.repeat(np.tile(np.arange(counts.shape[1]), len(QUEUES)), counts.ravel())
    started = day.starts[interval] + rng.integers(0, INTERVAL_S, len(interval))
    customer = _customers(rng, weights, queue, parameters.service.unknown_caller)
    order = np.argsort(started, kind="stable")
    contacts = {"queue": queue[order], "customer": customer[order], "started": started[order]}
    return _described(contacts, people, parameters, seed, world, day), social


def _customers(rng: np.random.Generator, weights: Array, queue: Array, unknown: float) -> Array:
    """A customer for each contact; some callers are known to nobody."""
    bounds = np.cumsum(weights, axis=1)
    chosen = np.empty(len(queue), int)
    at = rng.random(len(queue))
    for position in range(len(QUEUES)):
        mine = queue == position
        chosen[mine] = np.searchsorted(bounds[position], at[mine] * bounds[position, -1], side="right")
    chosen = np.minimum(chosen, weights.shape[1] - 1)
    is_unknown = (rng.random(len(queue)) < unknown) & (queue != PORTAL)
    return np.where(is_unknown, UNKNOWN, chosen)


def _described(contacts: Batch, people: People, parameters: Parameters, seed: int, world: str, day: Day) -> Batch:
    """The same contacts with key, topic, stage and language; those about an open problem name the contact before."""
    rng = stream(seed, world, day.number, "topics")
    count, customer = size(contacts), np.maximum(contacts["customer"], 0)
    is_known = contacts["customer"] != UNKNOWN
    hidden = np.where(is_known, severity(people)[customer], 0.0)
    is_repeat = is_known & has_problem(people, day.number)[customer] & (rng.random(count) < 0.75)
    weights = np.tile(_TOPIC_WEIGHTS, (count, 1))
    for kind in running_kinds(seed, world, parameters, day.on):
        about, factor = _TOPICS_OF_EVENTS[kind]
        weights[:, TOPICS.index(about)] *= factor
    weights[:, TOPICS.index("fault")] *= np.exp(0.3 * hidden)
    leaves = is_known & (people["status"][customer] == 1)
    weights[leaves, TOPICS.index("cancellation")] = 1.2
    topic = np.where(is_repeat, people["problem_topic"][customer], pick(rng, weights))
    odds = -3.1 + 0.55 * hidden + 1.0 * is_repeat + 0.4 * (topic == TOPICS.index("price"))
    is_complaint = rng.random(count) < 1 / (1 + np.exp(-odds))
    stage = np.where(is_complaint, STAGES.index("complaint"), rng.choice([0, 1, 3], count, p=[0.48, 0.46, 0.06]))
    first_language = np.array([queue.languages[0] for queue in QUEUES])[contacts["queue"]]
    return contacts | {
        "id": contact_ids(day, np.arange(count)),
        "parent": np.where(is_repeat, people["problem_id"][customer], UNKNOWN),
        "topic": topic,
        "stage": stage,
        "language": np.where(is_known, people["language"][customer], first_language),
        "severity": hidden,
        "is_repeat": is_repeat,
    }


def contact_ids(day: Day, positions: Array) -> Array:
    """Keys of a day's contacts: a million to a day."""
    return np.asarray((day.number - CREATION) * 1_000_000 + positions)
