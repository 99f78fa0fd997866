"""The true chance to leave within a horizon, and what an outreach today would change about it.

Conditional on the customer's whole state, severity included, but not on draws still to come: the
memories fade, the expected experience of the days ahead is added, the term runs on. It is a mean
path, not a simulation, and ignores events that lie ahead; `describe` shows how well it is calibrated.
"""

import numpy as np
import pandas as pd

from forestall.demo import leaving
from forestall.demo.arrivals import has_problem, inclination
from forestall.demo.batch import Array
from forestall.demo.customers import NEVER, People, severity
from forestall.demo.export import account_keys, customer_keys
from forestall.demo.life import MEAN_INCLINATION, State
from forestall.demo.outcomes import decays
from forestall.demo.parameters import REASONS, Parameters
from forestall.demo.reactions import SETTLED_BY_CALL

HORIZONS = (30, 60, 90)
_STEP_DAYS = 6
_MIDDLES = np.arange(_STEP_DAYS / 2, HORIZONS[-1], _STEP_DAYS)
_PROBLEM_DAYS = 8.0  # mean life of an open problem
_PROBLEM_A_CONTACT = 0.28  # chance that a contact opens one
_FELT_A_CONTACT = {"waits": 0.20, "repeats": 0.05, "complaints": 0.045, "abandons": 0.045}
_SEVERITY_MEMORY = 0.98  # of its moving part, a day
_FADED = NEVER // 4


def hazard_path(
    people: People, parameters: Parameters, day: int, *, is_severity_known: bool = True, is_outreach_felt: bool = True
) -> Array:
    """Step x customer: log hazard expected in the middle of each step from `day` on, if nobody calls any more.

    Args:
        people: the customers.
        parameters: the world.
        day: first day of the horizon.
        is_severity_known: otherwise everybody is taken to be of ordinary severity.
        is_outreach_felt: otherwise what is left of an earlier outreach is left out.
    """
    # A problem that is open today brings more contacts only while it lasts.
    calm = people | {"problem_until": np.full(len(people["plan"]), -_FADED)}
    rate = inclination(calm, parameters, day) * _contacts_a_day(parameters)
    steps = [_log_hazard_ahead(people, parameters, day, middle, rate, is_severity_known) for middle in _MIDDLES]
    if is_outreach_felt:
        steps = [
            log + leaving.outreach_now(people, parameters.reaction, day + int(middle))
            for log, middle in zip(steps, _MIDDLES, strict=True)
        ]
    return np.stack(steps)


