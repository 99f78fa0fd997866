"""The least number of agents that meets a standard, for all intervals at once.

The requirement is the true minimum: both conditions (service level, occupancy cap) can only get
better with one agent more, so a search by doubling and halving finds the exact edge. The service
level is expected over the forecast's distribution: of all contacts that may come, the share answered
in time. Live work only; deferred work is placed by `deferred`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forestall.staffing.queueing import Floats, Formula, Performance, evaluate

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# No centre is larger; a load that asks for more is a mistake in the data, and is capped and told.
AGENT_LIMIT = 100_000
_BY_INTERVAL = ("rates_per_s", "handle_time_s", "patience_s", "threshold_s", "service_level", "occupancy_cap",
                "concurrency")  # fmt: skip


@dataclass(frozen=True)
class Demand:
    """What is to be staffed; one row an interval.

    Attributes:
        rates_per_s: intervals x nodes; arrival rates that may come, contacts a second.
        weights: nodes; their probabilities.
        handle_time_s: intervals; positive.
        patience_s: intervals; `inf` where nobody is known to give up.
        threshold_s: intervals.
        service_level: intervals; target share, below 1.
        occupancy_cap: intervals.
        concurrency: intervals; contacts that one agent serves at once.
        short_abandon_s: who gives up sooner is left out of the level.
        formula: of the level.

    Raises:
        ValueError: a value is NaN; whatever it was compared with would be false, and nobody would be asked for.
    """

    rates_per_s: Floats
    weights: Floats
    handle_time_s: Floats
    patience_s: Floats
    threshold_s: Floats
    service_level: Floats
    occupancy_cap: Floats
    concurrency: Integers
    short_abandon_s: float = 0.0
    formula: Formula = "answered_in_standard_over_offered"

    def __post_init__(self) -> None:
        for name in (*_BY_INTERVAL, "weights"):
            if (is_missing := np.isnan(getattr(self, name))).any():
                raise ValueError(
                    f"demand: {name}: {np.count_nonzero(is_missing)} of {is_missing.size} values are missing (NaN);"
                    " give a number (patience: inf where nobody is known to give up)"
                )

    def __len__(self) -> int:
        return len(self.handle_time_s)

    def rows(self, chosen: Flags | Integers) -> "Demand":
        """Some of the intervals, by flag or position."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _BY_INTERVAL})

    def at_mean(self) -> "Demand":
        """The same with the mean rate alone."""
        return replace(self, rates_per_s=(self.rates_per_s @ self.weights)[:, None], weights=np.ones(1))


def expect(demand: Demand, agents: Integers) -> Performance:
    """Performance with `agents`, expected over the rates: per contact, and occupancy per time.

    Returns:
        Arrays over intervals. The mean wait is infinite where an Erlang C queue would not settle at
        one of the rates.
    """
    at_rates = evaluate(
        (agents * demand.concurrency)[:, None],
        demand.rates_per_s,
        demand.handle_time_s[:, None],
        demand.patience_s[:, None],
        demand.threshold_s[:, None],
        demand.short_abandon_s,
        demand.formula,
    )
    contacts = demand.rates_per_s * demand.weights
    total = contacts.sum(axis=1, keepdims=True)
    share = np.divide(contacts, total, out=np.broadcast_to(demand.weights, contacts.shape).copy(), where=total > 0)

    return Performance(
        p_wait=_weighted(at_rates.p_wait, share),
        service_level=_weighted(at_rates.service_level, share),
        asa_s=_weighted(at_rates.asa_s, share),
        abandonment=_weighted(at_rates.abandonment, share),
        occupancy=at_rates.occupancy @ demand.weights,
    )


def _weighted(values: Floats, share: Floats) -> Floats:
    """Row sums of values x share; an infinite value of no weight counts for nothing."""
    return np.asarray((np.where(share > 0, values, 0.0) * share).sum(axis=1))


def is_met(demand: Demand, agents: Integers) -> Flags:
    """Whether `agents` keep both the service level and the occupancy cap."""
    expected = expect(demand, agents)
    return (expected.service_level >= demand.service_level) & (expected.occupancy <= demand.occupancy_cap)


def least_agents(demand: Demand) -> Integers:
    """The least number of agents for which `is_met`; 0 where nothing arrives.

    Returns:
        Integers over intervals, at most `AGENT_LIMIT` (then the standard is not met).
    """
    agents = np.zeros(len(demand), np.int64)
    has_work = demand.rates_per_s.max(axis=1, initial=0.0) > 0
    if has_work.any():
        working = demand.rows(has_work)
        agents[has_work] = least_whole(_guess(working), lambda rows, some: is_met(working.rows(rows), some))
    return agents


def least_whole(guess: Integers, is_enough: Callable[[Integers, Integers], Flags], most: int = AGENT_LIMIT) -> Integers:
    """The least number from 1 on that is enough, for each row; doubling steps until the edge is enclosed, then halving.

    Args:
        guess: rows; where to start.
        is_enough: of positions of rows and a number for each of them; a number above one that is enough is enough.
        most: is taken to be enough, and never tried.
    """
    too_few = np.zeros(len(guess), np.int64)  # nobody is never enough
    enough = np.full(len(guess), most, np.int64)
    is_below, is_above = np.zeros(len(guess), bool), np.zeros(len(guess), bool)  # whether a side was found by trial
    step = np.ones(len(guess), np.int64)
    probe = np.clip(guess, 1, most - 1)
    while (is_open := enough - too_few > 1).any():
        tried, good = np.flatnonzero(is_open), np.zeros(len(guess), bool)
        good[tried[is_enough(tried, probe[tried])]] = True
        bad = is_open & ~good
        enough[good], too_few[bad] = probe[good], probe[bad]
        is_above |= good
        is_below |= bad
        middle = (too_few + enough) // 2
        probe = np.where(is_above & is_below, middle, np.where(is_above, enough - step, too_few + step))
        probe = np.clip(probe, too_few + 1, np.maximum(enough - 1, too_few + 1))
        step *= 2
    return enough


def _guess(demand: Demand) -> Integers:
    """Where to start: the answer for the mean rate, or for that itself the square-root rule."""
    if demand.rates_per_s.shape[1] > 1:
        return least_agents(demand.at_mean())
    load = demand.rates_per_s[:, 0] * demand.handle_time_s
    servers = np.minimum(np.maximum(load + np.sqrt(load), load / demand.occupancy_cap), AGENT_LIMIT)
    return np.ceil(servers / demand.concurrency).astype(np.int64)
