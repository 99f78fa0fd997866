"""One day of the demo company after another. `live_day` is the order in which a day happens.

The state is plain arrays and is saved whole; a day's random streams depend on seed, world and day
alone. So the same days under the same actions give the same company, in one call or in many.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forestall.demo import arrivals, leaving, money, outcomes, reactions, service, voices, workforce
from forestall.demo.batch import Array, Batch, size, stack, take
from forestall.demo.business_year import Day, day_of, running_kinds
from forestall.demo.customers import NEVER, People, append, draw_customers, severity
from forestall.demo.parameters import PORTAL, QUEUES, SOCIAL, Parameters, world_parameters
from forestall.demo.randomness import CREATION, stream

MEAN_INCLINATION = 1.42  # of an ordinary day; on the day of creation nobody has a problem yet


@dataclass
class State:
    """All that the company's tomorrow depends on."""

    seed: int
    world: str
    scale: float
    day: int  # the next day to be lived
    people: People
    subscriptions: Batch
    agents: Batch
    pattern: Array  # queue x weekday x shift
    plan_level: Array  # queue x weekday
    norms: Array  # by queue
    noise: Array  # log level by queue
    waiting: Batch = field(default_factory=dict)  # contacts without an answer yet
    unsettled: Batch = field(default_factory=dict)  # answered contacts that will be settled later
    unpaid: Batch = field(default_factory=dict)  # invoices whose payment is still to come
    held: Batch = field(default_factory=dict)  # rows that the telephone system delivers late
    invoice_count: int = 0
    outcome_count: int = 0
    planted: dict[str, int] = field(default_factory=dict)  # defects so far, by kind

    @property
    def parameters(self) -> Parameters:
        return world_parameters(self.world, self.scale)


@dataclass
class DayRows:
    """What one day adds to what the company's systems export, and the truth behind it.

    Attributes:
        day: the day.
        contacts: every contact of which something visible changed, as it stands at the end of the day.
        social: interval reports of social media.
        invoices: new and newly paid ones, as they stand.
        surveys: answers.
        evaluations: reviews.
        usage: customer, event_count.
        agent_time: schedule and what happened.
        outcomes: what came of outreach.
        backlog: contacts that wait for an answer at the end of the day, by queue.
        intensity: queue x interval, true mean of the arrivals before the day's noise.
        present: queue x interval, people at work; the retention team last.
        chance: true chance of each customer to decide to leave today.
        decided: positions of those who did.
    """

    day: Day
    contacts: Batch
    social: Batch
    invoices: Batch
    surveys: Batch
    evaluations: Batch
    usage: Batch
    agent_time: Batch
    outcomes: Batch
    backlog: Array
    intensity: Array
    present: Array
    chance: Array
    decided: Array


def create(seed: int, world: str, scale: float, first_day: int = 0) -> State:
    """The company on the eve of its first day; `first_day` may be negative, to let it settle in."""
    parameters = world_parameters(world, scale)
    rng = stream(seed, world, CREATION, "customers")
    people = draw_customers(parameters, rng, parameters.people.at_start, first_day, None)
    seconds = day_of(0).start + (people["last_plan_change"] * 86_400) + people["signed_second"]
    subscriptions = money.subscribe({}, people, np.arange(len(people["plan"])), seconds)
    pattern = workforce.shift_pattern(parameters)
    norms = (arrivals.queue_shares(people) * arrivals.inclination(people, parameters, first_day)).sum(
        axis=1
    ) * MEAN_INCLINATION
    return State(
        seed, world, scale, first_day, people, subscriptions, workforce.hire(parameters, pattern, seed, world), pattern,
        np.ones((len(QUEUES), 7)), norms, np.zeros(len(QUEUES)),
    )  # fmt: skip


def live_day(state: State, actions: pd.DataFrame | None = None, agents: Array | None = None) -> DayRows:
    """Let one day happen: `state` moves on to the next, and what the day left behind is given back.

    Args:
        state: the company; changed in place.
        actions: today's outreach (customer position, action, offer, channel, second); None for the
            company's own habit.
        agents: people at work by queue x interval; NaN where the company's own plan holds; None
            where it holds everywhere.
    """
    parameters, seed, world, day = state.parameters, state.seed, state.world, day_of(state.day)
    _welcome(state, parameters, day)
    _wake(state, parameters, day)
    invoices = _bill(state, parameters, day)
    agent_time, present = workforce.live_through(
        state.agents, state.pattern, state.plan_level, parameters, seed, world, day
    )
    if agents is not None:
        present[: len(QUEUES)] = np.where(np.isnan(agents), present[: len(QUEUES)], agents)
    if actions is None:
        actions = reactions.status_quo(state.people, parameters, seed, world, day)
    retention = workforce.on_duty(agent_time, state.agents, workforce.RETENTION)
    outreach = reactions.contact(state.people, actions, retention, parameters, seed, world, day)
    loyal = outreach["customer"][outreach["takes_back"]]
    state.subscriptions["notice"][state.people["subscription"][loyal]] = -1
    outreach["id"] = state.outcome_count + np.arange(size(outreach))
    state.outcome_count += size(outreach)
    intensity, contacts, concluded, social, backlog = _serve(state, parameters, present, agent_time, day)
    decided, chance = _decide(state, parameters, day)
    rows = DayRows(
        day, contacts, social, invoices, voices.survey(concluded, state.people, seed, world, day),
        voices.evaluate(concluded, seed, world, day), _use(state, parameters, day), agent_time, outreach,
        backlog, intensity, present, chance, decided,
    )  # fmt: skip
    state.day += 1
    return rows


