"""What a shift plan will really give: each day of each group simulated, with the forecast's doubt and absence drawn.

A day is drawn many times: how much comes (from the forecast's distribution, one draw for all queues of the
day), who of the planned is away all day, how much of the rest's time is lost, and each contact. The same
seed gives the same figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forestall.sections import ServiceLevelSettings
from forestall.shifts.plan import ShiftPlan
from forestall.staffing.simulation import Arrivals, Served, draw_arrivals, in_standard, simulate
from forestall.staffing.standards import QueueStandard
from forestall.staffing.uncertainty import COLUMNS, WEIGHTS, likely_rates

Floats = NDArray[np.float64]
REPLICATIONS = 20
DAYS_AT_ONCE = 7  # of 20 replications: 140 lanes, whose agents by interval are held at the same time
BY_CHANCE = frozenset({"sick", "absent", "absence"})


@dataclass(frozen=True)
class Losses:
    """Shares of scheduled time that are lost.

    Attributes:
        day: by who does not come at all and did not say so before; a share of the agents.
        within: by holidays, which are known when shifts are given out, training, meetings and the like; a share of the
            time of those who came.
    """

    day: float
    within: float

    @classmethod
    def of(cls, share: float, by_cause: Mapping[str, float]) -> "Losses":
        """From shrinkage; where its causes are unknown half of it counts as days."""
        day = sum(lost for cause, lost in by_cause.items() if cause in BY_CHANCE) if by_cause else share / 2
        return cls(min(day, share), max(0.0, (share - day) / (1 - day)) if day < 1 else 0.0)


@dataclass(frozen=True)
class QueueLoad:
    """What the simulation knows of a queue.

    Attributes:
        standard: of the queue.
        patience_s: mean, `inf` for who never gives up.
        net: agents that its deferred work takes of those at work, mean by interval of the plan; zeros for live queues.
        load: offered load by interval.
        rates: intervals x nodes; contacts an interval that may come; live queues.
        handle_time_s: by interval.
    """

    standard: QueueStandard
    patience_s: float
    net: Floats
    load: Floats
    rates: Floats
    handle_time_s: Floats


@dataclass(frozen=True)
class _Day:
    """A day of the plan, and its first and last interval."""

    number: int
    first: int
    last: int


def queue_loads(
    forecast: pd.DataFrame, requirement: pd.DataFrame, plan: ShiftPlan, standards: Mapping[str, QueueStandard],
    patience_s: Mapping[str, float],
) -> dict[str, QueueLoad]:  # fmt: skip
    """Each queue of the requirement on the plan's intervals."""
    intervals = plan.grid.day_start[-1] * plan.grid.step_s // plan.grid.interval_s
    merged = requirement.merge(
        forecast[["queue", "interval_start_at", *COLUMNS]], on=["queue", "interval_start_at"], how="left",
        validate="one_to_one",
    )  # fmt: skip
    found = {}
    for name, rows in merged.groupby("queue"):  # a handful of queues, each with all its intervals
        queue = str(name)
        at = plan.grid.interval_of(rows["interval_start_at"])
        standard = standards[queue]
        rates = np.zeros((intervals, len(WEIGHTS)))
        handle, load, net = np.ones(intervals), np.zeros(intervals), np.zeros(intervals)
        handle[at], load[at] = rows["handle_time_s"], rows["offered_load"]
        if standard.is_deferred:
            # Of whole people scheduled for it a part is away.
            net[at] = rows["agents_gross"] * (1 - rows["shrinkage"])
        else:
            rates[at] = likely_rates(rows["contacts"].to_numpy(float), rows[list(COLUMNS)].to_numpy(float))
        found[queue] = QueueLoad(standard, patience_s.get(queue, np.inf), net, load, rates, handle)
    return found


