"""What came of the contacts that were served, and what it leaves with the customer.

A contact that is not solved opens a problem: the customer comes back with it, until it is settled in
the back office, solved by a later contact, or forgotten.
"""

import numpy as np

from forestall.demo.arrivals import UNKNOWN
from forestall.demo.batch import Array, Batch, size, take
from forestall.demo.business_year import Day
from forestall.demo.customers import NEVER, People
from forestall.demo.parameters import PORTAL, QUEUES, STAGES, TOPICS, Parameters
from forestall.demo.randomness import stream
from forestall.demo.service import UNTIL_NEVER

_HALF_LIFE_DAYS = {"waits": 30.0, "repeats": 25.0, "complaints": 45.0, "abandons": 21.0, "price_shock": 40.0,
                   "lateness": 90.0, "contacts": 60.0}  # fmt: skip
_NOBODY = np.iinfo(np.int32).min


def fade(people: People) -> None:
    """A day passes: memories fade."""
    for name, days in _HALF_LIFE_DAYS.items():
        people[name] = people[name] * 0.5 ** (1 / days)


def decays() -> dict[str, float]:
    """What of each memory is left after a day."""
    return {name: 0.5 ** (1 / days) for name, days in _HALF_LIFE_DAYS.items()}


def conclude(
    contacts: Batch, on_duty: list[Array], parameters: Parameters, seed: int, world: str, day: Day, purpose: str
) -> Batch:
    """Contacts that were answered or given up on, with all that is known of them afterwards.

    Args:
        contacts: with `answered`, `wait` and `is_abandoned`.
        on_duty: for each queue, the agents who came to work.
        parameters: the world.
        seed: the company's seed.
        world: the world's name.
        day: the day.
        purpose: names the random stream: `live`, `deferred` or `portal`.
    """
    rng = stream(seed, world, day.number, f"outcomes {purpose}")
    service, count, hidden = parameters.service, size(contacts), contacts["severity"]
    is_portal, gone = contacts["queue"] == PORTAL, contacts["is_abandoned"]
    median = np.array([queue.handle_time_s for queue in QUEUES])[contacts["queue"]]
    handle = median * np.exp(service.handle_spread * rng.standard_normal(count) + service.severity_handle * hidden)
    handle = np.where(gone | is_portal, 0, np.clip(handle, 20, 7200)).astype(int)
    odds = service.solved - service.severity_solved * hidden - 0.35 * contacts["is_repeat"]
    odds = odds - 0.5 * (contacts["topic"] == TOPICS.index("fault")) - 0.4 * (contacts["stage"] == 2)
    chance = np.where(is_portal, service.portal_solved, 1 / (1 + np.exp(-odds)))
    is_solved = ~gone & (rng.random(count) < chance)
    answered = np.where(is_portal, contacts["started"], contacts["answered"])
    later = answered + handle + (rng.exponential(5.0, count) * 86_400).astype(int) + 3600
    by_back_office = ~gone & ~is_solved & (rng.random(count) < 0.62)
    resolved = np.where(is_solved, answered + handle, np.where(by_back_office, later, UNTIL_NEVER))
    is_transferred = ~gone & ~is_portal & (rng.random(count) < 0.07 + 0.05 * (hidden > 0.8))
    return contacts | {
        "answered": np.where(gone, UNTIL_NEVER, answered),
        "resolved": resolved,
        "handle": handle,
        "is_solved": is_solved,
        "transfers": is_transferred + (is_transferred & (rng.random(count) < 0.15)).astype(int),
        "agent": _agents(contacts["queue"], gone | is_portal, on_duty, rng),
    }


def _agents(queue: Array, has_none: Array, on_duty: list[Array], rng: np.random.Generator) -> Array:
    """Somebody of the queue who was there."""
    counts = np.array([len(agents) for agents in on_duty])
    padded = np.zeros((len(on_duty), int(counts.max())), int)
    for position, agents in enumerate(on_duty):
        padded[position, : len(agents)] = agents
    drawn = padded[queue, (rng.random(len(queue)) * counts[queue]).astype(int)]
    return np.where(has_none, UNKNOWN, drawn)


def remember(people: People, contacts: Batch, day: Day) -> None:
    """Let the customers feel what they went through today; changes `people` in place, which the caller owns.

    Args:
        people: the customers.
        contacts: those concluded today, in order of time.
        day: the day.
    """
    known = take(contacts, contacts["customer"] != UNKNOWN)
    who, is_live = known["customer"], np.array([queue.is_live for queue in QUEUES])[known["queue"]]
    hours = np.minimum((known["answered"] - known["started"]) / 3600, 96)
    felt = np.where(is_live, np.minimum(known["wait"] / 150, 4.0), np.minimum(hours / 24, 3.0) * 0.6)
    np.add.at(people["waits"], who, np.where(known["queue"] == PORTAL, 0.0, felt))
    np.add.at(people["contacts"], who, 1.0)
    np.add.at(people["repeats"], who, known["is_repeat"] * 1.0)
    np.add.at(people["abandons"], who, known["is_abandoned"] * 1.0)
    is_complaint = (known["stage"] == STAGES.index("complaint")) & ~known["is_abandoned"]
    np.add.at(people["complaints"], who, is_complaint * np.where(known["is_solved"], 0.35, 1.0))
    _settle(people, known, day)


def _settle(people: People, known: Batch, day: Day) -> None:
    """Close the problems that were solved, open those that were not; the day's last contact decides."""
    spoken = take(known, ~known["is_abandoned"])
    order = np.argsort(spoken["started"], kind="stable")
    spoken = take(spoken, order)
    who = spoken["customer"]
    solved = spoken["is_solved"]
    people["problem_until"][who[solved]] = _NOBODY
    people["problem_since"][who[solved]] = NEVER
    bad = take(spoken, ~solved)
    who = bad["customer"]
    is_older = (people["problem_until"][who] > day.number) & (people["problem_since"][who] <= day.number)
    people["problem_since"][who] = np.where(is_older, people["problem_since"][who], day.number)
    forever = bad["resolved"] == UNTIL_NEVER
    days_left = np.where(forever, 10_000, (bad["resolved"] - day.start) // 86_400 + 1)
    people["problem_until"][who] = day.number + days_left
    people["problem_id"][who] = bad["id"]
    people["problem_topic"][who] = bad["topic"]
