"""Every number that makes the demo company what it is, frozen and hashed.

`BASE` is the company that everybody sees. Any other world's name draws its own numbers around it
(`world_parameters`), so that a world nobody has named before is one that nobody tuned on. Change a
number here and `parameters_hash` changes; a test holds the hash, so that no change is an accident.
"""

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np

EPOCH = date(2024, 9, 1)  # day 0 of every demo company
FIRST_RUN = date(2026, 3, 2)  # first run date: the history holds the eighteen months before it
COUNTRY, TIME_ZONE = "DE", "Europe/Berlin"
INTERVAL_S = 1800

LANGUAGES = ("de", "en", "zh")
SITES = {"leipzig": "SN", "muenchen": "BY"}  # site -> state, whose holidays close it
SEGMENTS = ("private", "family", "business")
PLANS = ("start", "comfort", "premium", "office")
TOPICS = ("billing", "price", "fault", "contract", "delivery", "login", "usage", "cancellation")
STAGES = ("reception", "consultation", "complaint", "feedback")
REASONS = ("none", "service", "price", "usage")  # what an outreach can be about; `none`: nothing is wrong


@dataclass(frozen=True)
class Queue:
    """One queue.

    Attributes:
        key: its name in the company's own systems.
        channel: the contract's word for its channel.
        languages: positions in `LANGUAGES` that it serves.
        site: where its agents sit; the site's holidays close it, if it is live.
        contacts_per_day: mean over the year at the start, full size.
        handle_time_s: median of talk and wrap.
        week: contacts of each weekday against their mean, Monday first.
        year_swing: amplitude of the yearly wave in logs.
        year_peak_day: day of the year on which it peaks.
        patience_s: mean patience of those who wait; 0: nobody waits live.
        concurrency: contacts that an agent serves at once.
    """

    key: str
    channel: str
    languages: tuple[int, ...]
    site: str
    contacts_per_day: float
    handle_time_s: float
    week: tuple[float, ...]
    year_swing: float
    year_peak_day: int
    patience_s: float = 0.0
    concurrency: int = 1

    @property
    def is_live(self) -> bool:
        return self.patience_s > 0


_OFFICE = (1.52, 1.28, 1.18, 1.16, 1.22, 0.64, 0.0)
_WRITTEN = (1.32, 1.18, 1.12, 1.10, 1.04, 0.66, 0.58)
_LEISURE = (1.08, 1.00, 0.98, 0.98, 0.94, 0.98, 1.04)

QUEUES = (
    Queue("hotline_de", "phone", (0,), "leipzig", 350, 380, _OFFICE, 0.14, 15, 240),
    Queue("hotline_en", "phone", (1,), "muenchen", 118, 430, _OFFICE, 0.09, 250, 300),
    Queue("chat_de", "chat", (0,), "leipzig", 165, 660, _OFFICE, 0.08, 330, 170, 2),
    Queue("mail_de", "email", (0,), "leipzig", 180, 340, _WRITTEN, 0.10, 20, 0),
    Queue("mail_int", "email", (1, 2), "muenchen", 72, 400, _WRITTEN, 0.06, 270, 0),
    Queue("forms", "web_form", (0, 1), "muenchen", 70, 300, _WRITTEN, 0.16, 40, 0),
    Queue("social", "social", (0, 1), "leipzig", 44, 210, _LEISURE, 0.20, 345, 0),
    Queue("portal", "self_service", (0, 1, 2), "leipzig", 230, 0, _LEISURE, 0.05, 10, 0),
)
SOCIAL, PORTAL = 6, 7  # the one reported in intervals only, and the one that needs nobody


@dataclass(frozen=True)
class People:
    """Who the customers are."""

    at_start: int = 14_700
    joins_per_day: float = 9.8
    shared_account: float = 0.14  # chance to belong to the account of the customer before
    language: tuple[float, ...] = (0.76, 0.20, 0.04)
    segment: tuple[float, ...] = (0.62, 0.24, 0.14)
    plan: tuple[float, ...] = (0.34, 0.38, 0.20, 0.08)
    price: tuple[float, ...] = (14.9, 29.9, 49.9, 119.0)
    margin_share: tuple[float, ...] = (0.48, 0.42, 0.40, 0.36)
    term: tuple[float, ...] = (0.45, 0.33, 0.22)  # monthly, 12 and 24 months
    minor: float = 0.004
    protected: float = 0.006
    tenure_years: float = 2.6  # mean of those who were there at the start
    plan_change_per_day: float = 0.0005
    refuses_profiling: float = 0.03
    grants_marketing: float = 0.78
    grants_service: float = 0.98
    consent_changes_per_day: float = 0.0001
    usage_per_day: float = 0.065
    decline_per_day: float = 0.0016  # chance that a customer starts to use it less
    recovery_per_day: float = 0.010
    late_payer: float = 0.16
    payment_failure: float = 0.006


