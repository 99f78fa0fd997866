"""Who works when: the roster, the company's own plan for each day, and what came of it.

The plan is deliberately ordinary: shifts fitted to the mean load of a weekday, scaled by what the
last weeks brought, without regard to season, events or the morning after a holiday. Sickness is not
replaced. So some intervals are crowded, which is what waits, and their price, come from.
"""

import numpy as np
from scipy.optimize import nnls

from forestall.demo.batch import Array, Batch, size, stack
from forestall.demo.business_year import Day, day_number, day_of, is_closed, open_mask, profile
from forestall.demo.parameters import EPOCH, INTERVAL_S, PORTAL, QUEUES, Parameters
from forestall.demo.randomness import CREATION, stream
from forestall.demo.service import mean_handle_time_s

ACTIVITIES = ("available", "break", "training", "meeting", "sick", "vacation")
RETENTION = len(QUEUES)  # the retention team's place among the queues
SHIFT_STARTS = (480, 540, 600, 660, 705)  # minutes of the local day; the last ends at 20:00 with its break
SHIFT_MINUTES = 495
SHORT_STARTS = (480, 600, 720, 840, 960)  # half shifts without a break
SHORT_MINUTES = 240
_BREAK_MINUTES = 30
_SMOOTHING = 0.3  # weight of the newest like weekday in the company's plan
_WORKDAYS = 6  # every agent is off one day in six, in turn


def shift_pattern(parameters: Parameters) -> Array:
    """Queue x weekday x shift (full ones first): agents to start it at the mean load, not yet whole numbers."""
    pattern = np.zeros((len(QUEUES), 7, len(SHIFT_STARTS) + len(SHORT_STARTS)))
    monday = _ordinary_monday()
    for weekday in range(6):
        day = day_of(monday + weekday)
        covers = np.stack([_covers(day, s, SHIFT_MINUTES) for s in SHIFT_STARTS]
                          + [_covers(day, s, SHORT_MINUTES) for s in SHORT_STARTS], axis=1)  # fmt: skip
        for position, queue in enumerate(parameters.queues):
            if position == PORTAL:
                continue
            mask = open_mask(day, queue.site)
            need = _need(position, parameters, weekday, day)
            if weekday == 5:  # seven hours are open: half shifts only
                covers[:, : len(SHIFT_STARTS)] = 0
            pattern[position, weekday], _ = nnls(covers[mask], need[mask])
    return pattern


def _need(position: int, parameters: Parameters, weekday: int, day: Day) -> Array:
    """Agents wanted in each interval of an ordinary weekday."""
    queue, service = parameters.queues[position], parameters.service
    contacts = queue.contacts_per_day * queue.week[weekday]
    work_s = contacts * mean_handle_time_s(position, service)
    if queue.is_live:
        load = work_s * profile(queue.key, day.number) / INTERVAL_S / queue.concurrency
        return np.asarray(load + service.safety * np.sqrt(load) + 0.2)
    mask = open_mask(day, queue.site)
    # What comes on Sunday is written on Monday.
    over = 1 + queue.week[6] / queue.week[0] * (weekday == 0)
    return np.asarray(mask * work_s * over * service.deferred_safety / (mask.sum() * INTERVAL_S))


def hire(parameters: Parameters, pattern: Array, seed: int, world: str) -> Batch:
    """The roster: enough people for the fullest weekday, the retention team, and a few who left or came later."""
    rng = stream(seed, world, CREATION, "agents")
    slots = np.ceil(pattern.sum(axis=2).max(axis=1))
    slots[PORTAL] = 0
    heads = np.ceil(slots * _WORKDAYS / (_WORKDAYS - 1) / (1 - parameters.service.vacation) * 1.12).astype(int)
    heads = np.append(np.where(slots > 0, heads + 1, 0), max(2, round(4 * parameters.people.at_start / 14_700)))
    queue = np.repeat(np.arange(len(heads)), heads)
    count = len(queue)
    changes = rng.random(count) < 0.14  # their place is filled by a successor from the day they leave
    left = np.where(changes, rng.integers(120, 900, count), np.iinfo(np.int32).max)
    hired = -rng.integers(30, 2500, count)
    followers = np.flatnonzero(changes)
    return {
        "queue": np.concatenate([queue, queue[followers]]),
        "hired": np.concatenate([hired, left[followers] + 1]),
        "left": np.concatenate([left, np.full(len(followers), np.iinfo(np.int32).max)]),
        "hours": np.concatenate([rng.choice([20, 32, 40], count, p=[0.15, 0.2, 0.65]), np.full(len(followers), 40)]),
        "place": np.concatenate([np.arange(count), followers]),
    }