def _welcome(state: State, parameters: Parameters, day: Day) -> None:
    """Newcomers join, those whose time has come leave or return, plans and terms change."""
    people, rng = state.people, stream(state.seed, state.world, day.number, "joining")
    count = int(rng.poisson(parameters.people.joins_per_day))
    if count:
        first = len(people["plan"])
        state.people = people = append(people, draw_customers(parameters, rng, count, day.number, people))
        second = day.start + people["signed_second"][first:]
        state.subscriptions = money.subscribe(
            state.subscriptions, people, np.arange(first, len(people["plan"])), second
        )
    gone = np.flatnonzero((people["end_day"] == day.number) & (people["status"] == 1))
    seconds = np.full(len(gone), day.start)
    state.subscriptions["ended"][people["subscription"][gone]] = seconds
    state.subscriptions["reason"][people["subscription"][gone]] = people["end_reason"][gone]
    people["status"][gone] = 2
    back = np.flatnonzero((people["return_day"] == day.number) & (people["status"] == 2))
    people["status"][back], people["end_day"][back], people["notice_day"][back] = 0, NEVER, NEVER
    people["return_day"][back], people["failed_count"][back] = NEVER, 0
    people["term"][back], people["renewal_day"][back] = 0, NEVER
    state.subscriptions = money.subscribe(state.subscriptions, people, back, np.full(len(back), day.start + 43_200))
    state.subscriptions = money.change_plans(
        state.subscriptions, people, parameters.people, stream(state.seed, state.world, day.number, "plans"), day
    )
    money.renew(state.subscriptions, people, day)


def _wake(state: State, parameters: Parameters, day: Day) -> None:
    """Memories fade, hidden severity moves, some begin to use the service less, some change their consent."""
    people, rng = state.people, stream(state.seed, state.world, day.number, "waking")
    outcomes.fade(people)
    count, world = len(people["plan"]), parameters.people
    people["severity_state"] = 0.98 * people["severity_state"] + np.sqrt(1 - 0.98**2) * rng.standard_normal(count)
    draw = rng.random(count)
    harder = np.exp(0.35 * severity(people) + 0.25 * np.tanh(people["waits"]))
    declines = people["is_declining"]
    people["is_declining"] = np.where(declines, draw > world.recovery_per_day, draw < world.decline_per_day * harder)
    people["decline"] = people["decline"] + 0.06 * (1.5 * people["is_declining"] - people["decline"])
    changes = np.flatnonzero(rng.random(count) < world.consent_changes_per_day)
    for name in ("may_call", "may_mail"):
        people[name][changes] = ~people[name][changes]
        people[f"{name}_since"][changes] = day.number


def _bill(state: State, parameters: Parameters, day: Day) -> Batch:
    """Today's invoices and payments; prices rise on their day; who twice did not pay is let go."""
    people, rng = state.people, stream(state.seed, state.world, day.number, "billing")
    if "price_increase" in running_kinds(state.seed, state.world, parameters, day.on, within_days=0):
        money.raise_prices(state.subscriptions, people, rng)
    fresh = money.invoice(people, rng, day, state.invoice_count)
    state.invoice_count += size(fresh)
    everything = stack(state.unpaid, fresh)
    is_paid = everything["paid_day"] <= day.number
    is_new = everything["due_day"] == day.number
    state.unpaid = take(everything, ~is_paid & (everything["paid_day"] != NEVER))
    money.write_off(people, money.insolvent(people), day)
    return take(everything, is_paid | is_new)


