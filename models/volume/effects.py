"""What holidays, ends of months and events do to a day, told by all queues together.

A queue sees a Christmas Eve once a year, and a small one hardly tells it from chance. What such a day does is alike in
all queues of a company, so each takes what the others saw for what to expect, as far as they agree, and its own days
for the rest. A queue that is alone, or the first to feel an event, is shrunk towards no effect.

Effects are parts of an unmarked day: -0.4 takes four contacts of ten away. They add up where marks meet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.volume.marks import in_words
from models.volume.params import DailyParams

Values = NDArray[np.float64]
LEAST_FACTOR = 0.05  # of an unmarked day is left by whatever meets on it
LEAST_SCATTER = 1e-3  # variance of a day's part beyond that of counts: 3 % either way


@dataclass(frozen=True)
class MarkedDays:
    """The days of one queue that teach.

    Attributes:
        on: the days.
        contacts: that came.
        base: that would have come without any mark.
        marks: `ds`, `holiday` of these days, and of others.
    """

    on: pd.DatetimeIndex
    contacts: Values
    base: Values
    marks: pd.DataFrame


@dataclass(frozen=True)
class Effects:
    """By mark: what each queue is taken to feel, and a queue that has no days of its own."""

    queues: Mapping[str, "pd.Series[float]"]
    common: "pd.Series[float]"


@dataclass(frozen=True)
class _Evidence:
    """What is said of effects: the inverse of its variance (marks x marks), and that times its mean."""

    information: Values
    score: Values


def learn_effects(queues: Mapping[str, MarkedDays], params: DailyParams) -> Effects:
    """Effects of all marks that any of the queues has felt.

    Each queue's effects scatter around common ones by `effect_spread`, common ones around none by
    `effect_prior_scale`, and days around the sum of theirs as counts do, and beyond it as the queue's unmarked days do.
    What days scatter beyond counts they may do in all queues at once, so a mark that was felt on few days is not known
    better by being felt in many queues. Given these variances the effects told are the posterior means; the common
    ones that a queue is shrunk to are those of the other queues.

    Worked, one mark and one day in each of two queues, base 400 and the least scatter, so a variance of 1/400 + 0.001
    = 0.0035. The other queue's day came 40 % lower: with a spread of 0.1 it tells the common effect with a variance of
    0.0035 + 0.01 + 0.001, beside the prior's 0.09, so as -0.4 x 0.09 / 0.1045 = -0.344 with a variance of 0.0125. The
    queue's own day came 20 % lower: (-0.344 / 0.0225 - 0.2 / 0.0035) / (1 / 0.0225 + 1 / 0.0035) = -0.219.
    """
    names = sorted({name for days in queues.values() for name in _felt(days)})
    scatters = {queue: _scatter(days) for queue, days in queues.items()}
    own = {queue: _evidence(days, names, scatters[queue]) for queue, days in queues.items()}
    spread = params.effect_spread**2 * np.eye(len(names))
    told = {queue: _scattered(one, spread) for queue, one in own.items()}
    shock = np.diag(float(np.median(list(scatters.values()) or [0.0])) / _days_felt(queues, names))
    prior = np.eye(len(names)) / params.effect_prior_scale**2
    every = _Evidence(
        sum((one.information for one in told.values()), np.zeros_like(prior)),
        sum((one.score for one in told.values()), np.zeros(len(names))),
    )

    found = {}
    for queue, one in own.items():
        rest = _Evidence(every.information - told[queue].information, every.score - told[queue].score)
        others = _scattered(rest, shock)
        variance = np.linalg.inv(prior + others.information)
        certainty = np.linalg.inv(variance + spread)
        found[queue] = np.linalg.solve(one.information + certainty, one.score + certainty @ variance @ others.score)
    together = _scattered(every, shock)
    common = np.linalg.solve(prior + together.information, together.score)
    return Effects({queue: pd.Series(values, names) for queue, values in found.items()}, pd.Series(common, names))


def mark_factors(marks: pd.DataFrame, days: pd.DatetimeIndex, effects: "pd.Series[float]") -> Values:
    """How many times an unmarked day each day is; a mark that nobody has felt has no effect."""
    parts = marks["holiday"].map(effects.to_dict()).astype(float).fillna(0.0)
    return np.asarray(np.maximum(1 + parts.groupby(marks["ds"]).sum().reindex(days, fill_value=0.0), LEAST_FACTOR))


def effect_rows(
    queue: str, effects: "pd.Series[float]", marks: pd.DataFrame, taught: pd.DatetimeIndex, run_date: date
) -> pd.DataFrame:
    """Rows of `mark_effects` but for the model version: the marks that the queue has or will have.

    Args:
        queue: the queue.
        effects: on it, by mark.
        marks: `ds`, `holiday`, of the past and of the days ahead.
        taught: days that it was learned from.
        run_date: first day ahead.
    """
    own = marks[marks["holiday"].isin(effects.index)]
    seen = own["ds"].isin(taught).groupby(own["holiday"]).sum()
    coming = own["ds"].where(own["ds"] >= pd.Timestamp(run_date)).groupby(own["holiday"]).min()
    names = pd.Index(sorted(own["holiday"].unique()))
    return pd.DataFrame(
        {
            "queue": queue,
            "mark": names,
            "description": [in_words(str(name)) for name in names],
            "effect": effects.reindex(names).to_numpy(),
            "days_seen": seen.reindex(names).to_numpy(dtype=np.int64),
            "next_on": coming.reindex(names).dt.date.to_numpy(),
        }
    )


def _felt(days: MarkedDays) -> set[str]:
    return set(days.marks["holiday"][days.marks["ds"].isin(days.on)])


def _days_felt(queues: Mapping[str, MarkedDays], names: list[str]) -> Values:
    """On how many days any queue felt each mark."""
    felt = [days.marks[days.marks["ds"].isin(days.on)] for days in queues.values()]
    every = pd.concat([marks[["ds", "holiday"]] for marks in felt]).drop_duplicates() if felt else pd.DataFrame()
    if every.empty:
        return np.ones(len(names))
    return np.asarray(every["holiday"].value_counts().reindex(names).to_numpy(), dtype=np.float64)


def _evidence(days: MarkedDays, names: list[str], scatter: float) -> _Evidence:
    """What the queue's own days say of its effects: a weighted regression of their parts on their marks."""
    felt = _design(days, names)
    is_some = days.base > 0
    felt, base, contacts = felt[is_some], days.base[is_some], days.contacts[is_some]
    weighed = felt / (1 / base + scatter)[:, None]
    return _Evidence(weighed.T @ felt, weighed.T @ (contacts / base - 1))


def _design(days: MarkedDays, names: list[str]) -> Values:
    """Days x marks; 1 where a day has the mark."""
    own = days.marks[days.marks["ds"].isin(days.on)]
    felt = np.zeros((len(days.on), len(names)))
    felt[days.on.get_indexer(pd.DatetimeIndex(own["ds"])), pd.Index(names).get_indexer(pd.Index(own["holiday"]))] = 1.0
    return felt


def _scatter(days: MarkedDays) -> float:
    """Variance of a day's part of its base beyond that of counts, from the unmarked days (method of moments)."""
    is_plain = (days.base > 0) & ~days.on.isin(days.marks["ds"])
    contacts, base = days.contacts[is_plain], days.base[is_plain]
    if not len(base):
        return LEAST_SCATTER
    return float(max(((contacts - base) ** 2 - base).sum() / (base**2).sum(), LEAST_SCATTER))


def _scattered(told: _Evidence, variance: Values) -> _Evidence:
    """Evidence of effects, as evidence of those around which they scatter by so much."""
    share = np.linalg.inv(np.eye(len(variance)) + told.information @ variance)
    return _Evidence(share @ told.information, share @ told.score)