def simulate_plan(
    plan: ShiftPlan, queues_of: Mapping[str, Sequence[str]], loads: Mapping[str, QueueLoad], losses: Losses,
    level: ServiceLevelSettings, seed: int,
) -> tuple[pd.DataFrame, Floats]:  # fmt: skip
    """Service by group and day, and occupancy by group and interval.

    Returns:
        Rows of `shift_service`, and groups x intervals of the plan's days; NaN where nobody is there.
    """
    rows, busy = [], []
    for at, group in enumerate(plan.groups):
        rng = np.random.default_rng([seed, at])
        mine = [loads[queue] for queue in queues_of[group]]
        told, occupancy = _group(plan, at, mine, losses, level, rng)
        rows += [{"queue_group": group, **row} for row in told]
        busy.append(occupancy)
    return pd.DataFrame(rows), np.array(busy).reshape(len(plan.groups), -1)


def _group(
    plan: ShiftPlan,
    at: int,
    queues: list[QueueLoad],
    losses: Losses,
    level: ServiceLevelSettings,
    rng: np.random.Generator,
) -> tuple[list[dict[str, Any]], Floats]:
    grid = plan.grid
    a_step = grid.interval_s // grid.step_s
    live = [queue for queue in queues if not queue.standard.is_deferred]
    taken = sum((queue.net for queue in queues if queue.standard.is_deferred), np.zeros_like(queues[0].net))
    shifts = plan.on_duty[plan.on_duty["queue_group"] == plan.groups[at]]
    at_once = min((queue.standard.concurrency for queue in live), default=1)
    rows, occupancy = [], np.full(len(taken), np.nan)
    for start in range(0, len(grid.days), DAYS_AT_ONCE):
        days = [
            _Day(day, grid.day_start[day] // a_step, grid.day_start[day + 1] // a_step)
            for day in range(start, min(start + DAYS_AT_ONCE, len(grid.days)))
        ]
        present = [_who_is_there(shifts, day.first * a_step, day.last * a_step, a_step, losses, rng) for day in days]
        free = [
            np.maximum(there - taken[None, day.first : day.last], 0.0) for day, there in zip(days, present, strict=True)
        ]
        agents = [np.floor(some + rng.random(some.shape)).astype(np.int64) * at_once for some in free]
        told = _live_days(live, days, agents, level, grid.interval_s, rng)
        for day, there, (row, live_busy) in zip(days, present, told, strict=True):
            deferred = sum((q.load[day.first : day.last] for q in queues if q.standard.is_deferred), 0.0)
            busy = np.minimum(deferred, there) + live_busy / grid.interval_s / at_once
            total = there.sum()
            share = min(1.0, float(busy.sum() / total)) if total > 0 else None
            by_lane = np.minimum(_share(busy.sum(axis=1), there.sum(axis=1)), 1.0)
            if total > 0 or row["contacts"]:
                told_busy = {"occupancy": share, **_range("occupancy", by_lane)}
                rows.append({"local_on": grid.days[day.number], **row, **told_busy})
            on_duty = there.mean(axis=0)
            by_interval = np.divide(busy.mean(axis=0), on_duty, out=np.full(len(on_duty), np.nan), where=on_duty > 0)
            occupancy[day.first : day.last] = np.minimum(by_interval, 1.0)
    return rows, occupancy


def _who_is_there(
    shifts: pd.DataFrame, first: int, last: int, a_step: int, losses: Losses, rng: np.random.Generator
) -> Floats:
    """Replications x intervals of a day: agents on duty, who is away all day drawn, other losses taken off."""
    mine = shifts[(shifts["first"] < last) & (shifts["last"] > first)]
    duty = np.zeros((len(mine), last - first))
    for at, (begins, ends, breaks) in enumerate(zip(mine["first"], mine["last"], mine["breaks"], strict=True)):
        duty[at, max(begins - first, 0) : max(ends - first, 0)] = 1.0
        for one, other in breaks:
            duty[at, max(one - first, 0) : max(other - first, 0)] = 0.0
    by_interval = duty.reshape(len(mine), (last - first) // a_step, a_step).mean(axis=2)
    comes = rng.random((REPLICATIONS, len(mine))) >= losses.day
    return np.asarray((comes.astype(float) @ by_interval) * (1 - losses.within))


def _live_days(
    live: list[QueueLoad], days: Sequence[_Day], agents: Sequence[NDArray[np.int64]], level: ServiceLevelSettings,
    interval_s: int, rng: np.random.Generator,
) -> list[tuple[dict[str, float | None], Floats]]:  # fmt: skip
    """Of each day what customers meet, and agent seconds by replication and interval.

    All replications of all days are lanes of one simulation: it loops over the contacts of one day only.
    """
    if not live:
        return [({"contacts": 0.0}, np.zeros(some.shape, np.float64)) for some in agents]
    longest = max(day.last - day.first for day in days)
    rates, handle = np.zeros((len(days), REPLICATIONS, len(live), longest)), np.ones((len(days), 1, len(live), longest))
    servers = np.zeros((len(days), REPLICATIONS, longest), np.int64)
    for at, (day, some) in enumerate(zip(days, agents, strict=True)):
        own = np.stack([queue.rates[day.first : day.last] for queue in live])  # queues x intervals x nodes
        node = rng.choice(len(WEIGHTS), REPLICATIONS, p=WEIGHTS)
        rates[at, ..., : own.shape[1]] = np.moveaxis(own[:, :, node], 2, 0)
        handle[at, 0, :, : own.shape[1]] = [queue.handle_time_s[day.first : day.last] for queue in live]
        servers[at, :, : some.shape[1]] = some
    lanes = (len(days) * REPLICATIONS, len(live), longest)
    arrivals = draw_arrivals(
        rng, rates.reshape(lanes), np.broadcast_to(handle, rates.shape).reshape(lanes),
        np.array([queue.patience_s for queue in live]), interval_s,
    )  # fmt: skip
    served = simulate(arrivals, servers.reshape(-1, longest), interval_s)
    told = []
    for at, day in enumerate(days):
        lane = slice(at * REPLICATIONS, (at + 1) * REPLICATIONS)
        contacts = float(sum((queue.rates[day.first : day.last] @ WEIGHTS).sum() for queue in live))
        row = _told(live, Arrivals(*(values[lane] for values in vars(arrivals).values())),
                    Served(*(values[lane] for values in vars(served).values())), level)  # fmt: skip
        told.append(({"contacts": contacts, **row}, served.busy_s[lane, : day.last - day.first]))
    return told


def _told(
    live: list[QueueLoad], arrivals: Arrivals, served: Served, level: ServiceLevelSettings
) -> dict[str, float | None]:
    """What the customers of a day met; nothing where none came."""
    threshold = np.array([queue.standard.threshold_s for queue in live], float)[arrivals.kind]
    came = np.isfinite(arrivals.at_s)
    gave_up, answered = came & served.is_abandoned, came & ~served.is_abandoned
    in_time, counted = in_standard(arrivals, served, threshold, level)
    share = _share(in_time.sum(axis=1), counted.sum(axis=1))
    met = np.ones(REPLICATIONS, bool)
    for kind, queue in enumerate(live):
        mine = arrivals.kind == kind
        own = _share((in_time & mine).sum(axis=1), (counted & mine).sum(axis=1))
        met &= np.isnan(own) | (own >= (queue.standard.service_level or 0.0))
    known = share[~np.isnan(share)]
    if not len(known):
        return {}
    return {
        "service_level": float(in_time.sum() / counted.sum()),
        **_range("service_level", share),
        "service_level_error": float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None,
        "standard_probability": float(met.mean()),
        "asa_s": float(served.wait_s[answered].mean()) if answered.any() else None,
        **_range("asa_s", _share(np.where(answered, served.wait_s, 0.0).sum(axis=1), answered.sum(axis=1))),
        "abandonment": float(gave_up.sum() / came.sum()),
        **_range("abandonment", _share(gave_up.sum(axis=1), came.sum(axis=1))),
    }


def _range(name: str, by_lane: Floats) -> dict[str, float]:
    """What the middle 80 % of replications have; those that know nothing are left out."""
    known = by_lane[~np.isnan(by_lane)]
    if not len(known):
        return {}
    return {f"{name}_low": float(np.quantile(known, 0.1)), f"{name}_high": float(np.quantile(known, 0.9))}


def _share(part: NDArray[Any], total: NDArray[Any]) -> Floats:
    return np.asarray(np.divide(part, total, out=np.full(len(total), np.nan), where=total > 0))