def _serve(
    state: State, parameters: Parameters, present: Array, agent_time: Batch, day: Day
) -> tuple[Array, Batch, Batch, Batch, Array]:
    """Contacts arrive and are served: intensity, rows that changed, those concluded, social counts, backlog."""
    people, seed, world = state.people, state.seed, state.world
    rng = stream(seed, world, day.number, "level")
    memory, spread = parameters.demand.day_noise_memory, parameters.demand.day_noise
    state.noise = memory * state.noise + np.sqrt(1 - memory**2) * spread * rng.standard_normal(len(QUEUES))
    means, weights = arrivals.true_intensity(people, parameters, seed, world, day, state.norms)
    fresh, counts = arrivals.draw_arrivals(people, parameters, seed, world, day, means, weights, state.noise)
    fresh["mood"] = voices.moods_of(fresh, seed, world, day)
    per_day = np.bincount(fresh["queue"], minlength=len(QUEUES))
    per_day[SOCIAL] = counts.sum()
    state.plan_level = workforce.updated_level(state.plan_level, per_day, parameters, day)
    on_duty = [workforce.on_duty(agent_time, state.agents, queue) for queue in range(len(QUEUES))]
    live = service.serve_live(fresh, present, parameters, seed, world, day)
    is_live = np.array([queue.is_live for queue in QUEUES])
    written = take(fresh, ~is_live[fresh["queue"]]) | {}
    blank = {"wait": np.zeros(size(written), int), "is_abandoned": np.zeros(size(written), bool),
             "answered": np.full(size(written), service.UNTIL_NEVER)}  # fmt: skip
    written = written | blank
    portal = take(written, written["queue"] == PORTAL)
    letters = take(written, written["queue"] != PORTAL)
    done, still = service.serve_deferred(stack(state.waiting, letters), present, parameters, seed, world, day)
    state.waiting = still
    concluded = stack(
        outcomes.conclude(live, on_duty, parameters, seed, world, day, "live"),
        outcomes.conclude(done, on_duty, parameters, seed, world, day, "deferred"),
        outcomes.conclude(portal, on_duty, parameters, seed, world, day, "portal"),
    )
    outcomes.remember(people, concluded, day)
    changed = _changed(state, concluded, take(still, still["started"] >= day.start), day)
    backlog = np.bincount(still["queue"], minlength=len(QUEUES))
    return means, changed, concluded, _social_report(counts, present[SOCIAL], parameters, seed, world, day), backlog


def _changed(state: State, concluded: Batch, unanswered: Batch, day: Day) -> Batch:
    """Contacts of which something visible changed today, as they stand at midnight."""
    empty = {
        "resolved": np.full(size(unanswered), service.UNTIL_NEVER),
        "handle": np.zeros(size(unanswered), int),
        "is_solved": np.zeros(size(unanswered), bool),
        "transfers": np.zeros(size(unanswered), int),
        "agent": np.full(size(unanswered), arrivals.UNKNOWN),
    }
    settled = state.unsettled["resolved"] < day.end if state.unsettled else np.empty(0, bool)
    now_settled = take(state.unsettled, settled) if state.unsettled else {}
    pending = (concluded["resolved"] >= day.end) & (concluded["resolved"] != service.UNTIL_NEVER)
    rest = take(state.unsettled, ~settled) if state.unsettled else {}
    state.unsettled = stack(rest, take(concluded, pending))
    return stack(now_settled, concluded, unanswered | empty)


def _social_report(counts: Array, present: Array, parameters: Parameters, seed: int, world: str, day: Day) -> Batch:
    """Social media as their tool reports them: sums by interval."""
    rng = stream(seed, world, day.number, "social")
    handled = np.where(present > 0, counts, 0)
    held = np.cumsum(counts - handled)
    opening = np.flatnonzero(present > 0)
    if len(opening):  # what came before opening is answered in the first interval
        handled[opening[0]] += held[opening[0]]
    mean = service.mean_handle_time_s(SOCIAL, parameters.service)
    spread = np.sqrt(np.maximum(handled, 1)) * mean * 0.5
    handle = np.where(
        handled > 0, np.maximum(handled * 60, handled * mean + spread * rng.standard_normal(len(counts))), 0
    )
    return {"start": day.starts, "offered": counts, "handled": handled, "handle": handle.astype(int)}


def _decide(state: State, parameters: Parameters, day: Day) -> tuple[Array, Array]:
    """Accounts decide to leave, each once, as a whole: positions of their customers, and everybody's true chance."""
    people, rng = state.people, stream(state.seed, state.world, day.number, "deciding")
    log = leaving.log_hazard(people, parameters.leaving, day.number)
    log = log + leaving.outreach_now(people, parameters.reaction, day.number)
    chance = leaving.account_chance(people, log)
    luck = rng.random(int(people["account"][-1]) + 1)[people["account"]]
    decided = np.flatnonzero(luck < chance)
    notice = parameters.leaving.notice_days
    people["status"][decided], people["notice_day"][decided] = 1, day.number
    people["end_day"][decided], people["end_reason"][decided] = day.number + notice, money.VOLUNTARY
    returns = rng.random(len(decided)) < parameters.leaving.returns
    pause = rng.integers(40, 160, len(decided))
    people["return_day"][decided] = np.where(returns, day.number + notice + pause, NEVER)
    second = day.start + rng.integers(8 * 3600, 21 * 3600, len(decided))
    state.subscriptions["notice"][people["subscription"][decided]] = second
    return decided, chance


def _use(state: State, parameters: Parameters, day: Day) -> Batch:
    """Who used the service today, and how often."""
    people, rng = state.people, stream(state.seed, state.world, day.number, "usage")
    rate = parameters.people.usage_per_day * np.exp(people["engagement"] - 1.1 * people["decline"])
    rate = rate * (people["status"] < 2) * (1.15 if day.on.weekday() > 4 else 0.94)
    count = rng.poisson(rate)
    who = np.flatnonzero(count)
    return {
        "customer": who,
        "event_count": count[who],
        "minutes": np.round(rng.gamma(2.0, 9.0, len(who)) * count[who], 1),
    }