@dataclass(frozen=True)
class Demand:
    """When contacts come."""

    growth_per_year: float = 0.04
    year_swing: float = 1.0  # times each queue's own
    day_noise: float = 0.06  # standard deviation of a day's log level
    day_noise_memory: float = 0.55
    interval_noise: float = 0.10  # relative, gamma: makes counts negative binomial
    holiday: float = 0.45  # deferred contacts on a holiday
    after_holiday: float = 1.22
    bridge_day: float = 0.82
    christmas: float = 0.66
    campaigns_per_year: int = 5
    event_size: float = 1.0  # exponent on every event's factor
    outage_size: float = 1.0
    severity: float = 0.34  # log contact rate for one of hidden severity
    problem: float = 3.2  # how much oftener a customer with an open problem comes
    newcomer: float = 0.9  # the same in the first thirty days


@dataclass(frozen=True)
class Service:
    """How contacts are served."""

    safety: float = 1.55  # agents over load, in square roots of the load
    planning_noise: float = 0.06  # error of the company's own plan, relative
    sick: float = 0.05
    vacation: float = 0.10
    handle_spread: float = 0.55  # standard deviation of the log handle time
    severity_wait: float = 0.22  # log wait for one of hidden severity: hard cases are routed to few
    severity_handle: float = 0.12
    severity_solved: float = 0.50  # log odds
    solved: float = 1.45  # log odds that an ordinary contact is solved
    portal_solved: float = 0.72
    redial: float = 0.50
    unknown_caller: float = 0.05
    deferred_safety: float = 1.32


@dataclass(frozen=True)
class Leaving:
    """Log hazard of deciding to leave, a day: what each experience adds."""

    base: float = -8.36
    severity: float = 0.55
    waits: float = 0.95
    problem: float = 0.45
    old_problem: float = 0.95
    repeats: float = 0.60
    complaints: float = 0.75
    abandoned: float = 0.30
    price: float = 1.45
    price_when_idle: float = 0.9
    decline: float = 1.05
    late: float = 0.22
    newcomer: float = 0.75
    tenure: float = 0.30
    bound: float = -1.5  # in the middle of a term
    renewal: float = 0.95  # in the sixty days before its end
    waits_with_problem: float = 0.85
    business_fault: float = 0.5
    returns: float = 0.06
    notice_days: int = 30


@dataclass(frozen=True)
class Reaction:
    """What an outreach does to the log hazard of the customer it reaches, at first."""

    matched: float = -1.15
    courtesy: float = -0.35  # a friendly call to a customer who has a reason
    unmatched: float = -0.08
    content: float = 0.06  # nothing is wrong, and nobody sleeps
    sleeping_dog: float = 1.0
    annoyed: float = 0.35  # reached again within thirty days
    spread: float = 0.20  # hidden, between customers
    lasts_days: int = 100
    reached: float = 0.52
    accepts: float = 0.38
    withdraws: float = 0.16  # chance that a customer under notice who is reached takes it back
    load_days: int = 14
    load: tuple[float, ...] = (0.16, -0.10, 0.30, -0.28)  # change of the contact rate by REASONS of the action
    status_quo_per_day: float = 12.0


@dataclass(frozen=True)
class Defects:
    """Chance of each planted defect, a row of the telephone system's export."""

    exact_duplicate: float = 0.0010
    changed_duplicate: float = 0.0004
    late: float = 0.0030
    corrected: float = 0.0020
    negative_handle_time: float = 0.00010
    ends_before_start: float = 0.00010
    unknown_channel: float = 0.00008
    missing_key: float = 0.00008
    absurd_time: float = 0.00008
    future_time: float = 0.00008
    extra_column_from: str = "2025-09-01"


@dataclass(frozen=True)
class Parameters:
    """All of a world."""

    people: People = People()
    demand: Demand = Demand()
    service: Service = Service()
    leaving: Leaving = Leaving()
    reaction: Reaction = Reaction()
    defects: Defects = Defects()
    queues: tuple[Queue, ...] = QUEUES


