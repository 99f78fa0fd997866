"""Days with outreach beside the calls: what it does to their standard, and the least that must hold it back.

Two rules hold it back, and both can be kept on the floor. So many agents stay idle, which keeps each wait short. And it
begins only while so many more contacts of the day were answered in time than the standard asks for: on a day that
brings more than was thought it stops before it does harm.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from forestall.sections import ServiceLevelSettings
from forestall.shifts.service import Losses, QueueLoad
from forestall.staffing.idle import Outreach
from forestall.staffing.promise import Promise
from forestall.staffing.simulation import Arrivals, draw_arrivals, in_standard, simulate
from forestall.staffing.uncertainty import WEIGHTS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)
AHEAD = 0.5
KEPT_OF_SURPLUS = 0.5


@dataclass(frozen=True)
class Calling:
    """When and for how long outreach calls.

    Attributes:
        hours: from, to: by the site's clock.
        contact_minutes: agents free for a shorter time cannot do any.
        quiet_days: days, from the first on, of which is simulated what they give if it is quiet.
    """

    hours: tuple[int, int]
    contact_minutes: float
    quiet_days: int


@dataclass(frozen=True)
class Quiet:
    """What a day gives if it is quiet.

    Attributes:
        minutes: by interval of the day.
        idle_agents: who must stay idle, by interval; None where the day does not keep the standard with any number.
        answers_ahead: more answers in time than the standard asks for, while outreach may begin; None: however many.
        idle_share: minutes as a share of those in which agents are idle, in hours in which customers may be called.
        service_level: with outreach.
    """

    minutes: Floats
    idle_agents: Integers | None
    answers_ahead: int | None
    idle_share: float
    service_level: float


@dataclass(frozen=True)
class Tried:
    """What became of days; lanes first.

    Attributes:
        in_time: lanes x queues; answers within the standard.
        counted: lanes x queues; contacts by which it is judged.
        is_kept: each queue kept its standard.
        outreach_s: lanes x intervals; agent seconds of outreach.
        busy_s: lanes x intervals; agent seconds with contacts.
    """

    in_time: Integers
    counted: Integers
    is_kept: Flags
    outreach_s: Floats
    busy_s: Floats

    def rows(self, lanes: slice) -> "Tried":
        """Some of the lanes."""
        return Tried(*(values[lanes] for values in vars(self).values()))

    def where(self, is_own: Flags, other: "Tried") -> "Tried":
        """Of each lane this, or the other."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Tried(*(np.where(is_own if own.ndim == 1 else is_own[:, None], own, some) for own, some in pairs))

    @property
    def service_level(self) -> float:
        """Over all lanes and queues; NaN where nobody came."""
        return float(self.in_time.sum() / self.counted.sum()) if self.counted.any() else np.nan


@dataclass(frozen=True)
class DrawnDays:
    """Days of one group's shifts, each drawn several times; a lane is one draw of one day.

    Attributes:
        arrivals: of each lane.
        servers: lanes x intervals; agents who are there for them.
        is_allowed: lanes x intervals; customers may be called.
        promise: standards of the group's queues.
        contact_s: how long a contact of outreach takes.
        interval_s: length of an interval.
    """

    arrivals: Arrivals
    servers: Integers
    is_allowed: Flags
    promise: Promise
    contact_s: float
    interval_s: int

    @property
    def most(self) -> int:
        """The step of the ladder at which nobody calls on any day."""
        return int(self.servers.max(initial=0)) * int(self.servers.shape[1])

    def tried(self, idle_agents: Integers | None = None, ahead: Floats | None = None) -> Tried:
        """The days with outreach; without any where nobody is said to stay idle.

        Args:
            idle_agents: lanes x intervals; who stay idle.
            ahead: by lane; more answers in time than the standard asks for, while outreach may begin; None: whatever
                they are.
        """
        outreach = None
        if idle_agents is not None:
            promise = None if ahead is None else self.promise
            least = 0.0 if ahead is None else ahead
            outreach = Outreach(idle_agents, self.contact_s, self.is_allowed, promise, least)
        served = simulate(self.arrivals, self.servers, self.interval_s, outreach)
        kind = self.arrivals.kind
        in_time, counted = in_standard(self.arrivals, served, self.promise.threshold_s[kind], self.promise.level)
        of_queue = [kind == at for at in range(len(self.promise.share))]
        answers, contacts = (np.stack([(some & mine).sum(axis=1) for mine in of_queue], axis=1)
                             for some in (in_time, counted))  # fmt: skip
        is_kept = (answers >= self.promise.share * contacts).all(axis=1)
        return Tried(answers, contacts, is_kept, served.outreach_s, served.busy_s)


