"""How the contacts of a day are served by the agents who are there.

Live queues: each interval is taken as an M/M/s+M queue in its steady state (Erlang A; Garnett,
Mandelbaum and Reiman 2002, "Designing a call center with impatient customers"). A contact meets a
state drawn from that distribution and would wait until enough of those before it have gone; it gives
up when its own patience ends first. Deferred queues: first come, first served, as fast as agents can
write, over as many days as it takes. Both are approximations; congestion does not spill over into
the next interval of a live queue.
"""

import numpy as np

from forestall.demo.arrivals import contact_ids
from forestall.demo.batch import Array, Batch, size, stack, take
from forestall.demo.business_year import Day
from forestall.demo.parameters import INTERVAL_S, PORTAL, QUEUES, Parameters, Service
from forestall.demo.randomness import stream

UNTIL_NEVER = np.iinfo(np.int64).max // 4  # a second that does not come
_STATES = 60  # contacts in the system beyond the agents that are thought of


def mean_handle_time_s(queue: int, service: Service) -> float:
    """Mean of the log-normal handle time whose median is the queue's; 380 s and 0.55 give 442 s."""
    return float(QUEUES[queue].handle_time_s * np.exp(service.handle_spread**2 / 2))


def erlang_a(rate: Array, agents: Array, service_rate: float, patience_rate: float) -> tuple[Array, Array]:
    """Steady state of M/M/s+M for several intervals at once.

    Args:
        rate: arrivals a second, by interval.
        agents: servers, by interval.
        service_rate: contacts a second that one server completes.
        patience_rate: one over the mean patience.

    Returns:
        Interval x state: the chance to meet at most so many contacts, and the mean time until so
        many positions before one have gone, counted from the first that must wait.
    """
    states = np.arange(int(agents.max(initial=0)) + _STATES)
    busy = np.minimum(states + 1, agents[:, None])
    leaving = busy * service_rate + np.maximum(states + 1 - agents[:, None], 0) * patience_rate
    steps = np.log(np.maximum(rate, 1e-12))[:, None] - np.log(leaving)
    logs = np.concatenate([np.zeros((len(rate), 1)), np.cumsum(steps, axis=1)], axis=1)
    chance = np.exp(logs - logs.max(axis=1, keepdims=True))
    ahead = agents[:, None] * service_rate + np.arange(_STATES + 1) * patience_rate
    waits = np.cumsum(1 / np.maximum(ahead, 1e-9), axis=1)
    return np.cumsum(chance, axis=1) / chance.sum(axis=1, keepdims=True), waits


def serve_live(contacts: Batch, agents: Array, parameters: Parameters, seed: int, world: str, day: Day) -> Batch:
    """Contacts of the live queues, with wait and outcome; redials after giving up are further rows.

    Args:
        contacts: the day's arrivals.
        agents: queue x interval, people at work.
        parameters: the world.
        seed: the company's seed.
        world: the world's name.
        day: the day.
    """
    served = [
        _serve_queue(take(contacts, contacts["queue"] == queue), queue, agents[queue], parameters, seed, world, day)
        for queue in range(len(QUEUES))
        if QUEUES[queue].is_live
    ]
    return stack(*served)


def _serve_queue(
    contacts: Batch, queue: int, agents: Array, parameters: Parameters, seed: int, world: str, day: Day
) -> Batch:
    rng = stream(seed, world, day.number, f"service {QUEUES[queue].key}")
    service, patience = parameters.service, QUEUES[queue].patience_s
    interval = day.interval_of(contacts["started"])
    # Those who give up and call again make the interval fuller than its first calls alone.
    rate = np.bincount(interval, minlength=len(day.starts)) * 1.03 / INTERVAL_S
    servers = np.rint(agents).astype(int) * QUEUES[queue].concurrency
    state = erlang_a(rate, servers, 1 / mean_handle_time_s(queue, service), 1 / patience)
    first = _met(contacts, interval, servers, state, patience, service, rng)
    again = first["is_abandoned"] & (rng.random(size(first)) < service.redial)
    redials = take(contacts, again)
    later = redials["started"] + first["wait"][again] + rng.integers(60, 5400, int(again.sum()))
    redials |= {
        "parent": redials["id"],
        "id": contact_ids(day, 500_000 + queue * 50_000 + np.arange(size(redials))),
        "started": later,
    }
    # Who would call again after closing lets it be.
    redials = take(redials, (later < day.end) & (agents[day.interval_of(later)] > 0))
    second = _met(redials, day.interval_of(redials["started"]), servers, state, patience, service, rng)
    return stack(first, second)