BASE = Parameters()

# How far a drawn world strays: factor between 1/x and x, log-uniform. `leaving.base` strays by addition.
_STRAY: dict[str, dict[str, float]] = {
    "people": {"joins_per_day": 1.3, "tenure_years": 1.4, "usage_per_day": 1.3, "decline_per_day": 1.6},
    "demand": {"year_swing": 1.8, "day_noise": 1.6, "interval_noise": 1.6, "event_size": 1.6, "outage_size": 1.6,
               "after_holiday": 1.08, "problem": 1.3, "severity": 1.4},
    "service": {"safety": 1.25, "planning_noise": 1.5, "handle_spread": 1.15, "severity_wait": 1.6, "redial": 1.3},
    "leaving": {"severity": 1.4, "waits": 1.5, "price": 1.5, "decline": 1.5, "complaints": 1.5, "renewal": 1.3,
                "old_problem": 1.5, "bound": 1.3},
    "reaction": {"matched": 1.4, "courtesy": 1.5, "sleeping_dog": 1.5, "spread": 1.3, "reached": 1.15},
}  # fmt: skip

# Families stray further in one direction; the part of the name after a dash only draws anew (`seasonal-7`).
_FAMILIES: dict[str, dict[str, dict[str, float]]] = {
    "seasonal": {"demand": {"year_swing": 2.2, "day_noise": 0.7, "event_size": 1.3}},
    "turbulent": {"demand": {"day_noise": 2.0, "interval_noise": 1.8, "outage_size": 1.6, "event_size": 1.5},
                  "service": {"planning_noise": 2.0, "safety": 0.75}},
    "small": {},
    "loyal": {"leaving": {"severity": 0.8, "tenure": 1.5}},
}  # fmt: skip
_SCALE = {"small": 0.15}


def world_parameters(world: str, scale: float = 1.0) -> Parameters:
    """The numbers of a world.

    Args:
        world: `base`, a family (`seasonal`, `turbulent`, `small`, `loyal`), a family with a dash and
            anything (`turbulent-3`), or any other name.
        scale: size of the company; 1 is twenty thousand customers.
    """
    family = world.split("-")[0]
    parameters = BASE
    if world != "base":
        rng = np.random.default_rng(zlib.crc32(world.encode()))
        for group, straying in _STRAY.items():
            factors = {name: float(x ** rng.uniform(-1, 1)) for name, x in straying.items()}
            parameters = _multiplied(parameters, group, factors)
        base = parameters.leaving.base + float(rng.uniform(-0.35, 0.35))
        parameters = replace(parameters, leaving=replace(parameters.leaving, base=base))
        for group, factors in _FAMILIES.get(family, {}).items():
            parameters = _multiplied(parameters, group, factors)
    return _sized(parameters, scale * _SCALE.get(family, 1.0))


def parameters_hash(parameters: Parameters = BASE) -> str:
    """SHA-256 over every number of a world and over the vocabularies above."""
    words = (EPOCH.isoformat(), FIRST_RUN.isoformat(), LANGUAGES, SITES, SEGMENTS, PLANS, TOPICS, STAGES, REASONS)
    text = json.dumps([asdict(parameters), words, _STRAY, _FAMILIES, _SCALE], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _multiplied(parameters: Parameters, group: str, factors: dict[str, float]) -> Parameters:
    section: Any = getattr(parameters, group)
    changed = replace(section, **{name: getattr(section, name) * factor for name, factor in factors.items()})
    return replace(parameters, **{group: changed})


def _sized(parameters: Parameters, scale: float) -> Parameters:
    people, reaction = parameters.people, parameters.reaction
    # A small company is there to be tested with: it has as many defects as one of full size, within reason.
    oftener = min(max(1 / scale, 1.0), 20.0)
    chances: dict[str, Any] = {
        name: value * oftener for name, value in asdict(parameters.defects).items() if isinstance(value, float)
    }
    return replace(
        parameters,
        people=replace(
            people, at_start=max(20, round(people.at_start * scale)), joins_per_day=people.joins_per_day * scale
        ),
        reaction=replace(reaction, status_quo_per_day=reaction.status_quo_per_day * scale),
        defects=replace(parameters.defects, **chances),
        queues=tuple(replace(queue, contacts_per_day=queue.contacts_per_day * scale) for queue in parameters.queues),
    )