def leaving_chances(people: People, path: Array, called: Array | None = None) -> Array:
    """Customer x horizon: the chance that the customer's account decides to leave.

    Args:
        people: the customers.
        path: from `hazard_path`.
        called: the path of each customer if it alone, of its account, is called; None: nobody is.
    """
    rates = np.stack([leaving.account_rate(people, leaving.rate(people, log)) for log in path])
    if called is not None:
        change = np.stack([leaving.rate(people, log) for log in called])
        change -= np.stack([leaving.rate(people, log) for log in path])
        rates = rates + change / leaving.member_count(people)
    total = np.cumsum(_STEP_DAYS * rates, axis=0)
    return np.asarray(-np.expm1(-total[np.array(HORIZONS) // _STEP_DAYS - 1]).T)


def chances_if_reached(
    people: People, parameters: Parameters, day: int, about: Array, *, is_severity_known: bool = True
) -> Array:
    """Customer x horizon: the chance that the account decides to leave if an outreach reaches this customer today.

    It takes the place of what is left of an earlier one, as `reactions.contact` lets it happen, and nobody else
    of the account is called. One about service settles the problem half of the time.

    Args:
        people: the customers.
        parameters: the world.
        day: of the outreach.
        about: what it is about, for each customer.
        is_severity_known: otherwise everybody is taken to be of ordinary severity and tolerance.
    """
    if not is_severity_known:
        people = people | {"tolerance": np.zeros(len(about))}
    path = hazard_path(people, parameters, day, is_severity_known=is_severity_known)
    effect = leaving.effect_of(people, parameters.leaving, parameters.reaction, day, about)
    change = effect * np.clip(1 - _MIDDLES / parameters.reaction.lasts_days, 0, 1)[:, None]

    def called(state: People) -> Array:
        bare = hazard_path(state, parameters, day, is_severity_known=is_severity_known, is_outreach_felt=False)
        return leaving_chances(people, path, bare + change)

    unsettled = called(people)
    is_open = (about == leaving.SERVICE) & has_problem(people, day)
    if not is_open.any():
        return unsettled
    settled = called(people | {"problem_until": np.where(is_open, day, people["problem_until"])})
    return np.asarray(SETTLED_BY_CALL * settled + (1 - SETTLED_BY_CALL) * unsettled)


def customer_truth(state: State) -> pd.DataFrame:
    """One row a customer who has not given notice, on the morning of `state.day`.

    Columns: the true chances by horizon; `effect_<reason>`, the change of the chance within the
    longest horizon if an outreach about that reason reached the customer today, and nobody else of the
    account (`chances_if_reached`); the true reason;
    severity; and, to form expectations given what can be seen, the chance of one of ordinary
    severity and the memories (all of which follow from the exported data).
    """
    people, parameters, day = state.people, state.parameters, state.day
    path = hazard_path(people, parameters, day)
    ordinary = hazard_path(people, parameters, day, is_severity_known=False)
    chances = leaving_chances(people, path)
    columns = {
        "customer_id": customer_keys(np.arange(len(people["plan"]))),
        "account_id": account_keys(people["account"]),
        **{f"chance_{horizon}": chances[:, position] for position, horizon in enumerate(HORIZONS)},
    }
    for about, reason in enumerate(REASONS):
        called = chances_if_reached(people, parameters, day, np.full(len(chances), about))
        columns[f"effect_{reason}"] = called[:, -1] - chances[:, -1]
    main = leaving.main_reason(people, parameters.leaving, day)
    columns |= {
        "reason": np.array(REASONS, object)[main],
        "is_sleeping_dog": leaving.is_sleeping_dog(people, parameters.leaving, day),
        "severity": severity(people),
        "monthly_margin": people["margin"],
        "chance_90_of_ordinary_severity": leaving_chances(people, ordinary)[:, -1],
        **{
            f"seen_{name}": people[name]
            for name in ("waits", "repeats", "complaints", "abandons", "decline", "contacts")
        },
        "seen_problem": has_problem(people, day),
        "seen_segment": people["segment"],
    }
    customers = pd.DataFrame(columns)
    return customers[pd.Series(people["status"] == 0)].reset_index(drop=True)


def _log_hazard_ahead(
    people: People, parameters: Parameters, day: int, ahead: float, rate: Array, is_severity_known: bool
) -> Array:
    """Log of the hazard expected so many days ahead, on the mean path."""
    later = people | {
        name: people[name] * left**ahead + _FELT_A_CONTACT.get(name, 0.0) * rate * (1 - left**ahead) / (1 - left)
        for name, left in decays().items()
    }
    declining = people["is_declining"] * (1 - parameters.people.recovery_per_day) ** ahead
    later["decline"] = people["decline"] * 0.94**ahead + 1.5 * declining * (1 - 0.94**ahead)
    moving = _SEVERITY_MEMORY**ahead
    hidden = 0.6 * people["severity_base"] + 0.8 * moving * people["severity_state"]
    drift = 0.64 * (1 - moving**2)
    if not is_severity_known:
        hidden, drift = np.zeros(len(rate)), 1.0
    still = has_problem(people, day) * np.exp(-ahead / _PROBLEM_DAYS)
    fresh = _fresh_share(rate * (1 - np.exp(-ahead / _PROBLEM_DAYS)))
    then = day + int(ahead)
    old = later | {"problem_until": np.full(len(rate), _FADED)}
    new = old | {"problem_since": np.full(len(rate), then - 4)}
    none = later | {"problem_until": np.full(len(rate), -_FADED)}
    weights = parameters.leaving
    parts = [(still, old), ((1 - still) * fresh, new), ((1 - still) * (1 - fresh), none)]
    hazard = sum(share * np.exp(leaving.log_hazard(state, weights, then, hidden)) for share, state in parts)
    return np.asarray(np.log(np.maximum(hazard, 1e-12)) + 0.5 * weights.severity**2 * drift)


def _fresh_share(rate: Array) -> Array:
    """Chance of an open problem that came up since, by contacts a day."""
    return np.asarray(1 - np.exp(-_PROBLEM_A_CONTACT * _PROBLEM_DAYS * rate))


def _contacts_a_day(parameters: Parameters) -> float:
    """Contacts a day of a customer with an inclination of 1, over all queues."""
    heads = parameters.people.at_start * MEAN_INCLINATION
    return sum(queue.contacts_per_day for queue in parameters.queues) / heads