def _met(
    contacts: Batch,
    interval: Array,
    servers: Array,
    state: tuple[Array, Array],
    patience_s: float,
    service: Service,
    rng: np.random.Generator,
) -> Batch:
    """What each contact met on arrival, and whether it waited to the end."""
    chances, means = state
    count = size(contacts)
    met = (chances[interval] < rng.random(count)[:, None]).sum(axis=1)
    position = np.clip(met - servers[interval] + 1, 0, means.shape[1])
    mean = np.where(position > 0, means[interval, np.maximum(position, 1) - 1], 0.0)
    shape = np.maximum(position, 1)
    offered = np.where(position > 0, rng.gamma(shape, mean / shape), 0.0)
    offered = offered * np.exp(service.severity_wait * contacts["severity"])
    patience = rng.exponential(patience_s, count)
    is_abandoned = offered > patience
    wait = np.where(is_abandoned, patience, offered).astype(int)
    moment = np.where(is_abandoned, UNTIL_NEVER, contacts["started"] + wait)
    return contacts | {"wait": wait, "is_abandoned": is_abandoned, "answered": moment}


def serve_deferred(
    waiting: Batch, agents: Array, parameters: Parameters, seed: int, world: str, day: Day
) -> tuple[Batch, Batch]:
    """Split those who wait for an answer into answered today and still waiting; first come, first served.

    Args:
        waiting: contacts of deferred queues, yesterday's backlog and today's arrivals.
        agents: queue x interval, people at work.
        parameters: the world.
        seed: the company's seed.
        world: the world's name.
        day: the day.
    """
    rng = stream(seed, world, day.number, "deferred")
    answered = np.full(size(waiting), UNTIL_NEVER)
    for queue in range(len(QUEUES)):
        mine = np.flatnonzero(waiting["queue"] == queue)
        if QUEUES[queue].is_live or queue == PORTAL or not len(mine):
            continue
        mine = mine[np.argsort(waiting["started"][mine], kind="stable")]
        capacity = agents[queue] * INTERVAL_S / mean_handle_time_s(queue, parameters.service)
        done = _served_by_interval(waiting["started"][mine], capacity, day)
        interval = np.searchsorted(np.floor(done + 1e-9), np.arange(1, len(mine) + 1))
        in_time = interval < len(day.starts)
        start = np.maximum(day.starts[interval[in_time]] + INTERVAL_S // 3, waiting["started"][mine[in_time]] + 60)
        answered[mine[in_time]] = start + rng.integers(0, INTERVAL_S // 2, int(in_time.sum()))
    waiting = waiting | {"answered": answered}
    is_done = answered < day.end
    return take(waiting, is_done), take(waiting, ~is_done)


def _served_by_interval(started: Array, capacity: Array, day: Day) -> Array:
    """Contacts answered up to the end of each interval: what came, or what could be done, whichever is less."""
    came = np.searchsorted(started, day.starts + INTERVAL_S // 3)
    done = np.cumsum(capacity)
    # Work cannot be done ahead: the reflection of the free process at what has come (Lindley 1952).
    lost = np.maximum.accumulate(np.maximum(done - came, 0.0))
    return np.asarray(np.minimum(done - lost, came))