def live_through(
    agents: Batch, pattern: Array, plan_level: Array, parameters: Parameters, seed: int, world: str, day: Day
) -> tuple[Batch, Array]:
    """The day's schedule and what happened, and the people at work by queue (and retention team) x interval.

    Args:
        agents: the roster.
        pattern: from `shift_pattern`.
        plan_level: queue x weekday, what the last weeks brought against the mean.
        parameters: the world.
        seed: the company's seed.
        world: the world's name.
        day: the day.
    """
    rng = stream(seed, world, day.number, "agents")
    chosen, shift = _scheduled(agents, pattern, plan_level, parameters.service.planning_noise, rng, day)
    starts, minutes = _shift_times(shift, day)
    is_long = minutes > SHORT_MINUTES
    rest = starts + 60 * (minutes // 2 + rng.integers(-4, 5, len(chosen)) * 15)
    is_sick = rng.random(len(chosen)) < parameters.service.sick
    planned = _rows(chosen, starts, starts + minutes * 60, "available", True)
    breaks = _rows(chosen[is_long], rest[is_long], rest[is_long] + _BREAK_MINUTES * 60, "break", True)
    came, came_rest = starts + 60 * rng.integers(0, 9, len(chosen)), rest + 60 * rng.integers(-5, 16, len(chosen))
    works = ~is_sick
    goes_training = works & is_long & (rng.random(len(chosen)) < 0.035)
    meets = works & is_long & ~goes_training & (day.on.weekday() == 2)
    hour = starts + 60 * 90
    actual = [
        _rows(chosen[works], came[works], (starts + minutes * 60)[works], "available", False),
        _rows(chosen[works & is_long], came_rest[works & is_long], (came_rest + 1920)[works & is_long], "break", False),
        _rows(chosen[is_sick], starts[is_sick], (starts + minutes * 60)[is_sick], "sick", False),
        _rows(chosen[goes_training], hour[goes_training], hour[goes_training] + 5400, "training", False),
        _rows(chosen[meets], hour[meets], hour[meets] + 1800, "meeting", False),
    ]
    rows = stack(planned, breaks, *actual, _on_vacation(agents, chosen, day))
    return rows, _present(rows, agents, day)


def updated_level(plan_level: Array, counts: Array, parameters: Parameters, day: Day) -> Array:
    """The company's level of this weekday after today's counts; a day without contacts teaches nothing."""
    weekday = day.on.weekday()
    mean = np.array([queue.contacts_per_day * queue.week[weekday] for queue in parameters.queues])
    seen = np.divide(counts, mean, out=plan_level[:, weekday].copy(), where=(mean > 0) & (counts > 0))
    level = plan_level.copy()
    level[:, weekday] += _SMOOTHING * (np.clip(seen, 0.5, 2.0) - level[:, weekday])
    return level


def _scheduled(
    agents: Batch, pattern: Array, plan_level: Array, noise: float, rng: np.random.Generator, day: Day
) -> tuple[Array, Array]:
    """Which agents work today and in which shift."""
    weekday = day.on.weekday()
    chosen, shifts = [], []
    free = _free(agents, day)
    for position in range(RETENTION + 1):
        site = QUEUES[position].site if position < RETENTION else "leipzig"
        if position == PORTAL or is_closed(day.on, site) or (position == RETENTION and weekday > 4):
            continue
        if position == RETENTION:
            wanted = np.array([0, 3])
            wanted = np.resize(wanted, int((agents["queue"][free] == RETENTION).sum()))
        else:
            level = plan_level[position, weekday] * (1 + noise * rng.standard_normal())
            wanted = _whole(pattern[position, weekday] * level)
        mine = free[agents["queue"][free] == position]
        mine = np.roll(mine, -(day.number // 7) % max(1, len(mine)))[: len(wanted)]
        chosen.append(mine)
        shifts.append(wanted[: len(mine)])
    if not chosen:
        return np.empty(0, int), np.empty(0, int)
    return np.concatenate(chosen), np.concatenate(shifts)


def _whole(heads: Array) -> Array:
    """Shifts to fill, one entry a head: rounding carries over from shift to shift, so that few are lost."""
    whole = np.diff(np.rint(np.cumsum(heads) + 0.25), prepend=0).astype(int)
    return np.repeat(np.arange(len(heads)), np.maximum(whole, 0))


def _free(agents: Batch, day: Day) -> Array:
    """Agents who could be scheduled: employed, not on vacation, and not their day off."""
    employed = (agents["hired"] <= day.number) & (agents["left"] >= day.number)
    off = (agents["place"] + day.number) % _WORKDAYS == 0
    return np.flatnonzero(employed & ~off & ~_vacation(agents, day))


def _vacation(agents: Batch, day: Day) -> Array:
    """One week in ten, each in turn."""
    return np.asarray((agents["place"] * 7 + day.number // 7) % 10 == 0)


def _on_vacation(agents: Batch, chosen: Array, day: Day) -> Batch:
    employed = (agents["hired"] <= day.number) & (agents["left"] >= day.number)
    resting = np.flatnonzero(employed & _vacation(agents, day) & (day.on.weekday() < 5))
    start = np.full(len(resting), day.start + 8 * 3600)
    rows = [_rows(resting, start, start + 8 * 3600, "vacation", is_planned) for is_planned in (True, False)]
    return stack(*rows)


def _rows(agent: Array, starts: Array, ends: Array, activity: str, is_planned: bool) -> Batch:
    count = len(agent)
    kind = np.full(count, ACTIVITIES.index(activity))
    return {"agent": agent, "starts": starts, "ends": ends, "activity": kind, "is_planned": np.full(count, is_planned)}


def _shift_times(shift: Array, day: Day) -> tuple[Array, Array]:
    """First second and length in minutes of each shift; shifts begin at a local time, on any day."""
    is_long = shift < len(SHIFT_STARTS)
    minute = np.array(SHIFT_STARTS + SHORT_STARTS)[shift]
    position = np.searchsorted(day.minutes, minute // 30 * 30)
    position = position + (day.minutes[np.minimum(position, len(day.minutes) - 1)] > minute)
    starts = day.starts[np.minimum(position, len(day.starts) - 1)] + minute % 30 * 60
    return starts, np.where(is_long, SHIFT_MINUTES, SHORT_MINUTES)


def _present(rows: Batch, agents: Batch, day: Day) -> Array:
    """People at work by queue x interval, in parts of an interval."""
    actual = ~rows["is_planned"] & (rows["activity"] != ACTIVITIES.index("sick"))
    actual &= rows["activity"] != ACTIVITIES.index("vacation")
    starts, ends = rows["starts"][actual, None], rows["ends"][actual, None]
    overlap = np.minimum(ends, day.starts + INTERVAL_S) - np.maximum(starts, day.starts)
    share = np.clip(overlap, 0, None) / INTERVAL_S
    share *= np.where(rows["activity"][actual] == 0, 1, -1)[:, None]
    present = np.zeros((RETENTION + 1, len(day.starts)))
    np.add.at(present, agents["queue"][rows["agent"][actual]], share)
    return np.maximum(present, 0.0)


def _covers(day: Day, start: int, minutes: int) -> Array:
    return np.asarray((day.minutes >= start - 29) & (day.minutes < start + minutes)).astype(float)


def _ordinary_monday() -> int:
    """A Monday in a week without holidays: 9 September 2024."""
    return day_number(EPOCH) + 8


def on_duty(rows: Batch, agents: Batch, queue: int) -> Array:
    """Agents of a queue who came to work, at least one."""
    actual = ~rows["is_planned"] & (rows["activity"] == 0) if size(rows) else np.empty(0, bool)
    mine = np.unique(rows["agent"][actual]) if size(rows) else np.empty(0, int)
    mine = mine[agents["queue"][mine] == queue]
    return mine if len(mine) else np.flatnonzero(agents["queue"] == queue)[:1]