def reserve(step: Integers, intervals: int) -> Integers:
    """Who stay idle, by interval: whole agents all day, and one more in the first intervals of it.

    Late in a day the answers so far say more of how it will end, so the last hours are the first to be let go.

    Worked, 4 intervals: step 0 is 0 0 0 0, step 6 is 2 2 1 1, step 8 is 2 2 2 2.
    """
    return np.asarray(step[:, None] // intervals + (np.arange(intervals) < step[:, None] % intervals))


def least_steps(count: int, most: int, is_enough: Callable[[Integers], Flags]) -> Integers:
    """The least step that is enough for each of so many, found side by side by halving; `most` is known to be enough.

    Args:
        count: of whatever a step is looked for.
        most: the last step.
        is_enough: says of one step each whether it is enough; once it is, more steps are.
    """
    low, high = np.zeros(count, np.int64), np.full(count, most, np.int64)
    while (is_open := low < high).any():
        middle = (low + high) // 2
        enough = is_enough(middle)
        high = np.where(is_open & enough, middle, high)
        low = np.where(is_open & ~enough, middle + 1, low)
    return high


def ahead_of(contacts: Floats, share: Floats) -> Floats:
    """Answers in time beyond the standard's that outreach leaves a day with: a part of what chance moves them by.

    Args:
        contacts: days x queues; means.
        share: by queue; to be answered in time.

    Worked: 400 contacts of which 80 % are to be answered in time scatter by 8, half of which is 4.
    """
    return np.asarray(np.ceil(AHEAD * np.sqrt((contacts * share * (1 - share)).sum(axis=1))))


def by_day(values: NDArray[Scalar], bounds: Integers) -> NDArray[Scalar]:
    """Days first, the last axis cut at these bounds; shorter days (of a clock change) end with zeros.

    Args:
        values: intervals along the last axis.
        bounds: first interval of each day, and the end of the last.
    """
    days = np.zeros((len(bounds) - 1, *values.shape[:-1], int(np.diff(bounds).max())), values.dtype)
    for day, (first, last) in enumerate(pairwise(bounds.tolist())):
        days[day, ..., : last - first] = values[..., first:last]
    return days


def drawn_servers(
    scheduled: Floats, off: Floats, taken: Floats, losses: Losses, count: int, rng: np.random.Generator
) -> Integers:  # fmt: skip
    """Days x draws x intervals: whole agents for live contacts, who is away all day drawn.

    Args:
        scheduled: days x intervals.
        off: days x intervals, or days x draws x intervals; of these, who do outreach.
        taken: days x intervals; by work that can wait.
        losses: shares of scheduled time.
        count: draws of each day.
        rng: where chance comes from.
    """
    most = np.ceil(scheduled.max(axis=1, initial=0.0)).astype(np.int64)[:, None]
    comes = rng.binomial(most, 1 - losses.day, (len(scheduled), count)) / np.maximum(most, 1)
    on_line = scheduled[:, None] - (off if off.ndim == 3 else off[:, None])
    there = on_line * comes[..., None] * (1 - losses.within) - taken[:, None]
    return np.asarray(np.floor(np.maximum(there, 0.0) + rng.random(there.shape)), np.int64)


def promise_of(live: Sequence[QueueLoad], level: ServiceLevelSettings) -> Promise:
    """What these queues promise, in their order."""
    standards = [queue.standard for queue in live]
    threshold_s = np.array([standard.threshold_s or 0.0 for standard in standards], float)
    return Promise(threshold_s, np.array([standard.service_level or 0.0 for standard in standards]), level)


def quiet_days(
    live: Sequence[QueueLoad], bounds: Integers, servers: Integers, is_allowed: Flags, level: ServiceLevelSettings,
    calling: Calling, interval_s: int, rng: np.random.Generator,
) -> list[Quiet]:  # fmt: skip
    """The fewest who must stay idle on each day so that it keeps its standard as it should, and what that gives.

    Without a certainty each queue keeps its level over the draws of the day, and outreach does not stop in the midst of
    it: that would let the level fall to the standard whatever the reserve is. With one, of the draws that keep their
    standards beyond those that are wanted `KEPT_OF_SURPLUS` go on keeping them. A day stands for itself whatever the
    standard's period is.

    Args:
        live: queues that share the agents.
        bounds: of days, in the intervals of the loads.
        servers: days x draws x intervals; agents who are there for them, firm outreach taken off.
        is_allowed: days x intervals; customers may be called.
        level: formula of the service level, and how sure a period is to be.
        calling: how long a contact takes.
        interval_s: length of an interval.
        rng: where chance comes from; the arrivals are the same whoever stays idle.
    """
    days, count, intervals = servers.shape
    rates = by_day(np.stack([queue.rates.T for queue in live]), bounds)  # days x queues x nodes x intervals
    handle_s = by_day(np.stack([queue.handle_time_s for queue in live]), bounds)
    node = rng.choice(len(WEIGHTS), (days, count), p=WEIGHTS)
    of_draw = np.moveaxis(np.take_along_axis(rates, node[:, None, :, None], axis=2), 2, 1)
    arrivals = draw_arrivals(
        rng, of_draw.reshape(-1, len(live), intervals), np.repeat(handle_s, count, axis=0),
        np.array([queue.patience_s for queue in live]), interval_s,
    )  # fmt: skip
    drawn = DrawnDays(
        arrivals, servers.reshape(-1, intervals), np.repeat(is_allowed, count, axis=0), promise_of(live, level),
        calling.contact_minutes * 60, interval_s,
    )  # fmt: skip
    ahead = None
    if level.certainty is not None:
        ahead = ahead_of((rates * WEIGHTS[:, None]).sum(axis=(2, 3)), drawn.promise.share)
    alone = drawn.tried()
    kept = _kept(alone, days)
    wanted = None if level.certainty is None else level.certainty + KEPT_OF_SURPLUS * (kept - level.certainty)

    def keeps(tried: Tried) -> Flags:
        return _keeps_level(tried, days, drawn.promise.share) if wanted is None else _kept(tried, days) >= wanted

    def tried(steps: Integers) -> Tried:
        return drawn.tried(
            reserve(np.repeat(steps, count), intervals), None if ahead is None else np.repeat(ahead, count)
        )

    may = keeps(alone) if level.certainty is None else kept >= level.certainty
    steps = np.where(may, least_steps(days, drawn.most, lambda some: keeps(tried(some))), drawn.most)
    best = tried(steps)
    idle_s = ((drawn.servers * interval_s - alone.busy_s) * drawn.is_allowed).reshape(days, -1).sum(axis=1)
    used_s = best.outreach_s.reshape(servers.shape)
    shares = np.divide(used_s.sum(axis=(1, 2)), idle_s, out=np.zeros(days), where=idle_s > 0).clip(max=1.0)
    levels = [best.rows(slice(day * count, (day + 1) * count)).service_level for day in range(days)]
    least = [None] * days if ahead is None else ahead.astype(int).tolist()
    return [
        Quiet(minutes, idle if is_kept else None, answers, float(share), told)
        for minutes, idle, is_kept, answers, share, told in zip(
            used_s.mean(axis=1) / 60, reserve(steps, intervals), may, least, shares, levels, strict=True
        )
    ]


def _kept(tried: Tried, days: int) -> Floats:
    """Share of each day's draws that kept their standards."""
    return np.asarray(tried.is_kept.reshape(days, -1).mean(axis=1))


def _keeps_level(tried: Tried, days: int, share: Floats) -> Flags:
    """Whether over each day's draws all queues have their level."""
    in_time, counted = (some.reshape(days, -1, len(share)).sum(axis=1) for some in (tried.in_time, tried.counted))
    return np.asarray((in_time >= share * counted).all(axis=1))
